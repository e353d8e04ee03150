package io.icecore.volume;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * What all volumes and snapshots hold at one moment, as plain copies: the oracle of the crash tests. Immutable; a change
 * makes another one, and the two share what did not change.
 */
record Moment(TreeMap<String, Volume> volumes, long storeBytes) {
    static final int CHUNK = 4096;
    private static final int READ_CHUNKS_MAX = 64;

    /** A volume that only takes space: where its data is gets compared, but not every byte of it. */
    static final String BALLAST = "ballast";

    /** One version of a chunk. */
    record Cell(long version, byte[] bytes) {}

    /** What a head or a snapshot contains: cells by chunk, and its size. */
    record Content(TreeMap<Long, Cell> cells, long sizeBytes) {
        Content with(final Consumer<TreeMap<Long, Cell>> change) {
            final TreeMap<Long, Cell> changed = new TreeMap<>(cells);
            change.accept(changed);
            return new Content(changed, sizeBytes);
        }

        Content resized(final long newSizeBytes) {
            final TreeMap<Long, Cell> left = new TreeMap<>(cells);
            left.tailMap(newSizeBytes / CHUNK).clear();
            return new Content(left, newSizeBytes);
        }

        Set<Long> versions() {
            final Set<Long> versions = new HashSet<>();
            cells.values().forEach(cell -> versions.add(cell.version));
            return versions;
        }
    }

    /** A snapshot that users see. */
    record Taken(String name, Content content, Map<String, String> labels, Set<String> holds) {}

    /** Snapshots are in the order in which they were taken. */
    record Volume(Content head, List<Taken> snapshots, String policy) {
        Taken snapshot(final String name) {
            return snapshots.stream()
                    .filter(taken -> taken.name.equals(name))
                    .findAny()
                    .orElseThrow();
        }

        Volume withHead(final Content newHead) {
            return new Volume(newHead, snapshots, policy);
        }

        Volume withTaken(final Taken taken) {
            final List<Taken> more = new ArrayList<>(snapshots);
            more.add(taken);
            return new Volume(head, more, policy);
        }

        Volume without(final Set<String> names) {
            return new Volume(
                    head,
                    snapshots.stream()
                            .filter(taken -> !names.contains(taken.name))
                            .toList(),
                    policy);
        }

        Volume withHolds(final String name, final Set<String> holds) {
            return new Volume(
                    head,
                    snapshots.stream()
                            .map(taken -> taken.name.equals(name)
                                    ? new Taken(name, taken.content, taken.labels, holds)
                                    : taken)
                            .toList(),
                    policy);
        }
    }

    static Moment empty(final long storeBytes) {
        return new Moment(new TreeMap<>(), storeBytes);
    }

    Moment with(final String name, final Volume volume) {
        final TreeMap<String, Volume> changed = new TreeMap<>(volumes);
        changed.put(name, volume);
        return new Moment(changed, storeBytes);
    }

    Moment with(final String name, final UnaryOperator<Volume> change) {
        return with(name, change.apply(volumes.get(name)));
    }

    Moment without(final String name) {
        final TreeMap<String, Volume> changed = new TreeMap<>(volumes);
        changed.remove(name);
        return new Moment(changed, storeBytes);
    }

    // ---- comparing

    /** What of the store is not as in this moment, or null when all is. Reads every byte of every head and snapshot. */
    String difference(final Catalog catalog) {
        final List<VolumeInfo> infos = catalog.volumes();
        final List<String> names = infos.stream().map(VolumeInfo::name).toList();
        if (!names.equals(List.copyOf(volumes.keySet()))) {
            return "volumes " + names + " (expected: " + volumes.keySet() + ")";
        }
        if (catalog.store().info().sizeBytes() != storeBytes) {
            return "store size " + catalog.store().info().sizeBytes() + " (expected: " + storeBytes + ")";
        }
        for (final String name : names) { // What is quick to tell apart first: of several moments at most one fits.
            final String facts = differenceOfFacts(catalog, name, volumes.get(name));
            if (facts != null) {
                return facts;
            }
        }
        for (final String name : names) {
            final Volume volume = volumes.get(name);
            String bytes = difference(catalog, name, volume.head);
            for (final Taken taken : volume.snapshots) {
                bytes = bytes == null ? difference(catalog, name + "@" + taken.name, taken.content) : bytes;
            }
            if (bytes != null) {
                return bytes;
            }
        }
        return null;
    }

