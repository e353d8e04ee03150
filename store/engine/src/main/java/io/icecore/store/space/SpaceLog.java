package io.icecore.store.space;

import java.util.Arrays;

/**
 * Allocations and frees since the last fold of the space tree, oldest first: what the superblock holds of them, and what
 * was spilled before. Two longs an entry: first block, count (negative for a free).
 */
public final class SpaceLog {
    private static final long COUNT_MAX = 0x7FFF;

    private long[] entries = new long[512];
    private int length;

    /** Spill nodes written since the last fold, newest last, two longs each: block, generation. */
    private long[] spills = new long[16];

    private int spillLength;

    void append(final long block, final long count) {
        if (length > 0 && Long.signum(entries[length - 1]) == Long.signum(count)) {
            final long merged = entries[length - 1] + count;
            if (entries[length - 2] + Math.abs(entries[length - 1]) == block && Math.abs(merged) <= COUNT_MAX) {
                entries[length - 1] = merged;
                return;
            }
        }
        if (length == entries.length) {
            entries = Arrays.copyOf(entries, 2 * length);
        }
        entries[length++] = block;
        entries[length++] = count;
    }

    /** Entries not spilled yet. */
    public int size() {
        return length / 2;
    }

    public long[] entries() {
        return Arrays.copyOf(entries, length);
    }

    /** Takes the oldest {@code count} entries out, to be written to a spill node. */
    public long[] takeOldest(final int count) {
        final long[] oldest = Arrays.copyOf(entries, 2 * count);
        System.arraycopy(entries, 2 * count, entries, 0, length - 2 * count);
        length -= 2 * count;
        return oldest;
    }

    public void spilled(final long block, final long generation) {
        if (spillLength == spills.length) {
            spills = Arrays.copyOf(spills, 2 * spillLength);
        }
        spills[spillLength++] = block;
        spills[spillLength++] = generation;
    }

    /** Spill nodes in the chain. */
    public int spillCount() {
        return spillLength / 2;
    }

    public long spillBlock(final int index) {
        return spills[2 * index];
    }

    public long spillGeneration(final int index) {
        return spills[2 * index + 1];
    }

    void clear() {
        length = 0;
        spillLength = 0;
    }
}
