/**
 * Which segments are worth emptying. Who owns their blocks, and so who moves them, is known above.
 *
 * <p>Start at {@link io.icecore.store.clean.SegmentCleaner}. Uses {@code store.space}; is used by {@code store}.
 */
package io.icecore.store.clean;
