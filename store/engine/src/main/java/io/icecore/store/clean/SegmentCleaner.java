package io.icecore.store.clean;

import io.icecore.store.space.FreeSpaceMap;
import io.icecore.store.space.SegmentUsage;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;

/**
 * Decides when whole free segments run low, and which others are emptied for that: the least filled ones, since what has to
 * be moved is the cost and what comes back the benefit. A segment that is nearly full is not worth it at all; then its holes
 * are filled instead, which moves nothing. Under the store's lock.
 */
public final class SegmentCleaner {
    /** Fewer segments than this are a store where everything is near everything. */
    private static final int SEGMENTS_MIN = 32;

    /** One in so many should be free; cleaning goes on to twice that. */
    private static final int SEGMENTS_PER_FREE = 64;

    /** Emptying a segment that is fuller moves more than four blocks for each that it frees. */
    private static final double FULL_MAX = 0.8;

    /** One pass moves at most this part of the store. */
    private static final int MOVED_PART = 16;

    private final FreeSpaceMap space;
    private final int segmentBlocks;

    /** What the last pass was to empty, and how many blocks were in use there. */
    private BitSet lastChosen = new BitSet();

    private long lastMoved;

    public SegmentCleaner(final FreeSpaceMap space, final int segmentBlocks) {
        this.space = space;
        this.segmentBlocks = segmentBlocks;
    }

    /**
     * Chooses segments to be emptied and keeps allocation out of them.
     *
     * @param movableBlocks room for what is moved out of them
     * @return how many there are; 0 when enough are free, or none is worth it
     */
    public int begin(final long movableBlocks) {
        final SegmentUsage usage = space.usage();
        final int segments = usage.segments();
        if (segments < SEGMENTS_MIN) {
            return 0;
        }
        int free = 0;
        final List<Integer> candidates = new ArrayList<>();
        for (int segment = 0; segment < segments; segment++) {
            final int used = usage.of(segment);
            if (used == 0) {
                free++;
            } else if (used <= FULL_MAX * segmentBlocks && !space.choice().wanted(segment)) {
                candidates.add(segment);
            }
        }
        final int low = Math.max(4, segments / SEGMENTS_PER_FREE);
        if (free >= low) {
            return 0;
        }
        candidates.sort(Comparator.comparingInt(segment -> usage.of(segment)));
        return doom(usage, candidates, (2L * low - free) * segmentBlocks, movableBlocks);
    }

    private int doom(
            final SegmentUsage usage,
            final List<Integer> candidates,
            final long wantedBlocks,
            final long movableBlocks) {
        final long movedMax = Math.min(movableBlocks, (long) usage.segments() * segmentBlocks / MOVED_PART);
        final BitSet chosen = new BitSet();
        long gained = 0;
        long moved = 0;
        for (final int segment : candidates) {
            if (gained >= wantedBlocks || moved + usage.of(segment) > movedMax) {
                break;
            }
            moved += usage.of(segment);
            gained += segmentBlocks - usage.of(segment);
            chosen.set(segment);
        }
        if (gained < segmentBlocks || chosen.equals(lastChosen) && moved == lastMoved) {
            return 0; // Nothing worth it, or what the last pass left: old blocks of redirects, which later commits
            // free.
        }
        lastChosen = chosen;
        lastMoved = moved;
        space.choice().doom(chosen);
        return chosen.cardinality();
    }

    /** They are empty by now, or as empty as they get. */
    public void end() {
        space.choice().doom(new BitSet());
    }
}
