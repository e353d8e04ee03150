/**
 * Which blocks hold which chunks, now and at every snapshot: the head tree and the two trees of the history.
 *
 * <p>A version of a chunk lives over {@code [birth, death)} and is visible to snapshot s when {@code birth <= s < death}.
 * What the live volume sees is in the head, what only snapshots see is in the history. Start reading at
 * {@link io.icecore.volume.map.HeadWriter}, which moves versions from the one to the other, then at
 * {@link io.icecore.volume.map.Resolver}, which finds them again without a lock.
 *
 * <p>Uses {@code store}; is used by {@code volume}.
 */
package io.icecore.volume.map;
