package io.icecore.store;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.clean.SegmentCleaner;
import io.icecore.store.commit.CommitParticipant;
import io.icecore.store.commit.Committer;
import io.icecore.store.commit.OpenedStore;
import io.icecore.store.commit.Opener;
import io.icecore.store.commit.ReadOnlyView;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.NoSpaceException;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.Superblock;
import io.icecore.store.format.SuperblockLayout;
import io.icecore.store.space.FreeSpaceMap;
import io.icecore.store.space.StoreFullException;
import io.icecore.store.tree.CacheFigures;
import io.icecore.store.tree.Forest;
import io.icecore.store.tree.Tree;
import java.time.Clock;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * One device, one log, one current generation: blocks of data, four trees, and commits that make changes durable.
 *
 * <p>Threads. Lookups in trees and {@link #read} may be made by any thread without the lock. Changes (allocate, settle,
 * free, tree changes) are made under {@link #lock()}; what is changed under one hold of the lock is never split by a
 * commit. Device writes of data are made without it.
 *
 * <p>After a failed commit the store takes no more changes: what reached the medium is unknown, and only opening it again
 * can tell. Reads go on.
 */
public final class Store implements AutoCloseable {
    /** Size of the smallest store. */
    public static final long SIZE_BYTES_MIN = Opener.LENGTH_MIN;

    /** Dirty nodes beyond which {@link #relieve()} commits: 64 MiB of memory, or half of what clean nodes may take. */
    private static final int DIRTY_NODES_MAX = 16_384;

    /** A store that is never idle for a moment commits so often all the same. */
    private static final long BUSY_COMMIT_MILLIS = 2000;

    /** Dirty nodes that even a full store lets gather: a quarter of what is left of the smallest reserve then. */
    private static final int DIRTY_NODES_MIN = 64;

    /** Segments counted under one hold of the lock: below a millisecond. */
    private static final int SEGMENTS_COUNTED_MAX = 128;

    /** So often and so long work that can wait makes way for those who queue for the lock: 5 ms in all. */
    private static final int GIVE_WAY_MAX = 50;

    private static final long GIVE_WAY_NANOS = 50_000;
    private static final long SEAL_AFTER_MILLIS = 1000;
    private static final int NODE_FOOTPRINT_BYTES = BLOCK_LENGTH + 256;
    private static final int CACHE_NODES_MIN = 512;

    private final BlockDevice device;
    private final Clock clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final OpenedStore opened;
    private final Committer committer;
    private final ReadOnlyView view;
    private final DamageLog damage;
    private final int dirtyNodesMax;
    private final Object releasing = new Object();
    private final SegmentCleaner cleaner;
    private long idleSince = -1;
    private long changesAtTick;
    private long uncommittedSince;
    private boolean closed;

    private Store(
            final BlockDevice device,
            final Clock clock,
            final OpenedStore opened,
            final int cacheNodes,
            final boolean readOnly) {
        dirtyNodesMax = Math.min(DIRTY_NODES_MAX, Math.max(CACHE_NODES_MIN, cacheNodes / 2));
        this.device = device;
        this.clock = clock;
        this.opened = opened;
        cleaner = new SegmentCleaner(opened.space, opened.geometry.segmentBlocks());
        committer = readOnly ? null : new Committer(opened, lock, clock);
        view = readOnly ? new ReadOnlyView(opened) : null;
        damage = new DamageLog(device.name(), clock);
    }

    /**
     * Formats the whole device as an empty store. Its former content is lost.
     *
     * @param label 1 to 32 letters, digits, dots or dashes
     * @throws IllegalArgumentException for a device below 16 MiB, or another label
     */
    public static void format(final BlockDevice device, final String label) {
        Opener.format(device, label, Clock.systemUTC());
    }

    /** Opens the newest complete generation for reading and writing and makes that choice durable. */
    public static Store open(final BlockDevice device) {
        return open(device, Clock.systemUTC(), defaultCacheNodes());
    }

    /** @param cacheNodes clean tree nodes kept in memory, 4 KiB each */
    public static Store open(final BlockDevice device, final Clock clock, final int cacheNodes) {
        return new Store(device, clock, Opener.open(device, cacheNodes, clock), cacheNodes, false);
    }

    /** Opens the newest complete generation beside a writer, or of a store that must not be changed. */
    public static Store openReadOnly(final BlockDevice device) {
        final int cacheNodes = defaultCacheNodes();
        return new Store(device, Clock.systemUTC(), Opener.openReadOnly(device, cacheNodes), cacheNodes, true);
    }

    /** An eighth of the memory that the program may use, for nodes. */
    private static int defaultCacheNodes() {
        return (int) Math.max(CACHE_NODES_MIN, Runtime.getRuntime().maxMemory() / 8 / NODE_FOOTPRINT_BYTES);
    }

    /** Sets who is asked for notes in each commit, and hands it the notes found by opening. Once, before any change. */
    public void join(final CommitParticipant participant) {
        if (view == null) {
            committer.join(participant);
        } else {
            view.join(participant);
        }
        final byte[] notes = opened.current.notes;
        participant.loadNotes(new UnsafeBuffer(notes), notes.length);
    }

    public boolean readOnly() {
        return view != null;
    }

    public Tree catalogue() {
        return opened.forest.tree(OpenedStore.CATALOGUE);
    }

    public Tree head() {
        return opened.forest.tree(OpenedStore.HEAD);
    }

    public Tree history() {
        return opened.forest.tree(OpenedStore.HISTORY);
    }

    /** Of the layout of {@link #history()}: what came to the history lately. */
    public Tree recent() {
        return opened.forest.tree(OpenedStore.RECENT);
    }

    public Tree regions() {
        return opened.forest.tree(OpenedStore.REGIONS);
    }

    // ---- changing

    /** Takes the right to change the store. Reentrant. Hold it for microseconds, never over device I/O of data. */
    public void lock() {
        lock.lock();
    }

    public void unlock() {
        lock.unlock();
    }

    /**
     * For work that can wait, before it takes the lock: those who queue for it have it first, within limits. Without this a
     * thread that takes it again and again gets it nearly always: one that queues is still waking up when the lock is free.
     */
    public void giveWay() {
        for (int i = 0; i < GIVE_WAY_MAX && lock.hasQueuedThreads(); i++) {
            LockSupport.parkNanos(GIVE_WAY_NANOS);
        }
    }

    public boolean lockedByCurrentThread() {
        return lock.isHeldByCurrentThread();
    }

    /**
     * Allocates a run of 1 to {@code countMax} adjacent blocks (a {@code BlockRun}), as near to the last one as free
     * space allows. The run is in flight until {@link #settle} or {@link #abandon}: it is part of no commit. Under the
     * lock.
     *
     * @throws StoreFullException when only the reserve for deletions and commits is left
     */
    public long allocate(final int countMax) {
        assert lock.isHeldByCurrentThread();
        requireWritable();
        committer.ensureRoom();
        return opened.space.allocate(countMax, reserveBlocks() + opened.forest.dirtyCount());
    }

    /**
     * Refuses a change that adds to the trees, such as a snapshot, while so little is left that deletions may need it. Under
     * the lock, before the first change.
     *
     * <pre>
     *   | free ...                       | reserve / 2 | reserve / 2 |
     *   | data, and all that is below    | adding to   | commits,    |
     *   |                                | the trees   | deletions   |
     * </pre>
     */
    public void requireRoom() {
        assert lock.isHeldByCurrentThread();
        committer.ensureRoom();
        final long available = opened.space.availableBlocks() - opened.forest.dirtyCount();
        if (available < reserveBlocks() / 2) {
            throw new StoreFullException("store full: " + available + " blocks free, kept for deletions");
        }
    }

    /** Writes {@code count} blocks of an allocated run. Without the lock. */
    public void write(final long block, final DirectBuffer source, final int index, final int count) {
        requireWritable();
        final int failuresBefore = opened.roomBelow.failures();
        try {
            device.write(block * BLOCK_LENGTH, source, index, count * BLOCK_LENGTH);
            opened.roomBelow.found(failuresBefore);
        } catch (final NoSpaceException ex) {
            opened.roomBelow.missing(ex);
            throw ex;
        }
    }

    /**
     * The blocks were written: they belong to the next commit. Under the lock, in the same hold as the tree change that
     * refers to them.
     *
     * @param checksums CRC-32C of each block, 4 bytes each, little-endian, from {@code index}
     */
    public void settle(final long block, final int count, final DirectBuffer checksums, final int index) {
        assert lock.isHeldByCurrentThread();
        opened.space.settle(block, count);
        for (int i = 0; i < count; i++) {
            opened.uncovered.add(
                    block + i, checksums.getInt(index + i * Integer.BYTES, java.nio.ByteOrder.LITTLE_ENDIAN));
        }
        committer.changed();
    }

    /** The write of these blocks failed: they are free again. Under the lock. */
    public void abandon(final long block, final int count) {
        assert lock.isHeldByCurrentThread();
        opened.space.abandon(block, count);
    }

    /** Nothing refers to these settled blocks any more. They are reused once no commit that saw them can be opened. */
    public void free(final long block, final int count) {
        assert lock.isHeldByCurrentThread();
        opened.uncovered.remove(block, count);
        opened.space.free(block, count);
        committer.changed();
    }

    // ---- reading

    /** Reads {@code count} blocks. Without the lock. The caller verifies checksums, and {@link #unchangedSince}. */
    public void read(final long block, final MutableDirectBuffer target, final int index, final int count) {
        opened.reader.read(block, target, index, count);
    }

    /** These blocks will be read in a moment, after others: the device may begin with all of them. */
    public void expect(final long block, final int count) {
        device.expect(block * BLOCK_LENGTH, (long) count * BLOCK_LENGTH);
    }

    /** Take this before looking up addresses that will be read without the lock. */
    public long stamp() {
        return view == null ? committer.durableCount() : view.generation();
    }

    /**
     * True when no block that a lookup made after {@code stamp} can have named has been reused since. Else look up again
     * and read again. (A block freed after the stamp belongs at the earliest to the next commit, and is reused at the
     * earliest when the one after that is durable.)
     */
    public boolean unchangedSince(final long stamp) {
        return view == null ? committer.durableCount() - stamp < 2 : view.unchangedSince(stamp);
    }

    // ---- commits

    /**
     * Makes everything settled and changed before this call durable, and returns the generation that holds it. Callers
     * that wait at the same time share one commit. Without the lock. Cheap when there is nothing to do.
     */
    public long commit() {
        requireWritable();
        idleSince = -1;
        return committer.commit();
    }

    /** For a caller that is about to ask for a {@link #commit}: begins it already, where that helps. Without the lock. */
    public void commitAhead() {
        requireWritable();
        idleSince = -1;
        committer.commitAhead();
    }

    /**
     * Commits when so much has changed that memory would run short, or, in a store that is nearly full, the blocks for the
     * commit itself. After each change that may be one of very many. Without the lock.
     */
    public void relieve() {
        final int dirty = opened.forest.dirtyCount();
        if (dirty > dirtyNodesMax || dirty > DIRTY_NODES_MIN && dirty > opened.space.availableBlocks() / 4) {
            commit();
        }
    }

    /**
     * Makes blocks available that only the last commits pin. Without the lock.
     *
     * @return false when there are none, so that what is free is all there is
     */
    public boolean releasePinned() {
        requireWritable();
        if (opened.space.withheldBlocks() == 0) {
            return false;
        }
        lock.lock();
        try {
            opened.space.denyReaders();
        } finally {
            lock.unlock();
        }
        final long before = committer.durableCount();
        synchronized (releasing) { // Many writers meet a full store at once; one of them does it for all.
            while (committer.durableCount() - before < 2) {
                committer.commitEmpty();
            }
        }
        return true;
    }

    /**
     * One tick of housekeeping, for a timer of a few hundred milliseconds: commits what has been waiting once nothing has
     * changed between two ticks, or after {@value #BUSY_COMMIT_MILLIS} ms, and seals the store (an empty commit that proves
     * its parent durable) when it has been idle for a second.
     */
    public void idle() {
        if (view != null || committer.failure() != null || committer.sealed()) {
            return;
        }
        if (committer.pendingChanges()) {
            final long changes = committer.changeCount();
            final long waited = clock.millis() - uncommittedSince;
            if (changes == changesAtTick || waited >= BUSY_COMMIT_MILLIS || waited < 0) { // Clocks are set back.
                commit();
                uncommittedSince = clock.millis();
            }
            changesAtTick = changes;
            return;
        }
        uncommittedSince = clock.millis();
        if (idleSince < 0) {
            idleSince = clock.millis();
        } else if (clock.millis() - idleSince >= SEAL_AFTER_MILLIS) {
            committer.commitEmpty();
        }
    }

    /**
     * One tick of housekeeping, for one thread with a timer of its own: while commits are small, has the device prepare the
     * segments that they will fill next. Without the lock.
     */
    public void prepareSpace() {
        if (view != null || committer.failure() != null) {
            return;
        }
        final int segmentBlocks = opened.geometry.segmentBlocks();
        for (long block = beginPreparing(); block >= 0; block = beginPreparing()) {
            try {
                final long count = segmentBlocks - block % segmentBlocks;
                device.prepare(block * BLOCK_LENGTH, count * BLOCK_LENGTH);
            } finally {
                endPreparing();
            }
        }
    }

    private long beginPreparing() {
        lock.lock();
        try {
            return opened.space.choice().beginPreparing();
        } finally {
            lock.unlock();
        }
    }

    private void endPreparing() {
        lock.lock();
        try {
            opened.space.choice().endPreparing();
        } finally {
            lock.unlock();
        }
    }

    // ---- cleaning

    /** Counts what is allocated in a few more segments. False when all are counted. Without the lock. */
    public boolean countSegments() {
        lock.lock();
        try {
            return !opened.space.usage().countSome(SEGMENTS_COUNTED_MAX);
        } finally {
            lock.unlock();
        }
    }

    /** Chooses segments that are to be emptied: 0 when there is no need. All segments have been counted. */
    public int beginCleaning() {
        requireWritable();
        lock.lock();
        try {
            return cleaner.begin(opened.space.availableBlocks() - 2 * reserveBlocks());
        } finally {
            lock.unlock();
        }
    }

    /** Whether blocks have to be moved out of a segment that is being emptied. Without the lock. */
    public boolean toBeMoved(final long block, final int count) {
        return opened.space.choice().doomed(block, count);
    }

    /**
     * Has the next commit move nodes out of the segments that are being emptied: a few of those from the key on. Without the
     * lock.
     *
     * @param tree ordinal among the trees of the store
     * @param key  hi and lo; changed to where to go on
     * @return false at the end of the tree
     */
    public boolean moveNodes(final int tree, final long[] key) {
        requireWritable();
        lock.lock();
        try {
            return opened.forest
                    .trees()
                    .get(tree)
                    .moveSome(key, block -> opened.space.choice().doomed(block, 1));
        } finally {
            lock.unlock();
        }
    }

    public int treeCount() {
        return opened.forest.trees().size();
    }

    /** The segments are as empty as they get. Without the lock. */
    public void endCleaning() {
        lock.lock();
        try {
            cleaner.end();
        } finally {
            lock.unlock();
        }
    }

    /** Nothing has changed since the sealing commit. */
    public boolean atRest() {
        return view != null || committer.sealed();
    }

    /**
     * Tells the device of up to {@code segmentsMax} segments that have become free, so that the file system below gets their
     * space back. For one thread with a timer of its own, without the lock.
     *
     * @param keep so many that became free last are left alone
     * @return how many it was told of
     */
    public int discardFree(final int segmentsMax, final int keep) {
        if (view != null || committer.failure() != null) {
            return 0;
        }
        final int segmentBlocks = opened.geometry.segmentBlocks();
        int done = 0;
        for (; done < segmentsMax; done++) {
            final long block;
            lock.lock();
            try {
                block = opened.space.choice().beginDiscarding(keep);
            } finally {
                lock.unlock();
            }
            if (block < 0) {
                break;
            }
            try {
                device.discard(block * BLOCK_LENGTH, (segmentBlocks - block % segmentBlocks) * BLOCK_LENGTH);
            } finally {
                endDiscarding();
            }
        }
        return done;
    }

    private void endDiscarding() {
        lock.lock();
        try {
            opened.space.choice().endDiscarding();
        } finally {
            lock.unlock();
        }
    }

    private void requireWritable() {
        if (view != null) {
            throw new StoreException("store was opened read-only: " + device.name());
        }
        committer.ensureUsable();
    }

    // ---- facts

    /** Blocks that can be allocated before {@link StoreFullException}, counting those that the last commits still pin. */
    public long freeBlocks() {
        lock.lock();
        try {
            return Math.max(0, opened.space.freeBlocks() - reserveBlocks());
        } finally {
            lock.unlock();
        }
    }

    /** Blocks of data and nodes. */
    public long usedBlocks() {
        lock.lock();
        try {
            return opened.space.usedBlocks();
        } finally {
            lock.unlock();
        }
    }

    /** How well the node cache serves. Without the lock. */
    public CacheFigures cacheFigures() {
        return opened.forest.cacheFigures();
    }

    /** Nodes that the next commit will write. Under the lock. */
    public int dirtyNodes() {
        assert lock.isHeldByCurrentThread();
        return opened.forest.dirtyCount();
    }

    /** Kept for nodes, so that commits and deletions work when the store is full: see {@link #requireRoom()}. */
    private long reserveBlocks() {
        final long blocks = opened.space.blockCount();
        return Math.max(512, Math.min(blocks / 32, Math.max(16384, blocks / 4096)));
    }

    /** Makes the device and the store larger, online; durable when it returns. */
    public void grow(final long sizeBytes) {
        requireWritable();
        final long blocks = sizeBytes / BLOCK_LENGTH;
        if (sizeBytes % BLOCK_LENGTH != 0 || blocks < opened.space.blockCount() || blocks >= 1L << 47) {
            throw new IllegalArgumentException("store size: " + sizeBytes + " (expected: a multiple of 4096, at least "
                    + opened.space.blockCount() * BLOCK_LENGTH + ")");
        }
        if (blocks == opened.space.blockCount()) {
            return;
        }
        committer.growDevice(sizeBytes);
        lock.lock();
        try {
            opened.space.grow(blocks);
            committer.changed();
        } finally {
            lock.unlock();
        }
        commit();
    }

    public StoreInfo info() {
        final Superblock superblock = opened.current;
        lock.lock();
        try {
            final FreeSpaceMap space = opened.space;
            final long slots = opened.geometry.slotBlocks(space.blockCount());
            return new StoreInfo(
                    device.name(),
                    superblock.storeId,
                    superblock.label,
                    SuperblockLayout.FORMAT_VERSION,
                    space.blockCount() * BLOCK_LENGTH,
                    (space.usedBlocks() + slots) * BLOCK_LENGTH,
                    space.freeBlocks() * BLOCK_LENGTH,
                    superblock.generation,
                    readOnly(),
                    health());
        } finally {
            lock.unlock();
        }
    }

    /** Damaged bytes that were come upon since the store was opened. */
    public DamageLog damage() {
        return damage;
    }

    /** What the last write met where the file system below is full; null while there is room. */
    public String noRoomBelow() {
        return opened.roomBelow.problem();
    }

    private String health() {
        return view != null || committer.failure() == null
                ? "ok"
                : "takes no more writes: " + committer.failure().getMessage();
    }

    /** Of a store opened read-only: moves to the newest generation. Returns true when there was a newer one. */
    public boolean refresh() {
        return view != null && view.refresh();
    }

    /**
     * For another process that reads the newest commit block by block, however busy this store is: until it is closed, or
     * until space runs short, nothing is reused that this commit or a later one refers to. Without the lock.
     */
    public Reading beginReading() {
        requireWritable();
        lock.lock();
        try {
            return new Reading(opened.space.beginRead());
        } finally {
            lock.unlock();
        }
    }

    /** See {@link #beginReading}. Thread-safe. */
    public final class Reading implements AutoCloseable {
        private final long begun;
        private boolean ended;

        private Reading(final long begun) {
            this.begun = begun;
        }

        /** Whether nothing has been reused since. */
        public boolean undisturbed() {
            lock.lock();
            try {
                return !ended && opened.space.reading(begun);
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void close() {
            lock.lock();
            try {
                if (!ended) {
                    ended = true;
                    opened.space.endRead(begun);
                }
            } finally {
                lock.unlock();
            }
        }
    }

    /** All nodes and the space map, for check and dump: no change may be made meanwhile. */
    public Forest forest() {
        return opened.forest;
    }

    /** See {@link #forest()}. */
    public OpenedStore opened() {
        return opened;
    }

    /** Commits, seals and closes the device. A store that failed is only closed. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            if (view == null && committer.failure() == null) {
                committer.commit();
                if (!committer.sealed()) {
                    committer.commitEmpty();
                }
            }
        } finally {
            device.close();
        }
    }
}
