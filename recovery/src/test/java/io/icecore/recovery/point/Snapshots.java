package io.icecore.recovery.point;

import io.icecore.volume.Snapshot;
import java.time.Instant;
import java.util.Map;
import java.util.Set;

/** Snapshots to plan with. */
final class Snapshots {
    private Snapshots() {}

    static Snapshot rolling(final String volume, final long epoch, final Instant created) {
        return new Snapshot(
                volume, 1, epoch, "s" + epoch, created, 0, 0, 0, Map.of(Snapshot.ROLLING, "true"), Set.of());
    }

    static Snapshot byAPerson(final String volume, final long epoch, final Instant created) {
        return new Snapshot(volume, 1, epoch, "s" + epoch, created, 0, 0, 0, Map.of("why", "upgrade"), Set.of());
    }

    static Snapshot held(final Snapshot of, final String... tags) {
        return new Snapshot(
                of.volume(), of.branch(), of.epoch(), of.name(), of.created(), 0, 0, 0, of.labels(), Set.of(tags));
    }
}
