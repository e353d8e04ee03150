/**
 * Which blocks are free, and the pin rule: when a freed block may be written again.
 *
 * <p>Start at {@link io.icecore.store.space.FreeSpaceMap}.
 */
package io.icecore.store.space;
