package io.icecore.volume;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.icecore.store.Store;
import io.icecore.store.device.IoBuffer;
import io.icecore.store.space.BlockRun;
import io.icecore.volume.map.Extent;
import io.icecore.volume.map.ExtentLayout;
import io.icecore.volume.map.HeadMap;
import io.icecore.volume.map.HistoryMap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Moves extents to other blocks, beside readers and writers: some at a time, one after the other on the device as far as
 * there is room.
 *
 * <p>An extent is read, verified and written elsewhere without the store's lock; then, under the lock, its entry is looked up
 * once more and, if it is still the same, points to the new blocks. Readers see the old or the new blocks, both right until
 * two commits later. Nothing is kept across a crash: what was moved and committed is moved, the rest is where it was.
 *
 * <p>That an entry is the same again by chance, after its blocks were freed and reused, is for the caller to exclude. One
 * thread.
 */
final class ExtentMover {
    private static final int EXTENTS_MAX = 256;
    private static final int CHUNKS_MAX = 512;
    private static final int CHUNK_LENGTH = VolumeData.CHUNK_LENGTH;
    private static final int ALLOCATIONS_MAX = 3;

    private final Volumes volumes;
    private final Store store;
    private final HeadMap head;
    private final HistoryMap history;
    private final Checksums checksums = new Checksums();
    private final IoBuffer data =
            new IoBuffer(BufferUtil.allocateDirectAligned(CHUNKS_MAX * CHUNK_LENGTH, CHUNK_LENGTH));
    private final UnsafeBuffer sums = new UnsafeBuffer(new byte[ExtentLayout.LENGTH_MAX * Integer.BYTES]);
    private final List<Extent> extents = new ArrayList<>();

    /** Where each extent goes; 0 where there is no run of that length. */
    private final long[] runs = new long[EXTENTS_MAX];

    private final boolean[] readable = new boolean[EXTENTS_MAX];
    private boolean inHead;
    private int count;
    private int chunks;

    private volatile long movedBytes;

    ExtentMover(final Volumes volumes) {
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

    // ---- what is to be moved

    /** Begins anew, with extents of the head or of the history. */
    void collect(final boolean ofHead) {
        inHead = ofHead;
        count = 0;
        chunks = 0;
    }

    /** For a look-up: what it finds is moved if it is {@link #take}n. */
    Extent candidate() {
        return extents.get(count);
    }

    /** Takes the candidate; false when no more can be moved at once. It has blocks. */
    boolean take() {
        final int length = candidate().length();
        if (count == EXTENTS_MAX || chunks + length > CHUNKS_MAX) {
            return false;
        }
        chunks += length;
        count++;
        return true;
    }

    /** Chunks taken. */
    int chunks() {
        return chunks;
    }

    /** In how many places of the device those taken are. */
    int places() {
        int places = Math.min(1, count);
        for (int i = 1; i < count; i++) {
            final Extent before = extents.get(i - 1);
            places += before.block() + before.length() == extents.get(i).block() ? 0 : 1;
        }
        return places;
    }

    // ---- moving

    /**
     * Moves what was taken.
     *
     * @param placesMax  nothing is moved unless it fits into so many places
     * @param unreused   asked under the lock, at the end: whether the old blocks still are what they were when looked up,
     *                   or free
     * @throws io.icecore.store.space.StoreFullException when there is no room; nothing was moved
     */
    void move(final int placesMax, final BooleanSupplier unreused) {
        try {
            allocate();
            if (placesAllocated() <= placesMax) {
                copy();
                repoint(unreused);
            }
        } finally {
            abandonRest();
        }
    }

    /** In runs as long as there are: asked for one extent at a time, single chunks would go into single holes. */
    private void allocate() {
        Arrays.fill(runs, 0, count, 0);
        store.lock();
        try {
            int left = chunks;
            int failures = 0;
            for (int i = 0; i < count; ) {
                final int next = place(i, store.allocate(left));
                for (int placed = i; placed < next; placed++) {
                    left -= extents.get(placed).length();
                }
                failures = next > i ? 0 : failures + 1; // The end of a segment, or a hole.
                if (failures == ALLOCATIONS_MAX) {
                    left -= extents.get(next).length(); // It stays where it is.
                    i = next + 1;
                    failures = 0;
                } else {
                    i = next;
                }
            }
        } finally {
            store.unlock();
        }
    }

    /** Gives a run to the extents from {@code first} on. Returns the first of them that it has no room for. */
    private int place(final int first, final long run) {
        long block = BlockRun.block(run);
        final long end = block + BlockRun.count(run);
        int i = first;
        for (; i < count && block + extents.get(i).length() <= end; i++) {
            runs[i] = BlockRun.of(block, extents.get(i).length());
            block += extents.get(i).length();
        }
        if (block < end) {
            store.abandon(block, (int) (end - block));
        }
        return i;
    }

    private int placesAllocated() {
        int places = Math.min(1, count);
        for (int i = 1; i < count; i++) {
            places += adjacent(i) ? 0 : 1;
        }
        return places;
    }

    private boolean adjacent(final int i) {
        return BlockRun.block(runs[i - 1]) + BlockRun.count(runs[i - 1]) == BlockRun.block(runs[i]);
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

    private boolean read(final Extent extent, final int index) {
        store.read(extent.block(), data, index, extent.length());
        for (int i = 0; i < extent.length(); i++) {
            if (checksums.of(data, index + i * CHUNK_LENGTH) != extent.checksumOf(extent.chunk() + i)) {
                return false;
            }
        }
        return true;
    }

    private void repoint(final BooleanSupplier unreused) {
        volumes.change(() -> {
            if (unreused.getAsBoolean()) {
                for (int i = 0; i < count; i++) {
                    if (runs[i] != 0) {
                        repoint(i);
                    }
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
        if (readable[i] && (inHead ? head.repoint(extent, block) : history.repoint(extent, block))) {
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

    private void abandonRest() {
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
}