    private static String differenceOfFacts(final Catalog catalog, final String name, final Volume volume) {
        final String policy = catalog.policy(name).orElse(null);
        if (!Objects.equals(policy, volume.policy)) {
            return "policy of " + name + " " + policy + " (expected: " + volume.policy + ")";
        }
        final List<Snapshot> found = catalog.snapshots(name);
        final List<String> names = found.stream().map(Snapshot::name).toList();
        final List<String> expected = volume.snapshots.stream().map(Taken::name).toList();
        if (!names.equals(expected)) {
            return "snapshots of " + name + " " + names + " (expected: " + expected + ")";
        }
        for (int i = 0; i < found.size(); i++) {
            final Snapshot snapshot = found.get(i);
            final Taken taken = volume.snapshots.get(i);
            if (!snapshot.labels().equals(taken.labels) || !snapshot.holds().equals(taken.holds)) {
                return snapshot.spec() + " labels " + snapshot.labels() + " holds " + snapshot.holds() + " (expected: "
                        + taken.labels + ", " + taken.holds + ")";
            }
        }
        return null;
    }

    /** What of one head or snapshot is not as in {@code content}: its size, which chunks hold data, their bytes. */
    static String difference(final Catalog catalog, final String spec, final Content content) {
        try (Export export = catalog.exports().open(spec)) {
            if (export.size() != content.sizeBytes) {
                return spec + " size " + export.size() + " (expected: " + content.sizeBytes + ")";
            }
            final List<long[]> runs = new ArrayList<>();
            final long[] at = {0};
            export.extents(0, content.sizeBytes, (offset, length, zero) -> {
                if (offset != at[0]) {
                    throw new AssertionError("extents of " + spec + ": " + offset + " after " + at[0]);
                }
                at[0] += length;
                if (!zero) {
                    runs.add(new long[] {offset / CHUNK, length / CHUNK});
                }
                return true;
            });
            final Set<Long> data = new HashSet<>();
            for (final long[] run : runs) {
                for (long chunk = run[0]; chunk < run[0] + run[1]; chunk++) {
                    data.add(chunk);
                }
            }
            if (!data.equals(content.cells.keySet())) {
                return spec + " chunks with data " + new TreeSet<>(data) + " (expected: " + content.cells.keySet()
                        + ")";
            }
            for (final long[] run : runs) {
                final long end = run[0] + (spec.equals(BALLAST) ? Math.min(10, run[1]) : run[1]);
                final String bytes = difference(export, run[0], end, content);
                if (bytes != null) {
                    return spec + " " + bytes;
                }
            }
            return null;
        }
    }

    private static String difference(final Export export, final long from, final long end, final Content content) {
        final byte[] found = new byte[(int) Math.min(end - from, READ_CHUNKS_MAX) * CHUNK];
        for (long at = from; at < end; at += READ_CHUNKS_MAX) {
            final int count = (int) Math.min(end - at, READ_CHUNKS_MAX);
            export.read(at * CHUNK, new UnsafeBuffer(found), 0, count * CHUNK);
            for (int i = 0; i < count; i++) {
                final Cell cell = content.cells.get(at + i);
                final int wrong = Arrays.mismatch(found, i * CHUNK, (i + 1) * CHUNK, cell.bytes, 0, CHUNK);
                if (wrong >= 0) {
                    return "chunk " + (at + i) + " byte " + wrong + " is not of version " + cell.version;
                }
            }
        }
        return null;
    }
}
