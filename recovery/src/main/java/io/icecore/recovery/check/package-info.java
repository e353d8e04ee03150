/**
 * Whether the structures of a store are consistent with each other: read-only, and nothing but looking.
 *
 * <p>Start reading at {@link io.icecore.recovery.check.CheckReport}, the answer.
 *
 * <p>Uses {@code volume} and {@code store}; is used by {@code recovery.scrub}, {@code recovery.repair} and {@code cli}.
 */
package io.icecore.recovery.check;
