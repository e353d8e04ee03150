package io.icecore.cli.daemon;

import io.icecore.volume.StorePolicy;
import io.icecore.volume.WhenFull;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * What every disk and every snapshot of the simulated daemon must hold. A chunk is known by the number of the write that it
 * holds, 0 for zeroes, and its bytes follow from that number.
 */
final class SimulatedDisks {
    static final int CHUNK = 4096;

    /** Chunks that are written: at the start, and over the border of two containers of regions. */
    static final int CHUNKS = 96;

    private static final int FIRST_PART = 56;
    private static final long SECOND_PART = (1 << 16) - 16;
    static final long SIZE_BYTES = (2L << 16) * CHUNK;
    private static final long ODD = 0x9E37_79B9_7F4A_7C15L;

    /** A snapshot that users see. */
    record Kept(long[] chunks, boolean rolling, Set<String> holds) {}

    static final class Disk {
        long[] chunks = new long[CHUNKS];
        final Map<String, Kept> snapshots = new TreeMap<>();
        String policy;

        Disk copy() {
            final Disk copy = new Disk();
            copy.chunks = chunks.clone();
            copy.snapshots.putAll(snapshots); // Their chunks never change.
            copy.policy = policy;
            return copy;
        }
    }

    final TreeMap<String, Disk> disks = new TreeMap<>();
    WhenFull whenFull = StorePolicy.DEFAULT.whenFull();

    SimulatedDisks copy() {
        final SimulatedDisks copy = new SimulatedDisks();
        disks.forEach((name, disk) -> copy.disks.put(name, disk.copy()));
        copy.whenFull = whenFull;
        return copy;
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

    void write(final String disk, final int chunk, final int count, final long write) {
        Arrays.fill(disks.get(disk).chunks, chunk, chunk + count, write);
    }

    void take(final Iterable<String> names, final String snapshot, final boolean rolling) {
        for (final String name : names) {
            final Disk disk = disks.get(name);
            disk.snapshots.put(snapshot, new Kept(disk.chunks.clone(), rolling, Set.of()));
        }
    }

    void hold(final String disk, final String snapshot, final boolean hold) {
        final Map<String, Kept> snapshots = disks.get(disk).snapshots;
        final Kept kept = snapshots.get(snapshot);
        final Set<String> holds = new TreeSet<>(kept.holds);
        if (hold) {
            holds.add("tag");
        } else {
            holds.clear();
        }
        snapshots.put(snapshot, new Kept(kept.chunks, kept.rolling, holds));
    }
}
