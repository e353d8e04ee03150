package io.icecore.volume;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icecore.volume.map.Extent;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/** Takes snapshots, names and holds them. */
final class SnapshotChanges {
    static final int LABELS_MAX = 32;
    static final int HOLDS_MAX = 32;

    /** Labels and holds of one snapshot, each list, in bytes. Leaves room for the rest in a record. */
    private static final int TEXT_LENGTH_MAX = 800;

    private static final DateTimeFormatter DEFAULT_NAME = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH-mm-ss");

    private final Volumes volumes;
    private final SnapshotLookup lookup;

    SnapshotChanges(final Volumes volumes, final SnapshotLookup lookup) {
        this.volumes = volumes;
        this.lookup = lookup;
    }

    /** One snapshot of each volume, in one commit. */
    List<Snapshot> create(final List<String> volumeNames, final String name, final Map<String, String> labels) {
        if (volumeNames.isEmpty()) {
            throw new IllegalArgumentException("volumes: none named");
        }
        checkLabels(labels);
        if (name != null) {
            Spec.requireName("snapshot", name);
        }
        return volumes.addDurably(() -> {
            final List<VolumeRecord> records = new ArrayList<>();
            new LinkedHashSet<>(volumeNames).forEach(volume -> records.add(volumes.volume(volume)));
            final Instant now = volumes.clock().instant();
            final String common = name == null ? freeName(records, defaultName(now)) : name;
            for (final VolumeRecord record : records) {
                if (volumes.names().findSnapshot(record.id, common) != null) {
                    throw new BusyException("snapshot exists: " + record.name + "@" + common);
                }
                checkEpoch(record);
            }
            volumes.changing();
            final List<Snapshot> taken = new ArrayList<>();
            for (final VolumeRecord record : records) {
                taken.add(lookup.toSnapshot(record.name, take(record, common, labels, now)));
            }
            return taken;
        });
    }

    void checkEpoch(final VolumeRecord volume) {
        if (volumes.branches().get(volume.branch).epoch >= Extent.HEAD - 1) {
            throw new BusyException("volume is out of epochs, clone it: " + volume.name);
        }
    }

    /** Closes the epoch of the volume's branch. All checks have been made; under the lock. */
    SnapshotRecord take(
            final VolumeRecord volume, final String name, final Map<String, String> labels, final Instant now) {
        final CatalogueTree tree = volumes.tree();
        final Branch branch = volumes.branches().get(volume.branch);
        volumes.regions().fold(branch.number); // The log belongs to the epoch that ends.
        if (branch.newest() != Branch.NONE) {
            final SnapshotRecord before = SnapshotRecord.load(tree, branch.number, branch.newest());
            if (before.diedChunks != branch.diedChunks) {
                before.diedChunks = branch.diedChunks; // From now on nothing dies between it and the next.
                before.write(tree);
            }
        }
        final SnapshotRecord snapshot = new SnapshotRecord(branch.number, branch.epoch, name);
        snapshot.createdMillis = now.toEpochMilli();
        snapshot.sizeBytes = volume.sizeBytes;
        snapshot.writtenChunks = branch.writtenChunks;
        snapshot.labels.putAll(labels);
        snapshot.write(tree);
        volumes.names().putSnapshot(volume.id, name, branch.number, branch.epoch);
        branch.closeEpoch();
        branch.writtenChunks = 0;
        branch.diedChunks = 0;
        volumes.branches().write(branch);
        return snapshot;
    }

    String defaultName(final Instant now) {
        return DEFAULT_NAME.format(ZonedDateTime.ofInstant(now, volumes.clock().getZone()));
    }

    /** The name, or with the first suffix that none of the volumes has. Under the lock. */
    String freeName(final List<VolumeRecord> records, final String name) {
        String candidate = name;
        for (int suffix = 2; isTaken(records, candidate); suffix++) {
            candidate = name + "-" + suffix;
        }
        return candidate;
    }

    private boolean isTaken(final List<VolumeRecord> records, final String name) {
        return records.stream().anyMatch(volume -> volumes.names().findSnapshot(volume.id, name) != null);
    }

    void hold(final Snapshot snapshot, final String tag) {
        Spec.requireName("hold", tag);
        volumes.addDurably(() -> {
            final SnapshotRecord record = lookup.current(snapshot);
            if (record.holds.contains(tag)) {
                throw new BusyException("hold exists: " + snapshot.spec() + " " + tag);
            }
            record.holds.add(tag);
            if (record.holds.size() > HOLDS_MAX || length(record.holds) > TEXT_LENGTH_MAX) {
                throw new IllegalArgumentException("holds: too many on " + snapshot.spec() + " (expected: at most "
                        + HOLDS_MAX + ", " + TEXT_LENGTH_MAX + " bytes together)");
            }
            volumes.changing();
            record.write(volumes.tree());
            if (record.holds.size() == 1) {
                countHeld(record.branch, 1);
            }
            return null;
        });
    }

    void release(final Snapshot snapshot, final String tag) {
        volumes.changeDurably(() -> {
            final SnapshotRecord record = lookup.current(snapshot);
            if (!record.holds.remove(tag)) {
                throw new NoSuchException("no such hold: " + snapshot.spec() + " " + tag);
            }
            volumes.changing();
            record.write(volumes.tree());
            if (record.holds.isEmpty()) {
                countHeld(record.branch, -1);
            }
            return null;
        });
    }

    private void countHeld(final long number, final int change) {
        final Branch branch = volumes.branches().get(number);
        branch.heldCount += change;
        volumes.branches().write(branch);
    }

    void rename(final Snapshot snapshot, final String name) {
        Spec.requireName("snapshot", name);
        volumes.changeDurably(() -> {
            final SnapshotRecord record = lookup.current(snapshot);
            final long volume = volumes.branches().get(record.branch).volume;
            if (record.name.equals(name)) {
                return null;
            }
            if (volumes.names().findSnapshot(volume, name) != null) {
                throw new BusyException("snapshot exists: " + snapshot.volume() + "@" + name);
            }
            volumes.changing();
            volumes.names().removeSnapshot(volume, record.name);
            record.name = name;
            record.write(volumes.tree());
            volumes.names().putSnapshot(volume, name, record.branch, record.epoch);
            return null;
        });
    }

    static void checkLabels(final Map<String, String> labels) {
        if (labels.size() > LABELS_MAX || length(labels.keySet()) + length(labels.values()) > TEXT_LENGTH_MAX) {
            throw new IllegalArgumentException(
                    "labels: too many (expected: at most " + LABELS_MAX + ", " + TEXT_LENGTH_MAX + " bytes together)");
        }
        labels.forEach((key, value) -> {
            Spec.requireName("label", key);
            if (value.length() > Spec.NAME_LENGTH_MAX || value.chars().anyMatch(Character::isISOControl)) {
                throw new IllegalArgumentException("label " + key + ": \"" + value + "\" (expected: at most "
                        + Spec.NAME_LENGTH_MAX + " characters, no control characters)");
            }
        });
    }

    private static int length(final Iterable<String> texts) {
        int length = 0;
        for (final String text : texts) {
            length += 1 + text.getBytes(UTF_8).length;
        }
        return length;
    }
}
