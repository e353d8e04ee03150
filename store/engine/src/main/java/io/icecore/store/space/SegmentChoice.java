package io.icecore.store.space;

import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.function.LongSupplier;

/**
 * Where allocation goes on: forward from a cursor through one segment, the <i>active</i> one, and then through the next. Large
 * commits go to the first segment that is wholly free, or else to the emptiest of the next few. Small ones go to segments
 * that the medium has room for already, since it makes their flush faster:
 *
 * <ul>
 *   <li><i>worn</i> ones, which small commits have filled before. Most of such a commit is nodes, and most nodes are soon
 *       free again: so it goes to the same few segments again and again, instead of to ever new ones that would stay a
 *       quarter full;
 *   <li><i>prepared</i> ones, which are free and which the device was told of ({@link #beginPreparing}).
 * </ul>
 *
 * <p>Invariants:
 *
 * <ul>
 *   <li>C1. A segment that the device is being told of, to prepare or to discard it, is not active: nothing is allocated there
 *       until that has ended.
 *   <li>C2. It is told of one at a time for each of the two, and of no segment for both.
 *   <li>C3. A doomed segment becomes active only when no other has anything to give, and then none is doomed any more.
 *   <li>C4. The active segment stays in memory, loaded.
 * </ul>
 *
 * Guarded by the store's lock, save for {@link #doomed}.
 */
public final class SegmentChoice {
    /** Segments looked at before one is chosen. */
    private static final int CANDIDATES = 64;

    /** Segments kept prepared, and how much must be free to treat small commits specially at all. */
    private static final int PREPARED_MAX = 8;

    private static final int PLENTY_SEGMENTS = 32;

    /** Segments kept to be filled again, and the part of one that must be free for that: 1 / 2^this. */
    private static final int WORN_MAX = 32;

    private static final int WORN_FREE_SHIFT = 1;

    /** From here on a run is not broken up to fill holes. Blocks. */
    private static final int LONG_RUN_BLOCKS = 16;

    /** A commit of at most so many blocks is small. */
    private static final int SMALL_COMMIT_BLOCKS = 256;

    private final Segments segments;
    private final LongSupplier availableBlocks;

    private Segment active;
    private int activeBit;
    private long cursor;

    /** Whether the last commit was small. */
    private boolean small;

    /** Oldest first. */
    private final ArrayDeque<Long> worn = new ArrayDeque<>();

    private boolean fillingWorn;

    /** Oldest first, and the one that is being prepared. */
    private final ArrayDeque<Long> prepared = new ArrayDeque<>();

    private long preparing = -1;

    /** Segments that are being emptied. Replaced as a whole, so that any thread may look. */
    private volatile BitSet doomed = new BitSet();

    /** Segments that became free, oldest first, and the one that is being discarded. */
    private final LinkedHashSet<Long> emptied = new LinkedHashSet<>();

    private long discarding = -1;

    SegmentChoice(final Segments segments, final LongSupplier availableBlocks, final long cursor) {
        this.segments = segments;
        this.availableBlocks = availableBlocks;
        this.cursor = cursor < segments.blockCount() ? cursor : 0;
    }

    // ---- the next run

    /**
     * The next 1 to {@code wanted} adjacent blocks that can be allocated; the cursor is behind them now.
     *
     * @throws StoreFullException when all that is free is withheld
     */
    long next(final int wanted) {
        if (fillingWorn && wanted >= LONG_RUN_BLOCKS) {
            activateEmptiest();
        }
        int bit = active == null ? -1 : active.nextAvailable(activeBit);
        if (bit < 0) {
            activate();
            bit = active.nextAvailable(activeBit);
        }
        assert !beingTold(active.number) : "C1: segment " + active.number;
        final int count = active.availableRun(bit, wanted);
        activeBit = Math.min(bit + count, segments.segmentBlocks() - 1);
        final long block = active.number * segments.segmentBlocks() + bit;
        cursor = block + count;
        return BlockRun.of(block, count);
    }

    long cursor() {
        return cursor;
    }

    /** So many blocks were allocated in the commit that has just ended. */
    void ended(final long commitBlocks) {
        small = commitBlocks <= SMALL_COMMIT_BLOCKS;
    }

    // ---- the next segment

    private void activate() {
        if (!small || !activateWorn() && !activatePrepared()) {
            activateEmptiest();
        }
    }

    private void activateEmptiest() {
        final long count = segments.count();
        final long start = cursor / segments.segmentBlocks();
        Segment best = null;
        int bestAvailable = 0;
        int looked = 0;
        for (long step = 0; step < count && (looked < CANDIDATES || best == null); step++, looked++) {
            final Segment candidate = segments.load((start + step) % count);
            final int available = allowed(candidate) ? candidate.availableCount() : 0;
            if (available > bestAvailable) {
                segments.forget(best);
                best = candidate;
                bestAvailable = available;
                if (available >= segments.segmentBlocks() - SlotGeometry.GROUP_SLOTS) {
                    break;
                }
            } else {
                segments.forget(candidate);
            }
        }
        if (best == null && active != null && active.nextAvailable(0) >= 0) {
            best = active;
        }
        if (best == null && !doomed.isEmpty()) {
            doomed = new BitSet(); // C3. Better where it should not be than not at all.
            activateEmptiest();
            return;
        }
        if (best == null) {
            throw new StoreFullException("store full: what is free is pinned by the last commits");
        }
        activate(best);
    }

