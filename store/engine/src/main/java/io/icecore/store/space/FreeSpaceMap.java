package io.icecore.store.space;

import io.icecore.store.format.CorruptStoreException;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import org.agrona.collections.Long2ObjectHashMap;
import org.agrona.collections.LongArrayList;

/**
 * Which blocks are free. Guarded by the store's lock.
 *
 * <p>On the device the map is the space tree plus the space log, which holds every allocation and every free since the
 * tree was last brought up to date (folded). In memory are only the segments that have changed since, those with blocks
 * withheld, and the one that is being filled. Allocation goes forward from a cursor, segment by segment, through the
 * emptiest of the next few.
 *
 * <p><b>The pin rule</b> lives here and nowhere else: a block freed by commit k may be allocated again once commit k+1 is
 * durable ({@link #unpin}). Until then a crash may still fall back to a commit that refers to it.
 */
public final class FreeSpaceMap {
    /** Segments looked at before one is chosen to be filled. */
    private static final int CANDIDATES = 64;

    /** Segments kept prepared for small commits, and how much must be free to treat them specially at all. */
    private static final int PREPARED_MAX = 8;

    private static final int PLENTY_SEGMENTS = 32;

    /** Segments kept to be filled again by small commits, and the part of one that must be free for that: 1 / 2^this. */
    private static final int WORN_MAX = 32;

    private static final int WORN_FREE_SHIFT = 1;

    /** From here on a run is not broken up to fill holes. Blocks. */
    private static final int LONG_RUN_BLOCKS = 16;

    /** A commit of at most so many blocks is small. */
    private static final int SMALL_COMMIT_BLOCKS = 256;

    /** Withheld for those who look at an old commit: bounds the memory that it takes. */
    private static final int WITHHELD_FOR_READERS_MAX = 1 << 16;

    private final SlotGeometry geometry;
    private final SegmentSource source;
    private final Long2ObjectHashMap<Segment> segments = new Long2ObjectHashMap<>();
    private final SpaceLog log = new SpaceLog();

    /** Runs freed by the commit being built, and by the durable ones that still pin them, oldest first. */
    private LongArrayList freed = new LongArrayList();

    private final ArrayDeque<LongArrayList> pinned = new ArrayDeque<>();

    /** Commits that were cut and are not durable: none, or one. */
    private int inFlight;

    /** Who wants nothing reused, and how often that had to be denied them. */
    private int readers;

    private long denials;

    /** Free segments whose blocks the medium has room for, and the one that is being made so: see {@link #beginPreparing}. */
    private final ArrayDeque<Long> prepared = new ArrayDeque<>();

    private long preparing = -1;

    /**
     * Segments that small commits have filled, oldest first. Most of such a commit is nodes, and most nodes are soon free
     * again: small commits go to the same few segments again and again, which the medium has room for, instead of to ever
     * new ones that would stay a quarter full.
     */
    private final ArrayDeque<Long> worn = new ArrayDeque<>();

    private boolean fillingWorn;

    private final SegmentUsage usage = new SegmentUsage();
    private int counted;

    /** Segments that are being emptied: nothing is allocated there. Replaced as a whole, so that any thread may look. */
    private volatile BitSet doomed = new BitSet();

    /** Segments that became free, oldest first, and the one that the device is being told of. */
    private final LinkedHashSet<Long> emptied = new LinkedHashSet<>();

    private long discarding = -1;

    /** Blocks of the commit being built, and whether the last one was small. */
    private long settledSinceCut;

    private boolean small;

    private long blockCount;
    private long usedBlocks;
    private long withheldBlocks;
    private Segment active;
    private int activeBit;
    private long cursor;

    /**
     * @param blockCount length of the store in blocks
     * @param usedBlocks allocated according to the superblock
     * @param cursor     where allocation goes on
     */
    public FreeSpaceMap(
            final SlotGeometry geometry,
            final SegmentSource source,
            final long blockCount,
            final long usedBlocks,
            final long cursor) {
        this.geometry = geometry;
        this.source = source;
        this.blockCount = blockCount;
        this.usedBlocks = usedBlocks;
        this.cursor = cursor < blockCount ? cursor : 0;
    }

    // ---- allocation

