package io.icecore.volume;

import io.icecore.volume.map.Extent;
import io.icecore.volume.map.ExtentLayout;
import io.icecore.volume.map.RunVisitor;

/** Ranges of data and of zeroes, neighbours of one kind joined. Ends the walk when it is full. */
final class ExtentBatch implements RunVisitor {
    private static final int COUNT_MAX = 512;

    private final long[] ends = new long[COUNT_MAX];
    private final boolean[] zeroes = new boolean[COUNT_MAX];
    private int count;

    void clear() {
        count = 0;
    }

    int count() {
        return count;
    }

    /** First chunk after the range. */
    long endChunk(final int ordinal) {
        return ends[ordinal];
    }

    boolean zero(final int ordinal) {
        return zeroes[ordinal];
    }

    @Override
    public boolean run(final long chunk, final long length, final long block, final Extent source) {
        final boolean zero = block == ExtentLayout.ZEROES;
        if (count == 0 || zeroes[count - 1] != zero) {
            if (count == COUNT_MAX) {
                return false;
            }
            zeroes[count++] = zero;
        }
        ends[count - 1] = chunk + length;
        return true;
    }
}