    private boolean activateWorn() {
        if (!plenty()) {
            return false; // Segments partly filled are the cleaner's then.
        }
        while (worn.size() > WORN_MAX) {
            worn.removeFirst();
        }
        for (final Iterator<Long> it = worn.iterator(); it.hasNext(); ) {
            final Segment candidate = segments.load(it.next());
            if (allowed(candidate) && candidate.availableCount() >= segments.segmentBlocks() >> WORN_FREE_SHIFT) {
                it.remove();
                activate(candidate);
                fillingWorn = true;
                return true;
            }
            segments.forget(candidate);
        }
        return false;
    }

    private boolean activatePrepared() {
        while (!prepared.isEmpty()) {
            final Segment candidate = segments.get(prepared.removeFirst());
            if (allowed(candidate) && segments.load(candidate.number).empty()) {
                activate(candidate);
                return true;
            }
            segments.forget(candidate); // Large commits have taken it meanwhile.
        }
        return false;
    }

    private void activate(final Segment next) {
        assert !beingTold(next.number) : "C1: segment " + next.number;
        assert next == active || !doomed.get((int) next.number) : "C3: segment " + next.number;
        final Segment before = active;
        if (before != null) {
            before.active = false;
        }
        active = next;
        active.active = true;
        activeBit = 0;
        fillingWorn = false;
        if (before != null && before != next) {
            if (small) {
                worn.addLast(before.number);
            }
            segments.forget(before);
        }
    }

    /** Whether it may become the active one. */
    private boolean allowed(final Segment candidate) {
        return candidate != active && !barred(candidate.number);
    }

    private boolean barred(final long segment) {
        return beingTold(segment) || doomed.get((int) segment);
    }

    private boolean beingTold(final long segment) {
        return segment == preparing || segment == discarding;
    }

    private boolean plenty() {
        return availableBlocks.getAsLong() >= (long) PLENTY_SEGMENTS * segments.segmentBlocks();
    }

    // ---- telling the device what will be filled

    /**
     * Chooses a free segment that small commits will soon fill, so that the device can be told (`BlockDevice.prepare`). It
     * is not allocated from until {@link #endPreparing}.
     *
     * @return its first block that is no superblock slot, or -1 when there is nothing to prepare
     */
    public long beginPreparing() {
        assert preparing < 0 : "C2: segment " + preparing;
        if (!small || prepared.size() >= PREPARED_MAX || !plenty()) {
            return -1;
        }
        final long count = segments.wholeCount();
        final long start = cursor / segments.segmentBlocks() + 1;
        for (long step = 0; step < Math.min(count, CANDIDATES); step++) {
            final long number = (start + step) % count;
            final Segment candidate = segments.get(number);
            if (allowed(candidate)
                    && !prepared.contains(number)
                    && segments.load(number).empty()) {
                preparing = number;
                return firstBlock(candidate);
            }
            segments.forget(candidate);
        }
        return -1;
    }

    public void endPreparing() {
        prepared.addLast(preparing);
        preparing = endTelling(preparing);
    }

    private long firstBlock(final Segment segment) {
        return segment.number * segments.segmentBlocks() + segment.nextAvailable(0);
    }

    private long endTelling(final long segment) {
        assert segment >= 0;
        segments.forget(segments.get(segment));
        return -1;
    }

    // ---- telling the device what is free

    /** Nothing in this segment is allocated, in flight or pending any more. */
    void emptied(final long segment) {
        emptied.add(segment);
    }

    /**
     * Chooses a segment that has become free and is not about to be filled, so that the device can be told. It is not
     * allocated from until {@link #endDiscarding}.
     *
     * @param keep so many that became free last are left alone: they are likely to be filled again soon
     * @return its first block that is no superblock slot, or -1 when there is none
     */
    public long beginDiscarding(final int keep) {
        assert discarding < 0 : "C2: segment " + discarding;
        while (emptied.size() > keep) {
            final long number = emptied.iterator().next();
            emptied.remove(number);
            final Segment segment = segments.get(number);
            if (!wanted(number) && segments.load(number).empty()) {
                worn.remove(number);
                discarding = number;
                return firstBlock(segment);
            }
            segments.forget(segment);
        }
        return -1;
    }

    public void endDiscarding() {
        discarding = endTelling(discarding);
    }

    /** Whether this is being filled, or about to be. */
    public boolean wanted(final long segment) {
        return active != null && active.number == segment || segment == preparing || prepared.contains(segment);
    }

    // ---- emptying segments

    /** Nothing is allocated in these segments until others replace them, or until there is nowhere else. */
    public void doom(final BitSet segmentNumbers) {
        doomed = segmentNumbers;
    }

    /** Whether a run has a block in a segment that is being emptied. Needs no lock. */
    public boolean doomed(final long block, final int count) {
        final BitSet now = doomed;
        final int next = now.nextSetBit((int) (block / segments.segmentBlocks()));
        return next >= 0 && next <= (block + count - 1) / segments.segmentBlocks();
    }
}
