/**
 * Volumes, branches and snapshots on top of a store, and the exports that servers offer of them.
 *
 * <p>Start reading at {@link io.icecore.volume.Catalog}, the way in. {@code VolumeData} is the path of reads and writes,
 * {@code SnapshotDeletion} (the mark) and {@code Reclaimer} are the two halves of deletion, {@code Branch} is what both
 * share.
 *
 * <p>Uses {@code store} and {@code volume.map}; is used by the servers, by {@code recovery} and by {@code cli}.
 */
package io.icecore.volume;
