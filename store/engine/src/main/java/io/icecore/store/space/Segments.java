package io.icecore.store.space;

import java.util.List;
import org.agrona.collections.Long2ObjectHashMap;

/**
 * The segments that are in memory: those that differ from the space tree, those with blocks withheld, the active one, and for
 * a moment those that are looked at. Guarded by the store's lock.
 */
final class Segments {
    interface Action {
        void accept(Segment segment, int from, int count);
    }

    private final SlotGeometry geometry;
    private final SegmentSource source;
    private final Long2ObjectHashMap<Segment> inMemory = new Long2ObjectHashMap<>();
    private long blockCount;

    Segments(final SlotGeometry geometry, final SegmentSource source, final long blockCount) {
        this.geometry = geometry;
        this.source = source;
        this.blockCount = blockCount;
    }

    /** Length of the store in blocks. */
    long blockCount() {
        return blockCount;
    }

    int segmentBlocks() {
        return geometry.segmentBlocks();
    }

    /** Segments there are; the last one may be short. */
    long count() {
        return (blockCount + segmentBlocks() - 1) / segmentBlocks();
    }

    /** Segments of full length. */
    long wholeCount() {
        return blockCount / segmentBlocks();
    }

    /** Blocks that superblock slots take. */
    long slotBlocks() {
        return geometry.slotBlocks(blockCount);
    }

    void grow(final long newBlockCount) {
        assert newBlockCount >= blockCount;
        blockCount = newBlockCount;
        inMemory.values().forEach(segment -> segment.fence(geometry.fence(segment.number, newBlockCount)));
    }

    /** For changes of blocks whose state is known; what else it holds need not be. */
    Segment get(final long number) {
        Segment segment = inMemory.get(number);
        if (segment == null) {
            segment = new Segment(number, segmentBlocks() / 64);
            segment.fence(geometry.fence(number, blockCount));
            inMemory.put(number, segment);
        }
        return segment;
    }

    /** With all that the space tree says of it. */
    Segment load(final long number) {
        final Segment segment = get(number);
        segment.load(source);
        return segment;
    }

    /** Whoever has looked at a segment says so: it need not stay, unless there is something that only memory knows. */
    void forget(final Segment segment) {
        if (segment != null && !segment.touched && segment.withheldCount == 0 && !segment.active) {
            inMemory.remove(segment.number);
        }
    }

    /** The parts of a run, segment by segment. */
    void each(final long block, final int count, final Action action) {
        assert block >= 0 && block + count <= blockCount : block + "+" + count;
        long at = block;
        while (at < block + count) {
            final int from = (int) (at % segmentBlocks());
            final int length = (int) Math.min(segmentBlocks() - from, block + count - at);
            action.accept(get(at / segmentBlocks()), from, length);
            at += length;
        }
    }

    /** Makes the space tree say what memory says. Changes that the tree makes by that are of the next time. */
    void store() {
        for (final Segment segment : List.copyOf(inMemory.values())) {
            if (segment.touched) {
                segment.load(source);
                segment.touched = false;
                source.store(segment.number, segment.used);
                forget(segment);
            }
        }
    }
}
