package io.icecore.volume.map;

import io.icecore.store.Store;
import java.util.ArrayList;
import java.util.List;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Changes the head: what a kept snapshot sees moves to the history, the rest is freed.
 *
 * <p>All methods are called under the store's lock. Readers look up without it meanwhile, so the order of the single
 * tree changes matters. At every moment
 * <ul>
 *   <li>W1. a chunk that the head maps is covered by its old or its new extent, never by none;</li>
 *   <li>W2. a version that leaves the head is in the history already.</li>
 * </ul>
 * For a moment extents of the head may overlap; a floor seek then finds one of them, and both are right.
 */
public final class HeadWriter {
    private static final int ENDS_COUNT = 64;
    private static final UnsafeBuffer NO_CHECKSUMS = new UnsafeBuffer(new byte[0]);

    private final Store store;
    private final HeadMap head;
    private final HistoryMap history;

    /** Extents that the change overlaps, in order; the list grows to the most there ever were. */
    private final List<Extent> old = new ArrayList<>();

    private final Extent left = new Extent();

    /** Where runs ended lately, by the block after them: only there can another one be joined. */
    private final long[] endBlocks = new long[ENDS_COUNT];

    private final long[] endChunks = new long[ENDS_COUNT];
    private final Extent touched = new Extent();
    private int oldCount;
    private int savedChunks;
    private int freedChunks;
    private boolean changing;

    public HeadWriter(final Store store, final HeadMap head, final HistoryMap history) {
        this.store = store;
        this.head = head;
        this.history = history;
    }

    /** True when the last change ended with an exception after it had changed something: the trees are not consistent. */
    public boolean brokeOff() {
        return changing;
    }

    /** Chunks with blocks that the last change moved to the history. */
    public int savedChunks() {
        return savedChunks;
    }

    /** Chunks with blocks that the last change freed. */
    public int freedChunks() {
        return freedChunks;
    }

    /**
     * Maps chunks to blocks that have been written and settled.
     *
     * @param epoch     current epoch of the branch
     * @param newest    its newest kept snapshot, or -1
     * @param count     1 to {@link ExtentLayout#LENGTH_MAX}
     * @param checksums of the chunks, from {@code index}
     */
    public void write(
            final long branch,
            final long epoch,
            final long newest,
            final long chunk,
            final int count,
            final long block,
            final DirectBuffer checksums,
            final int index) {
        assert block != ExtentLayout.ZEROES;
        prepare(branch, newest, chunk, count);
        final boolean joined = joinsLeft(branch, epoch, chunk, count, block);
        save(epoch, newest, chunk, count);
        keepRight(chunk, count);
        if (joined) {
            head.putJoined(left, count, checksums, index);
        } else {
            head.put(branch, chunk, count, epoch, block, checksums, index);
        }
        removeCovered(chunk, count, joined);
        keepLeft(chunk);
        release(newest, chunk, count);
        endsAt(block + count, chunk + count);
        changing = false;
    }

    private void endsAt(final long block, final long chunk) {
        endBlocks[(int) block & ENDS_COUNT - 1] = block;
        endChunks[(int) block & ENDS_COUNT - 1] = chunk;
    }

    /** Saves a look-up for most writes. What is forgotten here is merged less well, and nothing else. */
    private boolean endedAt(final long block, final long chunk) {
        return endBlocks[(int) block & ENDS_COUNT - 1] == block && endChunks[(int) block & ENDS_COUNT - 1] == chunk;
    }

    /**
     * Unmaps chunks. Returns false when there was nothing to do.
     *
     * @param zeroes leave a zeroes extent: in a branch with a parent, where absence would show the parent
     */
    public boolean discard(
            final long branch,
            final long epoch,
            final long newest,
            final long chunk,
            final int count,
            final boolean zeroes) {
        prepare(branch, newest, chunk, count);
        if (oldCount == 0 && !zeroes) {
            return false;
        }
        save(epoch, newest, chunk, count);
        keepRight(chunk, count);
        if (zeroes) {
            head.put(branch, chunk, count, epoch, ExtentLayout.ZEROES, NO_CHECKSUMS, 0);
        }
        removeCovered(chunk, count, !zeroes);
        keepLeft(chunk);
        release(newest, chunk, count);
        changing = false;
        return true;
    }

