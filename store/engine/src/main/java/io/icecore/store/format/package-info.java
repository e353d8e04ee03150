/**
 * What the bytes mean: superblock, node and spill node, as tables and the code that follows them.
 *
 * <p>No I/O, no state. Start at {@link io.icecore.store.format.SuperblockLayout}; docs/format.md tells how the
 * pieces hang together.
 */
package io.icecore.store.format;
