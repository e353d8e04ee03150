package io.icecore.store.space;

/**
 * A run of adjacent blocks packed into a long, so that allocating one allocates no object: first block in the upper 48
 * bits, count in the lower 16.
 */
public final class BlockRun {
    /** Longest run, in blocks. */
    public static final int COUNT_MAX = 0x7FFF;

    private BlockRun() {}

    public static long of(final long block, final int count) {
        assert 0 <= block && block < 1L << 47 && 0 < count && count <= COUNT_MAX : block + "+" + count;
        return block << 16 | count;
    }

    public static long block(final long run) {
        return run >>> 16;
    }

    public static int count(final long run) {
        return (int) (run & 0xFFFF);
    }
}
