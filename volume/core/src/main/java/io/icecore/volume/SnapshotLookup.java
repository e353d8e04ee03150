package io.icecore.volume;

import io.icecore.store.tree.Key;
import io.icecore.volume.map.Extent;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Finds snapshots: by name through the index, by time from the newest backwards, all of them by a scan of the catalogue
 * that takes no lock. A volume's snapshots are those of its branches, oldest branch first: a branch that was rolled back
 * took all of its snapshots before the next one began.
 */
final class SnapshotLookup {
    /** The counter of a branch's newest snapshot, which its record does not have. */
    private record Newest(long epoch, long died) {}

    private final Volumes volumes;

    SnapshotLookup(final Volumes volumes) {
        this.volumes = volumes;
    }

    /** Visible snapshots, oldest first. */
    List<Snapshot> all(final String volumeName) {
        return scan(volumeName, 0, 0, Key.A_MAX, Key.C_MAX);
    }

    /** Visible snapshots from (branch, epoch) to (branch, epoch), both included, oldest first. */
    private List<Snapshot> scan(
            final String volumeName,
            final long firstBranch,
            final long firstEpoch,
            final long lastBranch,
            final long lastEpoch) {
        final Map<Long, Newest> newest = new HashMap<>();
        final List<Long> numbers = volumes.look(() -> {
            final long id = volumes.volume(volumeName).id;
            final List<Long> all = Branches.ofVolume(volumes.tree(), id);
            all.forEach(number -> newest.put(number, newestOf(volumes.branches().get(number))));
            return all;
        });
        final CatalogueTree tree = new CatalogueTree(volumes.store());
        final List<Snapshot> found = new ArrayList<>();
        for (final long number : numbers) {
            if (number >= firstBranch && number <= lastBranch) {
                final long from = number == firstBranch ? firstEpoch : 0;
                final long to = number == lastBranch ? lastEpoch : Key.C_MAX;
                scanBranch(tree, volumeName, number, from, to, newest.get(number), found);
            }
        }
        return found;
    }

    private static Newest newestOf(final Branch branch) {
        return new Newest(branch.newest(), branch.diedChunks);
    }

    private static void scanBranch(
            final CatalogueTree tree,
            final String volumeName,
            final long branch,
            final long from,
            final long to,
            final Newest newest,
            final List<Snapshot> found) {
        for (boolean more = tree.next(CatalogueTree.SNAPSHOT, branch, from);
                more && tree.sub() <= to;
                more = tree.next(CatalogueTree.SNAPSHOT, branch, tree.sub() + 1)) {
            final SnapshotRecord record = SnapshotRecord.read(tree);
            if (!record.hidden) {
                final Snapshot before = found.isEmpty() ? null : found.get(found.size() - 1);
                found.add(record.toSnapshot(volumeName, died(record, newest), before));
            }
        }
    }

    private static long died(final SnapshotRecord record, final Newest newest) {
        return record.epoch == newest.epoch ? newest.died : record.diedChunks;
    }

    Snapshot toSnapshot(final String volumeName, final SnapshotRecord record) {
        return record.toSnapshot(
                volumeName, died(record, newestOf(volumes.branches().get(record.branch))), null);
    }

    // ---- by spec

    /** The one snapshot that the spec stands for. */
    Snapshot one(final Spec spec) {
        return volumes.look(() -> toSnapshot(spec.volume(), record(spec)));
    }

    /** All snapshots that the spec stands for, oldest first. */
    List<Snapshot> each(final Spec spec) {
        if (spec.kind() != Spec.Kind.RANGE) {
            return List.of(one(spec));
        }
        final Snapshot from = one(spec.from());
        final Snapshot to = one(spec.to());
        if (from.branch() > to.branch() || from.branch() == to.branch() && from.epoch() > to.epoch()) {
            throw new IllegalArgumentException(
                    "range: " + from.spec() + " is newer than " + to.spec() + " (expected: the older one first)");
        }
        return scan(spec.volume(), from.branch(), from.epoch(), to.branch(), to.epoch());
    }

