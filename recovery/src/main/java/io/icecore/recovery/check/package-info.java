/**
 * Whether the structures of a store are consistent with each other: read-only, and nothing but looking.
 *
 * <p>Start reading at {@link io.icecore.recovery.check.StoreCheck}; {@link io.icecore.recovery.check.CheckReport} is the
 * answer. It reads nodes itself ({@link io.icecore.recovery.check.CommitReader}), so that damage in one hides nothing else.
 *
 * <p>Uses {@code volume}, {@code store} and the formats and readers below it; is used by {@code recovery.scrub}, {@code recovery.repair} and {@code cli}.
 */
package io.icecore.recovery.check;
