package io.icecore.store.commit;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.device.NoSpaceException;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.Checksum;
import io.icecore.store.format.SpillLayout;
import io.icecore.store.format.Superblock;
import io.icecore.store.format.SuperblockLayout;
import io.icecore.store.log.UncoveredBlocks;
import io.icecore.store.space.SpaceLog;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.agrona.concurrent.UnsafeBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes every change so far durable: the one half of the protocol, of which {@link Opener} is the other. Steps are
 * numbered as in docs/architecture.md.
 *
 * <p>A power loss at any point leaves the parent commit or the new one, each complete: nothing that the parent refers to
 * is overwritten (the pin rule, the slots' R2), and opening can tell whether the new one is complete, because its
 * superblock names every block that no earlier flush covers, with checksums.
 */
public final class Committer {
    private static final Logger LOG = LoggerFactory.getLogger(Committer.class);

    /** More nodes are written without the store's lock, and flushed before the superblock names them. */
    private static final int NODES_UNDER_LOCK_MAX = 256;

    /** Asking for more of them separately costs more than it gains. */
    private static final int HURRIED_RUNS_MAX = 4;

    /** Spill nodes that opening reads at most. */
    private static final int SPILLS_MAX = 64;

    private final OpenedStore store;
    private final ReentrantLock storeLock;
    private final Clock clock;
    private final UnsafeBuffer notes = new UnsafeBuffer(new byte[CommitParticipant.NOTES_LENGTH_MAX]);
    private final ArrayDeque<SpillImage> spills = new ArrayDeque<>();

    /** One commit at a time: superblock n+1 is written only after the flush of n has returned. */
    private final ReentrantLock oneCommit = new ReentrantLock();

    private final GroupCommit group = new GroupCommit();

    private volatile CommitParticipant participant;
    private volatile long durableCount;
    private volatile RuntimeException failure;

    /** Cut, and not durable yet. One thread at a time. */
    private Superblock unwritten;

    /** Why the commit that was cut could not be written, so that it has to be tried again before any other; or null. */
    private volatile NoSpaceException noRoom;

    private long settledSinceCut;
    private long settledCount;
    private long changesAtCut;

    /** A spill node that is not on the device yet. */
    private record SpillImage(long block, UnsafeBuffer image) {}

    public Committer(final OpenedStore store, final ReentrantLock storeLock, final Clock clock) {
        this.store = store;
        this.storeLock = storeLock;
        this.clock = clock;
        changesAtCut = store.forest.changes();
    }

    public void join(final CommitParticipant newParticipant) {
        participant = newParticipant;
    }

    /** Blocks were settled or freed: there is something to commit. Under the store's lock. */
    public void changed() {
        settledSinceCut++;
        settledCount++;
    }

    /** Commits made durable since opening. */
    public long durableCount() {
        return durableCount;
    }

    /** Why nothing more is written, or null while all is well. */
    public RuntimeException failure() {
        return failure;
    }

    /**
     * Throws if an earlier failure left what is on the medium, or what the layer above has in memory, unknown; only a
     * reopen can tell.
     */
    public void ensureUsable() {
        if (failure == null && participant != null) {
            try {
                participant.ensureUsable();
            } catch (final RuntimeException ex) {
                poison(ex);
            }
        }
        if (failure != null) {
            throw new StoreException(
                    "store failed earlier and must be reopened: " + store.device.name() + ": " + failure.getMessage(),
                    failure);
        }
    }

    /**
     * Makes everything changed before the call durable. Callers that wait while a commit is under way share the next one.
     *
     * @return the generation that holds it
     */
    public long commit() {
        return group.commit(this::commitChanges);
    }

    /**
     * The caller foresees that it will ask for a commit, and has nothing else to do. Beside others who ask it does nothing:
     * what they write until then would need another one.
     */
    public void commitAhead() {
        if (!group.inCompany()) {
            commit();
        }
    }

    private long commitChanges() {
        oneCommit.lock();
        try {
            ensureUsable();
            retry();
            return pendingChanges() ? commitNow(0) : store.current.generation;
        } finally {
            oneCommit.unlock();
        }
    }

    /** An empty commit: proves its parent durable, and lets go of the blocks that the parent's parent pinned. */
    public long commitEmpty() {
        oneCommit.lock();
        try {
            ensureUsable();
            retry();
            return commitNow(SuperblockLayout.FLAG_SEALING);
        } finally {
            oneCommit.unlock();
        }
    }

    private void retry() {
        if (noRoom != null) {
            commitNow(0);
        }
    }

    /** Throws while a commit waits for room below: until it is written there must not be more and more to be written. */
    public void ensureRoom() {
        final NoSpaceException problem = noRoom;
        if (problem != null) {
            throw new NoSpaceException("no room below for the last commit: " + problem.getMessage(), problem);
        }
    }

    /** True when the newest commit's parent is proved durable by it, and nothing has changed since. */
    public boolean sealed() {
        return store.current.sealing() && !pendingChanges();
    }

    public boolean pendingChanges() {
        storeLock.lock();
        try {
            return noRoom != null || settledSinceCut > 0 || store.forest.changes() != changesAtCut;
        } finally {
            storeLock.unlock();
        }
    }

    /** Equal numbers mean that nothing has changed in between. */
    public long changeCount() {
        storeLock.lock();
        try {
            return settledCount + store.forest.changes();
        } finally {
            storeLock.unlock();
        }
    }

    /**
     * Makes the device longer, durably: no superblock may say so before. Opening checks what a superblock names, and does
     * not find a length that the power loss took back.
     */
    public void growDevice(final long lengthBytes) {
        store.device.grow(lengthBytes);
        try {
            store.device.flush();
        } catch (final RuntimeException ex) {
            poison(ex);
            throw ex;
        }
    }

    /**
     * Where there is no room below, what was cut is tried again by the next call, with the same blocks and the same
     * superblock: as long as no superblock of it is durable, nothing refers to what of it has been written.
     */
    private long commitNow(final int flags) {
        assert !storeLock.isHeldByCurrentThread() : "commit under the store's lock";
        try {
            if (unwritten == null) {
                unwritten = cut(flags); // 1-4. Everything settled, and its superblock.
            }
            final Superblock next = unwritten;
            if (next.payloadFlushed()) { //   Too much to name: nothing may point at it yet.
                writeNodes(null);
                store.device.flush();
            }
            if (group.inCompany()) {
                hurry(next.runs);
            }
            final Set<Long> slots = store.slots.write(next, store.current.nextSlots); // 5. Two copies, two groups.
            store.device.flush(); // 6. The commit point.
            unwritten = null;
            return publish(next, slots); // 7. Durable: acknowledge, unpin.
        } catch (final RuntimeException | Error ex) {
            if (unwritten != null && ex instanceof NoSpaceException full) {
                noRoom = full;
                store.roomBelow.missing(full);
            } else {
                poison(ex);
            }
            throw ex;
        }
    }

    private void writeNodes(final UncoveredBlocks uncovered) {
        store.forest.writeImages(store.writer, uncovered);
        while (!spills.isEmpty()) {
            final SpillImage spill = spills.peekFirst();
            store.device.write(spill.block * BLOCK_LENGTH, spill.image, 0, BLOCK_LENGTH);
            spills.removeFirst();
        }
    }

    /**
     * The device works on the payload while the superblock is being written. With the few blocks of a lone client, each
     * request of its own to the device costs more than that saves.
     */
    private void hurry(final long[] runs) {
        for (int i = 0; i < Math.min(runs.length, 3 * HURRIED_RUNS_MAX); i += 3) {
            store.device.hurry(runs[i] * BLOCK_LENGTH, runs[i + 1] * BLOCK_LENGTH);
        }
    }

    /** Under the lock: what is settled now belongs to this commit, what comes later does not. */
    private Superblock cut(final int flags) {
        storeLock.lock();
        try {
            final Superblock parent = store.current;
            final Superblock next = new Superblock();
            next.generation = parent.generation + 1;
            next.parentGeneration = parent.generation;
            next.notes = participant == null ? parent.notes : takeNotes(); // 1. The layer above has its say.
            if (store.space.log().spillCount() >= SPILLS_MAX) {
                foldSpace();
            }
            final boolean few = store.forest.relocate(next.generation) <= NODES_UNDER_LOCK_MAX; // 2. Redirects, folds.
            store.forest.describe(next);
            spillSpaceLog(next);
            final boolean written = few && nodesWritten(); // Else when writers may go on.
            final long[] runs = written ? store.uncovered.runs() : null; // 3. What no flush covers.
            next.runs = runs == null ? new long[0] : runs;
            next.flags = flags | (runs == null ? SuperblockLayout.FLAG_PAYLOAD_FLUSHED : 0);
            describe(next, parent); // 4. The superblock.
            store.uncovered.clear();
            store.space.cut();
            settledSinceCut = 0;
            changesAtCut = store.forest.changes();
            return next;
        } finally {
            storeLock.unlock();
        }
    }

    /** False where there is no room below. That must not leave a commit half cut: it is met once more after the cut. */
    private boolean nodesWritten() {
        try {
            writeNodes(store.uncovered);
            return true;
        } catch (final NoSpaceException ex) {
            return false;
        }
    }

    private byte[] takeNotes() {
        final int length = participant.beforeCommit(notes);
        final byte[] bytes = new byte[length];
        notes.getBytes(0, bytes);
        return bytes;
    }

    private void describe(final Superblock next, final Superblock parent) {
        next.storeId = parent.storeId;
        next.label = parent.label;
        next.readOnlyCompatible = parent.readOnlyCompatible;
        next.nonce = parent.nonce;
        next.timeMillis = clock.millis();
        next.segmentBlocks = parent.segmentBlocks;
        next.slotStrideBlocks = parent.slotStrideBlocks;
        next.blockCount = store.space.blockCount();
        next.cursor = store.space.cursor();
        next.usedBlocks = store.space.usedBlocks();
        next.space = store.space.log().entries();
        final long[] announced = store.slots.announce(
                Set.of(parent.nextSlots[0], parent.nextSlots[1]), next.cursor, next.generation, next.blockCount);
        next.nextSlots[0] = announced[0];
        next.nextSlots[1] = announced[1];
    }

    /** Writes the map as it is now into the space tree; the fold's own blocks go into the new log. */
    private void foldSpace() {
        final SpaceLog log = store.space.log();
        final long[] spills = new long[log.spillCount()];
        for (int i = 0; i < spills.length; i++) {
            spills[i] = log.spillBlock(i);
        }
        store.space.fold();
        for (final long block : spills) {
            store.uncovered.remove(block, 1);
            store.space.free(block, 1);
        }
    }

    /** The superblock's lists share their room: what of the space log does not fit goes to spill nodes. */
    private void spillSpaceLog(final Superblock next) {
        final int room = SuperblockLayout.LISTS_LENGTH
                - next.redirects.length / 3 * SuperblockLayout.REDIRECT_LENGTH
                - UncoveredBlocks.RUNS_MAX * SuperblockLayout.RUN_LENGTH
                - next.notes.length;
        final SpaceLog log = store.space.log();
        while (log.size() > room / SuperblockLayout.SPACE_LENGTH) {
            final long block = new CommitSpace(store).allocateNode();
            final int newest = log.spillCount() - 1;
            final SpillLayout.Spill spill = new SpillLayout.Spill(
                    newest < 0 ? 0 : log.spillBlock(newest),
                    newest < 0 ? 0 : log.spillGeneration(newest),
                    log.takeOldest(Math.min(SpillLayout.CAPACITY, log.size())));
            final UnsafeBuffer image = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
            SpillLayout.encode(image, store.current.storeId, block, next.generation, spill);
            spills.addLast(new SpillImage(block, image));
            store.uncovered.add(block, Checksum.of(image, 0, BLOCK_LENGTH));
            log.spilled(block, next.generation);
        }
        final int newest = log.spillCount() - 1;
        next.spillBlock = newest < 0 ? 0 : log.spillBlock(newest);
        next.spillGeneration = newest < 0 ? 0 : log.spillGeneration(newest);
    }

    private long publish(final Superblock next, final Set<Long> slots) {
        storeLock.lock();
        try {
            store.slots.protect(slots);
            store.space.commitDurable();
            store.current = next;
            if (noRoom != null) { // Any other commit proves nothing: superblocks overwritten need no room.
                noRoom = null;
                store.roomBelow.found(store.roomBelow.failures());
            }
            durableCount++;
            return next.generation;
        } finally {
            storeLock.unlock();
        }
    }

    private void poison(final Throwable cause) {
        if (failure == null) {
            LOG.error("store failed, no more writes until it is reopened: device={}", store.device.name(), cause);
            failure = cause instanceof RuntimeException runtime ? runtime : new StoreException(cause.toString(), cause);
        }
    }
}