    /**
     * Allocates 1 to {@code countMax} adjacent blocks, in flight until {@link #settle} or {@link #abandon}.
     *
     * @param reserve blocks that must stay free for those who may go below
     * @throws StoreFullException when there is nothing beyond the reserve
     */
    public long allocate(final int countMax, final long reserve) {
        final long available = availableBlocks() - reserve;
        if (available <= 0) {
            throw new StoreFullException("store full: " + availableBlocks() + " blocks free, " + reserve + " reserved");
        }
        final int wanted = (int) Math.min(Math.min(countMax, BlockRun.COUNT_MAX), available);
        if (fillingWorn && wanted >= LONG_RUN_BLOCKS) {
            activateEmptiest();
        }
        int bit = active == null ? -1 : active.nextAvailable(activeBit);
        if (bit < 0) {
            activate();
            bit = active.nextAvailable(activeBit);
        }
        final int count = active.availableRun(bit, wanted);
        active.withhold(bit, count);
        withheldBlocks += count;
        activeBit = Math.min(bit + count, geometry.segmentBlocks() - 1);
        cursor = active.number * geometry.segmentBlocks() + bit + count;
        return BlockRun.of(active.number * geometry.segmentBlocks() + bit, count);
    }

    /** The run was written and belongs to the commit being built. */
    public void settle(final long block, final int count) {
        eachSegment(block, count, (segment, from, length) -> {
            segment.release(from, length);
            segment.set(from, length, true);
            usage.add(segment.number, length);
        });
        withheldBlocks -= count;
        usedBlocks += count;
        settledSinceCut += count;
        log.append(block, count);
    }

    /** The run was not written: free again. */
    public void abandon(final long block, final int count) {
        eachSegment(block, count, Segment::release);
        withheldBlocks -= count;
    }

    /** No commit from the one being built on refers to this run. */
    public void free(final long block, final int count) {
        eachSegment(block, count, (segment, from, length) -> {
            segment.set(from, length, false);
            segment.withhold(from, length);
            usage.add(segment.number, -length);
        });
        withheldBlocks += count;
        usedBlocks -= count;
        log.append(block, -count);
        freed.addLong(block);
        freed.addLong(count);
    }

    /** Chooses the segment to be filled next: one for small commits, the first free one, or the emptiest. */
    private void activate() {
        if (!small || !activateWorn() && !activatePrepared()) {
            activateEmptiest();
        }
    }

    private void activateEmptiest() {
        final long count = (blockCount + geometry.segmentBlocks() - 1) / geometry.segmentBlocks();
        final long start = cursor / geometry.segmentBlocks();
        Segment best = null;
        int bestAvailable = 0;
        int looked = 0;
        for (long step = 0; step < count && (looked < CANDIDATES || best == null); step++, looked++) {
            final Segment candidate = segment((start + step) % count);
            candidate.load(source);
            final int available = candidate == active || barred(candidate.number) ? 0 : candidate.availableCount();
            if (available > bestAvailable) {
                forget(best);
                best = candidate;
                bestAvailable = available;
                if (available >= geometry.segmentBlocks() - SlotGeometry.GROUP_SLOTS) {
                    break;
                }
            } else if (candidate != active) {
                forget(candidate);
            }
        }
        if (best == null && active != null && active.nextAvailable(0) >= 0) {
            best = active;
        }
        if (best == null && !doomed.isEmpty()) {
            doomed = new BitSet(); // Better where it should not be than not at all.
            activateEmptiest();
            return;
        }
        if (best == null) {
            throw new StoreFullException("store full: what is free is pinned by the last commits");
        }
        activate(best);
    }

    private boolean barred(final long segment) {
        return segment == preparing || segment == discarding || doomed.get((int) segment);
    }

    private void activate(final Segment next) {
        final Segment before = active;
        active = next;
        activeBit = 0;
        fillingWorn = false;
        if (before != null && before != next) {
            if (small) {
                worn.addLast(before.number);
            }
            forget(before);
        }
    }

    private boolean plenty() {
        return availableBlocks() >= (long) PLENTY_SEGMENTS * geometry.segmentBlocks();
    }

    private boolean activateWorn() {
        if (!plenty()) {
            return false; // Segments partly filled are the cleaner's then.
        }
        while (worn.size() > WORN_MAX) {
            worn.removeFirst();
        }
        for (final Iterator<Long> it = worn.iterator(); it.hasNext(); ) {
            final Segment candidate = segment(it.next());
            candidate.load(source);
            if (candidate != active
                    && !barred(candidate.number)
                    && candidate.availableCount() >= geometry.segmentBlocks() >> WORN_FREE_SHIFT) {
                it.remove();
                activate(candidate);
                fillingWorn = true;
                return true;
            }
            forget(candidate);
        }
        return false;
    }

    // ---- preparing

    private boolean activatePrepared() {
        while (!prepared.isEmpty()) {
            final Segment candidate = segment(prepared.removeFirst());
            if (candidate != active && !barred(candidate.number) && whollyFree(candidate)) {
                activate(candidate);
                return true;
            }
            forget(candidate); // Large commits have taken it meanwhile.
        }
        return false;
    }

