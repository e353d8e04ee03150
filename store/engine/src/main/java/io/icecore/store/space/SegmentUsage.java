package io.icecore.store.space;

import java.util.Arrays;

/**
 * How many blocks of each segment are allocated: two bytes a segment, counted when somebody asks for it and kept up to date
 * from then on. Guarded by the store's lock.
 */
public final class SegmentUsage {
    public static final int UNKNOWN = -1;

    private final Segments all;
    private short[] used = new short[0];
    private int counted;

    SegmentUsage(final Segments all) {
        this.all = all;
    }

    /** Counts what is allocated in a few more segments; true when all are counted. */
    public boolean countSome(final int segmentsMax) {
        final int segmentCount = (int) all.count();
        if (used.length < segmentCount) {
            size(segmentCount);
        }
        for (int done = 0; done < segmentsMax && counted < segmentCount; done++, counted++) {
            final Segment segment = all.load(counted);
            used[counted] = (short) segment.usedCount();
            all.forget(segment);
        }
        return counted == segmentCount;
    }

    /** Segments there are. */
    public int segments() {
        return used.length;
    }

    /** Blocks, or {@link #UNKNOWN}. */
    public int of(final long segment) {
        return segment < used.length ? used[(int) segment] : UNKNOWN;
    }

    private void size(final int segments) {
        final int before = used.length;
        used = Arrays.copyOf(used, segments);
        if (segments > before) {
            Arrays.fill(used, before, segments, (short) UNKNOWN);
        }
    }

    void add(final long segment, final int blocks) {
        if (of(segment) != UNKNOWN) {
            used[(int) segment] += (short) blocks;
            assert used[(int) segment] >= 0 : "segment " + segment + ": " + used[(int) segment];
        }
    }
}
