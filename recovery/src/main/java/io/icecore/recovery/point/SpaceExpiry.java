package io.icecore.recovery.point;

import io.icecore.volume.Catalog;
import io.icecore.volume.Snapshot;
import io.icecore.volume.VolumeInfo;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which rolling snapshots go when the store is short of space and its policy is to expire them: a pure function.
 *
 * <p>Rules:
 * <ul>
 *   <li>X1. Only snapshots with the rolling label and without holds go, and never the newest {@code keepLast} of a volume,
 *       nor its newest one.</li>
 *   <li>X2. The oldest of all volumes go first, by their time.</li>
 *   <li>X3. So many go that the bytes which died with them, an upper bound of what comes back, make up for what is
 *       missing; at least one, at most {@code countMax}.</li>
 * </ul>
 */
public final class SpaceExpiry {
    private SpaceExpiry() {}

    /**
     * What would go, of all volumes, oldest first, if so much were missing now; nothing is changed. What clients use stays in
     * fact, which is not seen here.
     */
    public static List<Snapshot> preview(final Catalog catalog, final long missingBytes) {
        final Map<String, List<Snapshot>> snapshots = new TreeMap<>();
        final Map<String, Integer> keepLast = new TreeMap<>();
        for (final VolumeInfo volume : catalog.volumes()) {
            catalog.policy(volume.name()).ifPresent(policy -> {
                snapshots.put(volume.name(), catalog.snapshots(volume.name()));
                keepLast.put(volume.name(), RollingPolicy.decode(policy).keepLast());
            });
        }
        return choose(snapshots, keepLast, missingBytes, Integer.MAX_VALUE);
    }

    /**
     * @param snapshots all of each volume with a policy, oldest first
     * @param keepLast  of each of these volumes
     */
    static List<Snapshot> choose(
            final Map<String, List<Snapshot>> snapshots,
            final Map<String, Integer> keepLast,
            final long missingBytes,
            final int countMax) {
        final List<Snapshot> expendable = new ArrayList<>();
        snapshots.forEach((volume, all) -> {
            int rank = 0; // Of rolling snapshots, from the newest.
            for (int i = all.size() - 1; i >= 0; i--) {
                final Snapshot snapshot = all.get(i);
                if (snapshot.rolling() && ++rank > Math.max(1, keepLast.get(volume))) {
                    if (snapshot.holds().isEmpty()) {
                        expendable.add(snapshot);
                    }
                }
            }
        });
        expendable.sort(Comparator.comparing(Snapshot::created).thenComparing(Snapshot::volume));
        final List<Snapshot> chosen = new ArrayList<>();
        long bytes = 0;
        for (final Snapshot snapshot : expendable) {
            if (chosen.size() == countMax || !chosen.isEmpty() && bytes >= missingBytes) {
                break;
            }
            chosen.add(snapshot);
            bytes += snapshot.diedBytes();
        }
        return chosen;
    }
}