    /**
     * Chooses a free segment that small commits will soon fill, so that the device can be told (`BlockDevice.prepare`). It
     * is not allocated from until {@link #endPreparing}.
     *
     * @return its first block that is no superblock slot, or -1 when there is nothing to prepare
     */
    public long beginPreparing() {
        assert preparing < 0;
        if (!small || prepared.size() >= PREPARED_MAX || !plenty()) {
            return -1;
        }
        final long count = blockCount / geometry.segmentBlocks();
        final long start = cursor / geometry.segmentBlocks() + 1;
        for (long step = 0; step < Math.min(count, CANDIDATES); step++) {
            final long number = (start + step) % count;
            final Segment candidate = segment(number);
            if (candidate != active && !prepared.contains(number) && !barred(number) && whollyFree(candidate)) {
                preparing = number;
                return number * geometry.segmentBlocks() + candidate.nextAvailable(0);
            }
            forget(candidate);
        }
        return -1;
    }

    public void endPreparing() {
        prepared.addLast(preparing);
        final Segment segment = segment(preparing);
        preparing = -1;
        forget(segment);
    }

    private boolean whollyFree(final Segment segment) {
        segment.load(source);
        return segment.empty();
    }

    // ---- telling the device what is free

    /**
     * Chooses a segment that has become free and is not about to be filled, so that the device can be told. It is not
     * allocated from until {@link #endDiscarding}.
     *
     * @param keep so many that became free last are left alone: they are likely to be filled again soon
     * @return its first block that is no superblock slot, or -1 when there is none
     */
    public long beginDiscarding(final int keep) {
        assert discarding < 0;
        while (emptied.size() > keep) {
            final long number = emptied.iterator().next();
            emptied.remove(number);
            final Segment segment = segment(number);
            if (!wanted(number) && whollyFree(segment)) {
                worn.remove(number);
                discarding = number;
                return number * geometry.segmentBlocks() + segment.nextAvailable(0);
            }
            forget(segment);
        }
        return -1;
    }

    public void endDiscarding() {
        final Segment segment = segment(discarding);
        discarding = -1;
        forget(segment);
    }

    // ---- emptying segments

    /** Counts what is allocated in a few more segments; true when all are counted. */
    public boolean countSome(final int segmentsMax) {
        final int segmentCount = (int) ((blockCount + geometry.segmentBlocks() - 1) / geometry.segmentBlocks());
        if (usage.segments() < segmentCount) {
            usage.size(segmentCount);
        }
        for (int done = 0; done < segmentsMax && counted < segmentCount; done++, counted++) {
            final Segment segment = segment(counted);
            segment.load(source);
            usage.set(counted, segment.usedCount());
            forget(segment);
        }
        return counted == segmentCount;
    }

    public SegmentUsage usage() {
        return usage;
    }

    /** Nothing is allocated in these segments until others replace them, or until there is nowhere else. */
    public void doom(final BitSet segmentNumbers) {
        doomed = segmentNumbers;
    }

    /** Whether a run has a block in a segment that is being emptied. Needs no lock. */
    public boolean doomed(final long block, final int count) {
        final BitSet now = doomed;
        final int next = now.nextSetBit((int) (block / geometry.segmentBlocks()));
        return next >= 0 && next <= (block + count - 1) / geometry.segmentBlocks();
    }

    /** Whether this is being filled, or about to be. */
    public boolean wanted(final long segment) {
        return active != null && active.number == segment || segment == preparing || prepared.contains(segment);
    }

    // ---- commits

    /** Ends the commit being built: what is freed from now on belongs to the next. */
    public void cut() {
        small = settledSinceCut <= SMALL_COMMIT_BLOCKS;
        settledSinceCut = 0;
        inFlight++;
        pinned.addLast(freed);
        freed = new LongArrayList();
    }

    /** The newest cut commit k is durable: what commits up to k-1 freed may be allocated again. */
    public void commitDurable() {
        inFlight--;
        if (withheldBlocks > Math.min(availableBlocks(), WITHHELD_FOR_READERS_MAX)) {
            denyReaders();
        }
        unpin();
    }

    /** All that was freed before the newest durable commit may be allocated again, unless somebody reads. */
    private void unpin() {
        while (pinned.size() > 1 + inFlight && readers == 0) {
            final LongArrayList runs = pinned.removeFirst();
            for (int i = 0; i < runs.size(); i += 2) {
                final int count = (int) runs.getLong(i + 1);
                eachSegment(runs.getLong(i), count, (segment, from, length) -> {
                    segment.release(from, length);
                    if (usage.of(segment.number) == 0 && segment.withheldCount == 0) {
                        emptied.add(segment.number);
                    }
                    if (segment != active) {
                        forget(segment);
                    }
                });
                withheldBlocks -= count;
            }
        }
    }

