package io.icecore.volume;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.icecore.store.Store;
import io.icecore.store.device.StoreException;
import io.icecore.store.space.BlockRun;
import io.icecore.store.space.StoreFullException;
import io.icecore.volume.map.Extent;
import io.icecore.volume.map.ExtentLayout;
import io.icecore.volume.map.HeadMap;
import io.icecore.volume.map.HistoryMap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Empties segments when whole free ones run low, so that there is somewhere to write in long runs.
 *
 * <p>Nothing on the device says who owns a block. So one pass goes through the head and the history from end to end, and then
 * through the nodes of all trees, and moves whatever stands in one of the chosen segments; many segments share the cost of
 * the walk, which reads a hundredth of what is mapped at the worst.
 *
 * <p>An extent is read, verified and written elsewhere without the store's lock; then, under the lock, its entry is looked up
 * once more and, if it is still the same, points to the new blocks. It cannot be the same again by chance: nothing is
 * allocated in those segments meanwhile. Readers see the old or the new blocks, both right until two commits later.
 * Nothing is kept across a crash: what was moved and committed is moved, the rest is where it was.
 */
final class Cleaner {
    private static final int CHUNK_LENGTH = VolumeData.CHUNK_LENGTH;
    private static final int EXTENTS_MAX = 64;
    private static final int CHUNKS_MAX = 512;
    private static final int ENTRIES_LOOKED_AT_MAX = 2048;
    private static final int PARENTS_MAX = 16;
    private static final int ALLOCATIONS_MAX = 3;

    private enum Phase {
        IDLE,
        HEAD,
        HISTORY,
        NODES
    }

    private final Volumes volumes;
    private final Store store;
    private final HeadMap head;
    private final HistoryMap history;
    private final Checksums checksums = new Checksums();
    private final UnsafeBuffer data =
            new UnsafeBuffer(BufferUtil.allocateDirectAligned(CHUNKS_MAX * CHUNK_LENGTH, CHUNK_LENGTH));
    private final UnsafeBuffer sums = new UnsafeBuffer(new byte[ExtentLayout.LENGTH_MAX * Integer.BYTES]);
    private final List<Extent> extents = new ArrayList<>();
    private final long[] runs = new long[EXTENTS_MAX];
    private final boolean[] readable = new boolean[EXTENTS_MAX];
    private int count;
    private int chunks;

    private Phase phase = Phase.IDLE;

    // Where the walk stands.
    private long branch;
    private long chunk;
    private long birth;
    private int tree;
    private final long[] key = new long[2];

    private volatile long movedBytes;

    Cleaner(final Volumes volumes) {
        this.volumes = volumes;
        store = volumes.store();
        head = volumes.data().head();
        history = volumes.data().history();
        for (int i = 0; i <= EXTENTS_MAX; i++) {
            extents.add(new Extent());
        }
    }

    /** Bytes of data moved since the store was opened. */
    long movedBytes() {
        return movedBytes;
    }

    /** Does one bounded piece of work; false when there is none. One thread. */
    boolean step() {
        switch (phase) {
            case IDLE -> {
                if (store.countSegments()) {
                    return true;
                }
                if (store.beginCleaning() == 0) {
                    return false;
                }
                begin(Phase.HEAD);
            }
            case HEAD, HISTORY -> moveExtents();
            case NODES -> moveNodes();
        }
        store.relieve();
        return true;
    }

    private void begin(final Phase next) {
        phase = next;
        branch = 0;
        chunk = 0;
        birth = 0;
        tree = 0;
        key[0] = 0;
        key[1] = 0;
    }

    private void end() {
        phase = Phase.IDLE;
        store.commit(); // Nodes move by being written.
        store.endCleaning();
    }

    private void moveExtents() {
        final boolean more = collect();
        if (count > 0) {
            try {
                allocate();
                copy();
                repoint();
            } catch (final StoreFullException ex) {
                abandon();
                end(); // No room to move anything: holes are filled from now on.
                return;
            } catch (final StoreException ex) {
                abandon();
                throw ex;
            }
        }
        if (!more) {
            begin(phase == Phase.HEAD ? Phase.HISTORY : Phase.NODES);
        }
    }

