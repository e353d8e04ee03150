package io.icecore.store;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.NoSpaceException;
import io.icecore.store.tree.Tree;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * One device, one log, one current generation: blocks of data, four trees, and commits that make changes durable.
 *
 * <p>Threads. Lookups in trees and {@link #read} may be made by any thread without the lock. Changes (allocate, settle,
 * free, tree changes) are made under {@link #lock()}; what is changed under one hold of the lock is never split by a
 * commit. Device writes are made without it.
 */
public final class Store implements AutoCloseable {
    // TEMPORARY in-memory stand-in with the contract of the real engine, so that the layers above can be built.
    private final BlockDevice device;
    private final ReentrantLock lock = new ReentrantLock();
    private final Tree catalogue = new Tree();
    private final Tree head = new Tree();
    private final Tree history = new Tree();
    private final Tree regions = new Tree();
    private final UUID uuid = UUID.randomUUID();
    private CommitParticipant participant;
    private long next = 16;
    private long used = 16;
    private volatile long generation = 1;

    private Store(final BlockDevice device) {
        this.device = device;
    }

    /** Formats the device. Its former content is lost. */
    public static void format(final BlockDevice device, final String label) {}

    /** Opens the newest generation for reading and writing and makes that choice durable. */
    public static Store open(final BlockDevice device) {
        return new Store(device);
    }

    /** Opens the newest generation beside a writer, or of a store that must not be changed. */
    public static Store openReadOnly(final BlockDevice device) {
        return new Store(device);
    }

    /** Sets who is asked for notes in each commit, and hands it the notes found by opening. Once, before any change. */
    public void join(final CommitParticipant participant) {
        this.participant = participant;
        participant.loadNotes(new UnsafeBuffer(new byte[CommitParticipant.NOTES_LENGTH_MAX]), 0);
    }

    public Tree catalogue() {
        return catalogue;
    }

    public Tree head() {
        return head;
    }

    public Tree history() {
        return history;
    }

    public Tree regions() {
        return regions;
    }

    /** Takes the right to change the store. Reentrant. Hold it for microseconds, never over device I/O of data. */
    public void lock() {
        lock.lock();
    }

    public void unlock() {
        lock.unlock();
    }

    public boolean lockedByCurrentThread() {
        return lock.isHeldByCurrentThread();
    }

    /**
     * Allocates a run of 1 to {@code countMax} adjacent blocks (a {@link BlockRun}), as near to the last one as free
     * space allows. The run is in flight until {@link #settle} or {@link #abandon}: it is part of no commit. Under the
     * lock.
     *
     * @throws NoSpaceException when only the reserve for deletions and commits is left
     */
    public long allocate(final int countMax) {
        assert lock.isHeldByCurrentThread();
        final int count = Math.min(countMax, 1024);
        if ((next + count) * BlockDevice.BLOCK_LENGTH > device.length()) {
            throw new NoSpaceException("store: full: " + device.name());
        }
        final long run = BlockRun.of(next, count);
        next += count;
        used += count;
        return run;
    }

    /** Writes {@code count} blocks of an allocated run. Without the lock. */
    public void write(final long block, final DirectBuffer source, final int index, final int count) {
        device.write(block * BlockDevice.BLOCK_LENGTH, source, index, count * BlockDevice.BLOCK_LENGTH);
    }

    /**
     * The blocks were written: they belong to the next commit. Under the lock, in the same hold as the tree change that
     * refers to them.
     *
     * @param checksums CRC-32C of each block, 4 bytes each, little-endian, from {@code index}
     */
    public void settle(final long block, final int count, final DirectBuffer checksums, final int index) {
        assert lock.isHeldByCurrentThread();
    }

    /** The write of these blocks failed: they are free again. Under the lock. */
    public void abandon(final long block, final int count) {
        assert lock.isHeldByCurrentThread();
        used -= count;
    }

    /** Nothing refers to these settled blocks any more. They are reused once no commit that saw them can be opened. */
    public void free(final long block, final int count) {
        assert lock.isHeldByCurrentThread();
        used -= count;
    }

    /** Reads {@code count} blocks. Without the lock. The caller verifies checksums, and {@link #unchangedSince}. */
    public void read(final long block, final MutableDirectBuffer target, final int index, final int count) {
        device.read(block * BlockDevice.BLOCK_LENGTH, target, index, count * BlockDevice.BLOCK_LENGTH);
    }

    /** Take this before looking up addresses that will be read without the lock. */
    public long stamp() {
        return 0;
    }

    /** True when no block that a lookup made after {@code stamp} can have named has been reused since. Else look up again. */
    public boolean unchangedSince(final long stamp) {
        return true;
    }

    /**
     * Makes everything settled and changed before this call durable, and returns the generation that holds it. Callers
     * that wait at the same time share one commit. Without the lock. Cheap when there is nothing to do.
     */
    public long commit() {
        assert !lock.isHeldByCurrentThread();
        lock.lock();
        try {
            if (participant != null) {
                participant.beforeCommit(new UnsafeBuffer(new byte[CommitParticipant.NOTES_LENGTH_MAX]));
            }
            return ++generation;
        } finally {
            lock.unlock();
        }
    }

    /**
     * One tick of housekeeping, for a timer of a few hundred milliseconds: commits what has been waiting, and seals the
     * store (an empty commit that proves its parent durable) when it has been idle for a second.
     */
    public void idle() {}

    /** Blocks that can be allocated before {@link NoSpaceException}. */
    public long freeBlocks() {
        return device.length() / BlockDevice.BLOCK_LENGTH - used;
    }

    /** Makes the device and the store larger, online. */
    public void grow(final long sizeBytes) {
        device.grow(sizeBytes);
    }

    public StoreInfo info() {
        return new StoreInfo(
                device.name(),
                uuid,
                "store",
                1,
                device.length(),
                used * BlockDevice.BLOCK_LENGTH,
                freeBlocks() * BlockDevice.BLOCK_LENGTH,
                generation,
                false,
                "ok");
    }

    /** Of a store opened read-only: moves to the newest generation. Returns true when there was a newer one. */
    public boolean refresh() {
        return false;
    }

    /** Commits, seals and closes the device. */
    @Override
    public void close() {
        device.close();
    }
}
