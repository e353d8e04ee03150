package io.icecore.cli.daemon;

import io.icecore.volume.StorePolicy;
import io.icecore.volume.WhenFull;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * What every volume and every snapshot of the simulated daemon must hold at one moment. A chunk is known by the number of the
 * write that it holds, 0 for zeroes, and its bytes follow from that number.
 */
final class SimulatedVolumes {
    static final int CHUNK = 4096;

    /** Chunks that are written: at the start, and over the border of two containers of regions. */
    static final int CHUNKS = 96;

    private static final int FIRST_PART = 56;
    private static final long SECOND_PART = (1 << 16) - 16;
    static final long SIZE_BYTES = (2L << 16) * CHUNK;
    private static final long ODD = 0x9E37_79B9_7F4A_7C15L;

    /** A snapshot that users see. Its chunks never change. */
    record Kept(long[] chunks, boolean rolling, Set<String> holds) {}

    static final class Volume {
        long[] chunks = new long[CHUNKS];
        final Map<String, Kept> snapshots = new TreeMap<>();
        String policy;

        Volume copy() {
            final Volume copy = new Volume();
            copy.chunks = chunks.clone();
            copy.snapshots.putAll(snapshots);
            copy.policy = policy;
            return copy;
        }

        void take(final String snapshot, final boolean rolling) {
            snapshots.put(snapshot, new Kept(chunks.clone(), rolling, Set.of()));
        }

        boolean held() {
            return snapshots.values().stream().anyMatch(kept -> !kept.holds.isEmpty());
        }
    }

    private final TreeMap<String, Volume> volumes = new TreeMap<>();
    WhenFull whenFull = StorePolicy.DEFAULT.whenFull();

    SimulatedVolumes copy() {
        final SimulatedVolumes copy = new SimulatedVolumes();
        volumes.forEach((name, volume) -> copy.volumes.put(name, volume.copy()));
        copy.whenFull = whenFull;
        return copy;
    }

    /** In the order of the catalogue. */
    Set<String> names() {
        return volumes.keySet();
    }

    /** Null when there is none. */
    Volume volume(final String name) {
        return volumes.get(name);
    }

    /** Those of all volumes, by volume@name. */
    Map<String, Kept> snapshots() {
        final Map<String, Kept> all = new TreeMap<>();
        volumes.forEach((volume, of) -> of.snapshots.forEach((name, kept) -> all.put(volume + "@" + name, kept)));
        return all;
    }

    // ---- places and bytes

    /** Chunks from one on that lie side by side. */
    static int adjacent(final int chunk) {
        return (chunk < FIRST_PART ? FIRST_PART : CHUNKS) - chunk;
    }

    static long offsetOf(final int chunk) {
        return (chunk < FIRST_PART ? chunk : SECOND_PART + chunk - FIRST_PART) * CHUNK;
    }

    static void fill(final UnsafeBuffer target, final int index, final long write) {
        for (int at = 0; at < CHUNK; at += Long.BYTES) {
            target.putLong(index + at, (write + at) * ODD);
        }
    }

    /** What is wrong with the bytes of a chunk that must hold this write, or null. */
    static String difference(final UnsafeBuffer found, final int index, final long write) {
        for (int at = 0; at < CHUNK; at += Long.BYTES) {
            final long expected = write == 0 ? 0 : (write + at) * ODD;
            if (found.getLong(index + at) != expected) {
                final long first = found.getLong(index);
                return "byte " + at + " is not of write " + write
                        + (first == 0 ? "; the chunk begins with zeroes" : "; it may be of write " + inverse(first));
            }
        }
        return null;
    }

    private static long inverse(final long word) {
        long inverse = ODD; // Newton's method, modulo 2^64.
        for (int i = 0; i < 6; i++) {
            inverse *= 2 - ODD * inverse;
        }
        return word * inverse;
    }

    // ---- changes

    void create(final String name) {
        volumes.put(name, new Volume());
    }

    void delete(final String name) {
        volumes.remove(name);
    }

    void write(final String name, final int chunk, final int count, final long write) {
        Arrays.fill(volumes.get(name).chunks, chunk, chunk + count, write);
    }

    void take(final Iterable<String> names, final String snapshot) {
        names.forEach(name -> volumes.get(name).take(snapshot, false));
    }

    void delete(final String name, final Collection<String> snapshots) {
        volumes.get(name).snapshots.keySet().removeAll(snapshots);
    }

    void hold(final String name, final String snapshot, final boolean hold) {
        final Map<String, Kept> snapshots = volumes.get(name).snapshots;
        final Kept kept = snapshots.get(snapshot);
        final Set<String> holds = new TreeSet<>(kept.holds);
        if (hold) {
            holds.add("tag");
        } else {
            holds.clear();
        }
        snapshots.put(snapshot, new Kept(kept.chunks, kept.rolling, holds));
    }

    /** @param name of the new volume */
    void clone(final String name, final String origin, final String snapshot) {
        create(name);
        copyContent(origin, snapshot, name);
    }

    /** @param before the snapshot that is taken first */
    void rollBack(final String name, final String snapshot, final String before) {
        volumes.get(name).take(before, false);
        copyContent(name, snapshot, name);
    }

    private void copyContent(final String from, final String snapshot, final String to) {
        volumes.get(to).chunks =
                volumes.get(from).snapshots.get(snapshot).chunks().clone();
    }
}