    /** Looks for extents to be moved, without the lock; false at the end of the tree. */
    private boolean collect() {
        count = 0;
        chunks = 0;
        for (int looked = 0; looked < ENTRIES_LOOKED_AT_MAX; looked++) {
            final Extent extent = extents.get(count);
            if (!next(extent)) {
                return false;
            }
            if (!extent.zeroes() && store.toBeMoved(extent.block(), extent.length())) {
                if (count == EXTENTS_MAX || chunks + extent.length() > CHUNKS_MAX) {
                    return true; // The next step begins with it.
                }
                chunks += extent.length();
                count++;
            }
            branch = extent.branch();
            chunk = phase == Phase.HEAD ? extent.end() : extent.chunk();
            birth = extent.birth() + 1;
        }
        return true;
    }

    private boolean next(final Extent into) {
        return phase == Phase.HEAD ? head.next(branch, chunk, into) : history.next(branch, chunk, birth, into);
    }

    /** One run for each extent, adjacent as far as possible; 0 where there is none of that length. */
    private void allocate() {
        Arrays.fill(runs, 0, count, 0);
        store.lock();
        try {
            for (int i = 0; i < count; i++) {
                runs[i] = allocate(extents.get(i).length());
            }
        } finally {
            store.unlock();
        }
    }

    private long allocate(final int length) {
        for (int attempt = 0; attempt < ALLOCATIONS_MAX; attempt++) {
            final long run = store.allocate(length);
            if (BlockRun.count(run) == length) {
                return run;
            }
            store.abandon(BlockRun.block(run), BlockRun.count(run)); // The end of a segment, or a hole.
        }
        return 0;
    }

    /** Reads, verifies and writes, without the lock. */
    private void copy() {
        int at = 0;
        for (int i = 0; i < count; i++) {
            final Extent extent = extents.get(i);
            readable[i] = runs[i] != 0 && read(extent, at);
            at += extent.length() * CHUNK_LENGTH;
        }
        at = 0;
        for (int i = 0; i < count; ) {
            int blocks = extents.get(i).length();
            int end = i + 1;
            while (readable[i] && end < count && readable[end] && adjacent(end)) {
                blocks += extents.get(end++).length();
            }
            if (readable[i]) {
                store.write(BlockRun.block(runs[i]), data, at, blocks);
            }
            at += blocks * CHUNK_LENGTH;
            i = end;
        }
    }

    private boolean adjacent(final int i) {
        return BlockRun.block(runs[i - 1]) + BlockRun.count(runs[i - 1]) == BlockRun.block(runs[i]);
    }

    private boolean read(final Extent extent, final int index) {
        store.read(extent.block(), data, index, extent.length());
        checksums.of(data);
        for (int i = 0; i < extent.length(); i++) {
            if (checksums.at(index + i * CHUNK_LENGTH) != extent.checksumOf(extent.chunk() + i)) {
                return false;
            }
        }
        return true;
    }

    private void repoint() {
        volumes.change(() -> {
            for (int i = 0; i < count; i++) {
                if (runs[i] != 0) {
                    repoint(i);
                }
            }
            return null;
        });
    }

    private void repoint(final int i) {
        final Extent extent = extents.get(i);
        final long block = BlockRun.block(runs[i]);
        final int length = extent.length();
        volumes.changing();
        if (readable[i] && (phase == Phase.HEAD ? head.repoint(extent, block) : history.repoint(extent, block))) {
            for (int done = 0; done < length; done++) {
                sums.putInt(done * Integer.BYTES, extent.checksumOf(extent.chunk() + done), LITTLE_ENDIAN);
            }
            store.settle(block, length, sums, 0);
            store.free(extent.block(), length);
            movedBytes += (long) length * CHUNK_LENGTH;
        } else {
            store.abandon(block, length); // Overwritten or freed meanwhile; or damaged, which is for readers to tell.
        }
        runs[i] = 0;
        volumes.changed();
    }

    private void abandon() {
        store.lock();
        try {
            for (int i = 0; i < count; i++) {
                if (runs[i] != 0) {
                    store.abandon(BlockRun.block(runs[i]), BlockRun.count(runs[i]));
                    runs[i] = 0;
                }
            }
        } finally {
            store.unlock();
        }
    }

    private void moveNodes() {
        for (int parents = 0; parents < PARENTS_MAX; parents++) {
            if (!store.moveNodes(tree, key)) {
                key[0] = 0;
                key[1] = 0;
                if (++tree == store.treeCount()) {
                    end();
                    return;
                }
            }
        }
    }
}