    /**
     * From now on nothing is reused that the newest durable commit or a later one refers to, until {@link #endRead} or until
     * space or memory would run short by it.
     */
    public long beginRead() {
        readers++;
        return denials;
    }

    /** Whether nothing has been reused since. */
    public boolean reading(final long begun) {
        return begun == denials;
    }

    public void endRead(final long begun) {
        if (reading(begun)) {
            readers--;
            unpin();
        }
    }

    /** Space runs short: what readers hold back is let go. */
    public void denyReaders() {
        readers = 0;
        denials++;
        unpin();
    }

    /** The space log that goes with the commit being built. */
    public SpaceLog log() {
        return log;
    }

    /**
     * Brings the space tree up to the map as it is now, and begins a new log: what the fold itself allocates and frees is
     * logged in that. The log is cleared first, because the space tree may free a node of its own while it is being
     * changed, in a segment that has been stored already.
     */
    public void fold() {
        log.clear();
        for (final Segment segment : List.copyOf(segments.values())) {
            if (segment.touched) {
                segment.load(source);
                segment.touched = false;
                source.store(segment.number, segment.used);
                forget(segment);
            }
        }
    }

    // ---- opening

    /** Applies an entry of the space log as found by opening, in the order of writing. */
    public void replay(final long block, final long count) {
        final int length = (int) Math.abs(count);
        if (length == 0 || block < 0 || block + length > blockCount) {
            throw new CorruptStoreException(
                    "space log", block << 12, "run of " + length + " blocks (expected: within " + blockCount + ")");
        }
        eachSegment(block, length, (segment, from, n) -> segment.replay(from, n, count > 0));
        log.append(block, count);
    }

    // ---- facts

    /** Blocks allocated in commits and the one being built; superblock slots not counted. */
    public long usedBlocks() {
        return usedBlocks;
    }

    /** Blocks that can be allocated now. */
    public long availableBlocks() {
        return blockCount - geometry.slotBlocks(blockCount) - usedBlocks - withheldBlocks;
    }

    /** Blocks that are free, or will be when the commits that pin them are past. */
    public long freeBlocks() {
        return blockCount - geometry.slotBlocks(blockCount) - usedBlocks;
    }

    /** Blocks withheld until further commits are durable, or in flight. */
    public long withheldBlocks() {
        return withheldBlocks;
    }

    public long cursor() {
        return cursor;
    }

    public long blockCount() {
        return blockCount;
    }

    public void grow(final long newBlockCount) {
        assert newBlockCount >= blockCount;
        blockCount = newBlockCount;
        segments.values().forEach(segment -> segment.fence(geometry.fence(segment.number, newBlockCount)));
    }

    /** True when the block is allocated in the commit being built. For single blocks; see {@link #usedBits}. */
    public boolean used(final long block) {
        final int bit = (int) (block % geometry.segmentBlocks());
        return (usedBits(block / geometry.segmentBlocks())[bit >> 6] & 1L << bit) != 0;
    }

    /** A copy of the bits of a segment's blocks that are allocated in the commit being built. For check and tests. */
    public long[] usedBits(final long number) {
        final Segment segment = segment(number);
        segment.load(source);
        final long[] bits = segment.used.clone();
        forget(segment);
        return bits;
    }

    // ---- segments in memory

    private interface SegmentAction {
        void accept(Segment segment, int from, int count);
    }

    private void eachSegment(final long block, final int count, final SegmentAction action) {
        assert block >= 0 && block + count <= blockCount : block + "+" + count;
        long at = block;
        while (at < block + count) {
            final int from = (int) (at % geometry.segmentBlocks());
            final int length = (int) Math.min(geometry.segmentBlocks() - from, block + count - at);
            action.accept(segment(at / geometry.segmentBlocks()), from, length);
            at += length;
        }
    }

    private Segment segment(final long number) {
        Segment segment = segments.get(number);
        if (segment == null) {
            segment = new Segment(number, geometry.segmentBlocks() / 64);
            segment.fence(geometry.fence(number, blockCount));
            segments.put(number, segment);
        }
        return segment;
    }

    private void forget(final Segment segment) {
        if (segment != null && !segment.touched && segment.withheldCount == 0 && segment != active) {
            segments.remove(segment.number);
        }
    }
}
