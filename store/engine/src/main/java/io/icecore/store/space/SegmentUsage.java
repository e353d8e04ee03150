package io.icecore.store.space;

import java.util.Arrays;

/**
 * How many blocks of each segment are allocated: two bytes a segment, counted when somebody asks for it and kept up to date
 * from then on. Guarded by the store's lock.
 */
public final class SegmentUsage {
    public static final int UNKNOWN = -1;

    private short[] used = new short[0];

    /** Segments there are. */
    public int segments() {
        return used.length;
    }

    /** Blocks, or {@link #UNKNOWN}. */
    public int of(final long segment) {
        return segment < used.length ? used[(int) segment] : UNKNOWN;
    }

    void size(final int segments) {
        final int before = used.length;
        used = Arrays.copyOf(used, segments);
        if (segments > before) {
            Arrays.fill(used, before, segments, (short) UNKNOWN);
        }
    }

    void set(final long segment, final int blocks) {
        used[(int) segment] = (short) blocks;
    }

    void add(final long segment, final int blocks) {
        if (of(segment) != UNKNOWN) {
            used[(int) segment] += (short) blocks;
            assert used[(int) segment] >= 0 : "segment " + segment + ": " + used[(int) segment];
        }
    }
}
