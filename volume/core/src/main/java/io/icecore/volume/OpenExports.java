package io.icecore.volume;

import io.icecore.volume.map.Extent;
import java.util.HashMap;
import java.util.Map;

/** Which heads and snapshots are exported now, and how often. Under the store's lock. */
final class OpenExports {
    private record Point(long branch, long epoch) {}

    private final Map<Point, Integer> counts = new HashMap<>();

    void add(final long branch, final long epoch) {
        counts.merge(new Point(branch, epoch), 1, Integer::sum);
    }

    void remove(final long branch, final long epoch) {
        counts.computeIfPresent(new Point(branch, epoch), (point, count) -> count == 1 ? null : count - 1);
    }

    boolean isOpen(final long branch, final long epoch) {
        return counts.containsKey(new Point(branch, epoch));
    }

    boolean isHeadOpen(final long branch) {
        return isOpen(branch, Extent.HEAD);
    }

    /** Whether the head or any snapshot of the branch is exported. */
    boolean isAnyOpen(final long branch) {
        return counts.keySet().stream().anyMatch(point -> point.branch == branch);
    }
}
