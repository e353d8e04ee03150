package io.icecore.store.space;

import io.icecore.store.format.CorruptStoreException;
import java.util.ArrayDeque;
import org.agrona.collections.LongArrayList;

/**
 * Which blocks are free. Guarded by the store's lock.
 *
 * <p>On the device the map is the space tree plus the space log, which holds every allocation and every free since the
 * tree was last brought up to date (folded). In memory are only the {@link Segments} that have changed since. Which free
 * blocks are taken next is decided by the {@link SegmentChoice}.
 *
 * <p><b>The pin rule</b> lives here and nowhere else: a block freed by commit k may be allocated again once commit k+1 is
 * durable ({@link #unpin}). Until then a crash may still fall back to a commit that refers to it.
 *
 * <p>Invariants:
 *
 * <ul>
 *   <li>F1. Every block that is neither a superblock slot nor behind the end is used, withheld (in flight or pending) or
 *       available, and exactly one of them: see {@link Segment}.
 *   <li>F2. Withheld are the runs in flight, those that the commit being built has freed, and those pinned by durable
 *       commits.
 *   <li>F3. While nobody reads, the frees of the newest durable commit and of those cut since are pinned, and no others.
 * </ul>
 */
public final class FreeSpaceMap {
    /** Withheld for those who look at an old commit: bounds the memory that it takes. */
    private static final int WITHHELD_FOR_READERS_MAX = 1 << 16;

    private final Segments segments;
    private final SegmentChoice choice;
    private final SegmentUsage usage;
    private final SpaceLog log = new SpaceLog();

    /** Made once, and not for every write. */
    private final Segments.Action settling = this::settlePart;

    private final Segments.Action freeing = this::freePart;

    /** Runs freed by the commit being built, and by the durable ones that still pin them, oldest first. */
    private LongArrayList freed = new LongArrayList();

    private final ArrayDeque<LongArrayList> pinned = new ArrayDeque<>();

    /** Commits that were cut and are not durable: none, or one. */
    private int inFlight;

    /** Who wants nothing reused, and how often that had to be denied them. */
    private int readers;

    private long denials;

    /** Blocks of the commit being built. */
    private long settledSinceCut;

    private long usedBlocks;
    private long withheldBlocks;

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
        segments = new Segments(geometry, source, blockCount);
        choice = new SegmentChoice(segments, this::availableBlocks, cursor);
        usage = new SegmentUsage(segments);
        this.usedBlocks = usedBlocks;
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
        final long run = choice.next(wanted);
        final int count = BlockRun.count(run);
        segments.each(BlockRun.block(run), count, Segment::withhold);
        withheldBlocks += count;
        return run;
    }

    /** The run was written and belongs to the commit being built. */
    public void settle(final long block, final int count) {
        segments.each(block, count, settling);
        withheldBlocks -= count;
        assert withheldBlocks >= 0 : "F2: " + withheldBlocks;
        usedBlocks += count;
        settledSinceCut += count;
        log.append(block, count);
    }

    private void settlePart(final Segment segment, final int from, final int count) {
        segment.release(from, count);
        segment.set(from, count, true);
        usage.add(segment.number, count);
    }

    /** The run was not written: free again. */
    public void abandon(final long block, final int count) {
        segments.each(block, count, Segment::release);
        withheldBlocks -= count;
    }

    /** No commit from the one being built on refers to this run. */
    public void free(final long block, final int count) {
        segments.each(block, count, freeing);
        withheldBlocks += count;
        usedBlocks -= count;
        log.append(block, -count);
        freed.addLong(block);
        freed.addLong(count);
    }

    private void freePart(final Segment segment, final int from, final int count) {
        segment.set(from, count, false);
        segment.withhold(from, count);
        usage.add(segment.number, -count);
    }

    /** Which free blocks are taken next. */
    public SegmentChoice choice() {
        return choice;
    }

    /** How full the segments are. */
    public SegmentUsage usage() {
        return usage;
    }

    // ---- commits

    /** Ends the commit being built: what is freed from now on belongs to the next. */
    public void cut() {
        choice.ended(settledSinceCut);
        settledSinceCut = 0;
        inFlight++;
        pinned.addLast(freed);
        freed = new LongArrayList();
    }

    /** The newest cut commit k is durable: what commits up to k-1 freed may be allocated again. */
    public void commitDurable() {
        inFlight--;
        assert inFlight >= 0 : "F3: " + inFlight;
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
                segments.each(runs.getLong(i), count, (segment, from, length) -> {
                    segment.release(from, length);
                    if (usage.of(segment.number) == 0 && segment.withheldCount == 0) {
                        choice.emptied(segment.number);
                    }
                    segments.forget(segment);
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
        segments.store();
    }

    // ---- opening

    /** Applies an entry of the space log as found by opening, in the order of writing. */
    public void replay(final long block, final long count) {
        final int length = (int) Math.abs(count);
        if (length == 0 || block < 0 || block + length > blockCount()) {
            throw new CorruptStoreException(
                    "space log", block << 12, "run of " + length + " blocks (expected: within " + blockCount() + ")");
        }
        segments.each(block, length, (segment, from, n) -> segment.replay(from, n, count > 0));
        log.append(block, count);
    }

    // ---- facts

    /** Blocks allocated in commits and the one being built; superblock slots not counted. */
    public long usedBlocks() {
        return usedBlocks;
    }

    /** Blocks that can be allocated now. */
    public long availableBlocks() {
        return blockCount() - segments.slotBlocks() - usedBlocks - withheldBlocks;
    }

    /** Blocks that are free, or will be when the commits that pin them are past. */
    public long freeBlocks() {
        return blockCount() - segments.slotBlocks() - usedBlocks;
    }

    /** Blocks withheld until further commits are durable, or in flight. */
    public long withheldBlocks() {
        return withheldBlocks;
    }

    public long cursor() {
        return choice.cursor();
    }

    public long blockCount() {
        return segments.blockCount();
    }

    public void grow(final long newBlockCount) {
        segments.grow(newBlockCount);
    }

    /** True when the block is allocated in the commit being built. For single blocks; see {@link #usedBits}. */
    public boolean used(final long block) {
        final int bit = (int) (block % segments.segmentBlocks());
        return (usedBits(block / segments.segmentBlocks())[bit >> 6] & 1L << bit) != 0;
    }

    /** A copy of the bits of a segment's blocks that are allocated in the commit being built. For check and tests. */
    public long[] usedBits(final long number) {
        final Segment segment = segments.load(number);
        final long[] bits = segment.used.clone();
        segments.forget(segment);
        return bits;
    }
}
