/**
 * Reads all data of a store and verifies it, while the store is in use, at a rate that leaves the device to others.
 *
 * <p>Start reading at {@link io.icecore.recovery.scrub.Scrub}. {@link io.icecore.recovery.scrub.ScrubState} is what a scrub
 * that was stopped goes on from.
 *
 * <p>Uses {@code recovery.check}, which looks at the structure first; is used by {@code cli}.
 */
package io.icecore.recovery.scrub;