    /** The head or the snapshot that the spec stands for, as something to read. */
    ReadPoint point(final Spec spec) {
        return volumes.look(() -> {
            if (spec.kind() == Spec.Kind.HEAD) {
                final VolumeRecord volume = volumes.volume(spec.volume());
                return new ReadPoint(volumes.branches(), volume.name, volume.branch, Extent.HEAD);
            }
            final SnapshotRecord record = record(spec);
            final String name = spec.volume() + "@" + record.name;
            return new ReadPoint(volumes.branches(), name, record.branch, record.epoch);
        });
    }

    /** Bytes. */
    long sizeOf(final Spec spec) {
        return volumes.look(
                () -> spec.kind() == Spec.Kind.HEAD ? volumes.volume(spec.volume()).sizeBytes : record(spec).sizeBytes);
    }

    /** As {@link #one}; under the lock. */
    SnapshotRecord record(final Spec spec) {
        final VolumeRecord volume = volumes.volume(spec.volume());
        final SnapshotRecord found = switch (spec.kind()) {
            case NAME -> volumes.names().findSnapshot(volume.id, spec.name());
            case LATEST -> newest(volume, record -> true);
            case AGO -> atOrBefore(volume, volumes.clock().instant().minus(spec.ago()));
            case TIME -> atOrBefore(volume, spec.time());
            case HEAD ->
                throw new IllegalArgumentException(
                        "spec: " + spec.volume() + " is a volume (expected: a snapshot of it)");
            case RANGE ->
                throw new IllegalArgumentException("spec: a range of " + spec.volume() + " (expected: one snapshot)");
        };
        if (found == null) {
            throw new NoSuchException("no such snapshot: " + volume.name + describe(spec));
        }
        return found;
    }

    private static String describe(final Spec spec) {
        return switch (spec.kind()) {
            case NAME -> "@" + spec.name();
            case AGO -> ": none is " + spec.ago() + " old or older";
            case TIME -> ": none at or before " + spec.time();
            default -> ": it has none";
        };
    }

    private SnapshotRecord atOrBefore(final VolumeRecord volume, final Instant time) {
        final long millis = time.toEpochMilli();
        return newest(volume, record -> record.createdMillis <= millis);
    }

    /** The newest visible snapshot that the test accepts, or null. */
    private SnapshotRecord newest(final VolumeRecord volume, final Predicate<SnapshotRecord> test) {
        final CatalogueTree tree = volumes.tree();
        final List<Long> numbers = Branches.ofVolume(tree, volume.id);
        for (int i = numbers.size() - 1; i >= 0; i--) {
            final long branch = numbers.get(i);
            for (boolean more = tree.previous(CatalogueTree.SNAPSHOT, branch, Key.C_MAX);
                    more;
                    more = tree.previous(CatalogueTree.SNAPSHOT, branch, tree.sub() - 1)) {
                final SnapshotRecord record = SnapshotRecord.read(tree);
                if (!record.hidden && test.test(record)) {
                    return record;
                }
            }
        }
        return null;
    }

    /** Names of the newest visible snapshots of a volume, newest first. */
    List<String> newestNames(final String volumeName, final int countMax) {
        final List<String> found = new ArrayList<>();
        if (countMax > 0) {
            volumes.look(() -> {
                found.clear();
                return newest(volumes.volume(volumeName), record -> {
                    found.add(record.name);
                    return found.size() == countMax;
                });
            });
        }
        return found;
    }

    /** The record that a {@link Snapshot} stands for, provided it is still visible. Under the lock. */
    SnapshotRecord current(final Snapshot snapshot) {
        final CatalogueTree tree = volumes.tree();
        if (tree.get(CatalogueTree.SNAPSHOT, snapshot.branch(), snapshot.epoch())) {
            final SnapshotRecord record = SnapshotRecord.read(tree);
            if (!record.hidden && !volumes.branches().get(snapshot.branch()).discarded) {
                return record;
            }
        }
        throw new NoSuchException("no such snapshot: " + snapshot.spec());
    }
}
