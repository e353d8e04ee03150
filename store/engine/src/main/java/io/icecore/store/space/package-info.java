/**
 * Which blocks are free, the pin rule (when a freed block may be written again), and which free blocks are taken next.
 *
 * <p>Start at {@link io.icecore.store.space.FreeSpaceMap}.
 */
package io.icecore.store.space;