    /** Looks up all that will be changed, so that damage in a leaf shows before anything has been changed. */
    private void prepare(final long branch, final long newest, final long chunk, final int count) {
        assert store.lockedByCurrentThread();
        assert 0 < count && count <= ExtentLayout.LENGTH_MAX : count;
        changing = false;
        oldCount = 0;
        savedChunks = 0;
        freedChunks = 0;
        if (head.covering(branch, chunk, nextOld())) {
            oldCount++;
        }
        long from = oldCount == 0 ? chunk : old.get(0).end();
        while (from < chunk + count
                && head.ceiling(branch, from, nextOld())
                && old.get(oldCount).chunk() < chunk + count) {
            from = old.get(oldCount).end();
            oldCount++;
        }
        for (int i = 0; i < oldCount && count > 1; i++) { // A single one shows it itself, see save.
            if (old.get(i).birth() <= newest) {
                history.touch(branch, old.get(i).chunk(), old.get(i).birth(), touched);
            }
        }
    }

    private Extent nextOld() {
        if (oldCount == old.size()) {
            old.add(new Extent());
        }
        return old.get(oldCount);
    }

    /** Extents merge when births are equal, blocks adjacent and the sum is not too long. */
    private boolean joinsLeft(
            final long branch, final long epoch, final long chunk, final int count, final long block) {
        if (!endedAt(block, chunk) || oldCount > 0 && old.get(0).chunk() < chunk) {
            return false; // The neighbour is cut by this change, so its blocks cannot be followed by the new ones.
        }
        return head.covering(branch, chunk - 1, left)
                && left.birth() == epoch
                && !left.zeroes()
                && left.block() + left.length() == block
                && left.length() + count <= ExtentLayout.LENGTH_MAX;
    }

    /** From here on there is a change. That one chunk is saved has been done whole or not at all. */
    private void save(final long epoch, final long newest, final long chunk, final int count) {
        changing = count > 1;
        for (int i = 0; i < oldCount; i++) {
            final Extent extent = old.get(i);
            if (extent.birth() <= newest) {
                final long from = Math.max(extent.chunk(), chunk);
                final int length = (int) (Math.min(extent.end(), chunk + count) - from);
                history.put(
                        extent.branch(),
                        from,
                        length,
                        extent.birth(),
                        epoch,
                        extent.blockOf(from),
                        extent.checksums(),
                        extent.checksumIndexOf(from));
                savedChunks += extent.zeroes() ? 0 : length;
            }
        }
        changing = true;
    }

    private void keepRight(final long chunk, final int count) {
        if (oldCount > 0 && old.get(oldCount - 1).end() > chunk + count) {
            putPart(old.get(oldCount - 1), chunk + count, old.get(oldCount - 1).end());
        }
    }

    private void keepLeft(final long chunk) {
        if (oldCount > 0 && old.get(0).chunk() < chunk) {
            putPart(old.get(0), old.get(0).chunk(), chunk);
        }
    }

    private void putPart(final Extent extent, final long from, final long end) {
        head.put(
                extent.branch(),
                from,
                (int) (end - from),
                extent.birth(),
                extent.blockOf(from),
                extent.checksums(),
                extent.checksumIndexOf(from));
    }

    /** @param first also the extent that starts at {@code chunk}: no new one has taken its key */
    private void removeCovered(final long chunk, final int count, final boolean first) {
        for (int i = 0; i < oldCount; i++) {
            final long start = old.get(i).chunk();
            if (start > chunk || first && start == chunk) {
                head.remove(old.get(i).branch(), start);
            }
        }
    }

    private void release(final long newest, final long chunk, final int count) {
        for (int i = 0; i < oldCount; i++) {
            final Extent extent = old.get(i);
            if (extent.birth() > newest && !extent.zeroes()) {
                final long from = Math.max(extent.chunk(), chunk);
                final int length = (int) (Math.min(extent.end(), chunk + count) - from);
                store.free(extent.blockOf(from), length);
                freedChunks += length;
            }
        }
    }
}
