package io.icecore.volume;

import io.icecore.store.Store;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.IoBuffer;
import io.icecore.store.space.BlockRun;
import io.icecore.store.space.StoreFullException;
import io.icecore.volume.map.Extent;
import io.icecore.volume.map.ExtentLayout;
import io.icecore.volume.map.HeadMap;
import io.icecore.volume.map.HeadWriter;
import io.icecore.volume.map.HistoryMap;
import io.icecore.volume.map.Moves;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Queue;
import org.agrona.BufferUtil;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.ManyToManyConcurrentArrayQueue;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * The path of reads and writes of volumes. Thread-safe.
 *
 * <p>A write of whole chunks, step by step: allocate (lock); checksum and write to the device (no lock); settle, move
 * what snapshots see to the history, map (lock). It is visible once the last step is done and durable with the next
 * commit. A part of a chunk is read, changed and written under the lock.
 */
final class VolumeData {
    /** Bytes of a chunk: unit of mapping, one block. */
    static final int CHUNK_LENGTH = BlockDevice.BLOCK_LENGTH;

    /** Whole chunks written at once: bounds memory and the time the lock is held. */
    private static final int CHUNKS_MAX = 1024;

    /** Windows of {@link ExtentLayout#LENGTH_MAX} chunks that a discard handles under one hold of the lock. */
    private static final int WINDOWS_MAX = 64;

    /** Kept for requests to come: as many as are carried at once by default, and some more. */
    private static final int SCRATCHES_MAX = 64;

    private final Store store;
    private final Branches branches;
    private final Regions regions;
    private final CommitNotes notes;
    private final HeadMap head;
    private final HistoryMap history;
    private final Moves moves = new Moves();
    private final ScatteredWindows scattered = new ScatteredWindows();

    /** Used under the lock. */
    private final HeadWriter headWriter;

    /** Those not in use. */
    private final Queue<Scratch> scratches = new ManyToManyConcurrentArrayQueue<>(SCRATCHES_MAX);

    /** What a request needs while it is carried. */
    private final class Scratch implements AutoCloseable {
        private final ChunkReader reader = new ChunkReader(store, head, history, moves, scattered);
        private final Checksums checksums = new Checksums();
        private final UnsafeBuffer sums = new UnsafeBuffer(new byte[CHUNKS_MAX * Integer.BYTES]);
        private final IoBuffer chunk = new IoBuffer(ByteBuffer.allocateDirect(CHUNK_LENGTH));
        private final WriteBatch single = new WriteBatch();

        /** The data of a batch side by side; null until the first one. */
        private IoBuffer staging;

        private long[] runs = new long[8];
        private int runCount;

        @Override
        public void close() {
            scratches.offer(this); // When there are many, this one is one too many.
        }

        private IoBuffer gathered(final WriteBatch batch) {
            if (staging == null) {
                staging = new IoBuffer(
                        BufferUtil.allocateDirectAligned(WriteBatch.CHUNKS_MAX * CHUNK_LENGTH, CHUNK_LENGTH));
            }
            int at = 0;
            for (int write = 0; write < batch.writeCount(); write++) {
                staging.putBytes(at, batch.source(write), batch.index(write), batch.length(write));
                at += batch.length(write);
            }
            return staging;
        }
    }

    private Scratch scratch() {
        final Scratch unused = scratches.poll();
        return unused != null ? unused : new Scratch();
    }

    VolumeData(final Store store, final Branches branches, final Regions regions, final CommitNotes notes) {
        this.store = store;
        this.branches = branches;
        this.regions = regions;
        this.notes = notes;
        head = new HeadMap(store.head());
        history = new HistoryMap(store.recent(), store.history());
        headWriter = new HeadWriter(store, head, history);
    }

    HeadMap head() {
        return head;
    }

    HistoryMap history() {
        return history;
    }

    Moves moves() {
        return moves;
    }

    ScatteredWindows scattered() {
        return scattered;
    }

    // ---- writing

    /** Writes any range of bytes of the volume's head. */
    void write(
            final VolumeRecord volume,
            final long offset,
            final DirectBuffer source,
            final int index,
            final int length) {
        final long end = offset + length;
        long from = offset;
        while (from < end) {
            final long chunkStart = from / CHUNK_LENGTH * CHUNK_LENGTH;
            final int at = index + (int) (from - offset);
            final long wholeChunks = (end - from) / CHUNK_LENGTH;
            if (from == chunkStart && wholeChunks > 0) {
                final int count = (int) Math.min(CHUNKS_MAX, wholeChunks);
                final long chunk = from / CHUNK_LENGTH;
                writeWithRoom(volume, chunk, source, at, count);
                from += (long) count * CHUNK_LENGTH;
            } else {
                final long start = from;
                final long stop = Math.min(end, chunkStart + CHUNK_LENGTH);
                writePart(volume, start, source, at, (int) (stop - start));
                from = stop;
            }
            store.relieve();
        }
    }

    /** A store that looks full may only have its free blocks pinned by the last commits: lets go of them, tries again. */
    void withRoom(final Runnable write) {
        try {
            write.run();
        } catch (final StoreFullException ex) {
            releasePinned(ex);
            write.run();
        }
    }

    private void releasePinned(final StoreFullException full) {
        if (!store.releasePinned()) {
            throw full;
        }
    }

    private void writeWithRoom(
            final VolumeRecord volume, final long chunk, final DirectBuffer source, final int index, final int count) {
        try {
            writeChunks(volume, chunk, source, index, count);
        } catch (final StoreFullException ex) {
            releasePinned(ex);
            writeChunks(volume, chunk, source, index, count);
        }
    }

    private void writeChunks(
            final VolumeRecord volume, final long chunk, final DirectBuffer source, final int index, final int count) {
        try (Scratch scratch = scratch()) {
            scratch.single.clear().addChunks(chunk, source, index, count);
            write(volume, scratch.single, source, index, scratch);
        }
    }

    /** Carries out a batch. When this throws, any of its writes may have been done. */
    void write(final VolumeRecord volume, final WriteBatch batch) {
        try {
            writeGathered(volume, batch);
        } catch (final StoreFullException ex) {
            releasePinned(ex);
            writeGathered(volume, batch);
        }
        store.relieve();
    }

    private void writeGathered(final VolumeRecord volume, final WriteBatch batch) {
        try (Scratch scratch = scratch()) {
            write(volume, batch, scratch.gathered(batch), 0, scratch);
        }
    }

    /** @param data the chunks of the whole batch side by side, from {@code index} */
    private void write(
            final VolumeRecord volume,
            final WriteBatch batch,
            final DirectBuffer data,
            final int index,
            final Scratch scratch) {
        allocate(scratch, batch.chunkCount());
        int settled = 0;
        try {
            scratch.checksums.putAll(data, index, batch.chunkCount(), scratch.sums);
            int at = index;
            for (int i = 0; i < scratch.runCount; i++) {
                final int length = BlockRun.count(scratch.runs[i]);
                store.write(BlockRun.block(scratch.runs[i]), data, at, length);
                at += length * CHUNK_LENGTH;
            }
            store.lock();
            try {
                final Branch branch = writableBranch(volume, batch.endChunk());
                batch.rewind();
                int done = 0;
                while (settled < scratch.runCount) {
                    final long run = scratch.runs[settled++];
                    map(branch, batch, run, scratch.sums, done * Integer.BYTES);
                    done += BlockRun.count(run);
                }
            } finally {
                store.unlock();
            }
        } catch (final RuntimeException | Error ex) {
            abandon(scratch, settled);
            throw ex;
        }
    }

    private void allocate(final Scratch scratch, final int count) {
        scratch.runCount = 0;
        store.lock();
        try {
            notes.ensureUsable();
            for (int left = count; left > 0; ) {
                final long run = store.allocate(Math.min(left, BlockRun.COUNT_MAX));
                if (scratch.runCount == scratch.runs.length) {
                    scratch.runs = Arrays.copyOf(scratch.runs, 2 * scratch.runCount);
                }
                scratch.runs[scratch.runCount++] = run;
                left -= BlockRun.count(run);
            }
        } catch (final RuntimeException | Error ex) {
            abandon(scratch, 0);
            throw ex;
        } finally {
            store.unlock();
        }
    }

    private void abandon(final Scratch scratch, final int from) {
        store.lock();
        try {
            for (int i = from; i < scratch.runCount; i++) {
                store.abandon(BlockRun.block(scratch.runs[i]), BlockRun.count(scratch.runs[i]));
            }
            scratch.runCount = 0;
        } finally {
            store.unlock();
        }
    }

    /** The branch that the head is on, once more: while the data was written the volume may have changed. */
    private Branch writableBranch(final VolumeRecord volume, final long endChunk) {
        notes.ensureUsable();
        final Branch branch = branches.get(volume.branch);
        if (!branch.head || volume.deleted) {
            throw new NoSuchException("no such volume: " + volume.name);
        }
        if (endChunk > volume.sizeBytes / CHUNK_LENGTH) {
            throw new IllegalArgumentException("range: ends at chunk " + endChunk + " (expected: <= "
                    + volume.sizeBytes / CHUNK_LENGTH + ", the size of " + volume.name + ")");
        }
        return branch;
    }

    /**
     * Settles a written run and maps the next chunks of the batch to it, in extents that end at multiples of their longest
     * length unless they are joined to one that began elsewhere.
     */
    private void map(
            final Branch branch, final WriteBatch batch, final long run, final DirectBuffer sums, final int sumsIndex) {
        final long block = BlockRun.block(run);
        final int count = BlockRun.count(run);
        store.settle(block, count, sums, sumsIndex);
        int mapped = 0;
        boolean counting = false;
        try {
            while (mapped < count) {
                final long from = batch.chunk();
                final int room = ExtentLayout.LENGTH_MAX - (int) (from & ExtentLayout.LENGTH_MAX - 1);
                final int length = Math.min(Math.min(room, batch.chunksLeft()), count - mapped);
                headWriter.write(
                        branch.number,
                        branch.epoch,
                        branch.newest(),
                        from,
                        length,
                        block + mapped,
                        sums,
                        sumsIndex + mapped * Integer.BYTES);
                mapped += length;
                batch.advance(length);
                counting = true;
                branch.writtenChunks += length;
                branch.mappedChunks += length;
                changed(branch, from, length);
                counting = false;
            }
        } catch (final RuntimeException | Error ex) {
            if (counting || headWriter.brokeOff()) {
                notes.poison(ex);
            } else {
                store.free(block + mapped, count - mapped); // Settled, but nothing refers to them.
            }
            throw ex;
        }
    }

    /** Counts what the last change of the head moved and freed. */
    private void changed(final Branch branch, final long chunk, final int length) {
        branch.diedChunks += headWriter.savedChunks();
        branch.writtenChunks -= headWriter.freedChunks();
        branch.mappedChunks -= headWriter.savedChunks() + headWriter.freedChunks();
        branches.touch(branch);
        if (branch.newest() == Branch.NONE) {
            return; // The bitmap of the head counts as all ones.
        }
        if (headWriter.freedChunks()
                < length) { // Else all of it has been written since the newest snapshot, and is there.
            regions.add(branch.number, chunk, length);
        }
    }

    /** Changes bytes within one chunk. A null source writes zeroes. */
    private void writePart(
            final VolumeRecord volume,
            final long offset,
            final DirectBuffer source,
            final int index,
            final int length) {
        withRoom(() -> writePartLocked(volume, offset, source, index, length));
        store.relieve();
    }

    private void writePartLocked(
            final VolumeRecord volume,
            final long offset,
            final DirectBuffer source,
            final int index,
            final int length) {
        final long chunk = offset / CHUNK_LENGTH;
        store.lock();
        try (Scratch scratch = scratch()) {
            final Branch branch = writableBranch(volume, chunk + 1);
            final ReadPoint point = new ReadPoint(branches, volume.name, branch.number, Extent.HEAD);
            if (source == null && !findData(point, chunk, chunk + 1, new long[1])) {
                return; // Reads as zeroes already.
            }
            scratch.reader.read(point, chunk * CHUNK_LENGTH, scratch.chunk, 0, CHUNK_LENGTH);
            final int at = (int) (offset % CHUNK_LENGTH);
            if (source == null) {
                scratch.chunk.setMemory(at, length, (byte) 0);
            } else {
                scratch.chunk.putBytes(at, source, index, length);
            }
            scratch.checksums.putAll(scratch.chunk, 0, 1, scratch.sums);
            final long run = store.allocate(1);
            try {
                store.write(BlockRun.block(run), scratch.chunk, 0, 1);
            } catch (final RuntimeException | Error ex) {
                store.abandon(BlockRun.block(run), 1);
                throw ex;
            }
            scratch.single.clear().addChunks(chunk, scratch.chunk, 0, 1);
            map(branch, scratch.single, run, scratch.sums, 0);
        } finally {
            store.unlock();
        }
    }

    // ---- comparing and writing

    /** As {@link Export#compareAndWrite}: under the lock from the look to the map, so that nobody comes between. */
    int compareAndWrite(
            final VolumeRecord volume,
            final long offset,
            final DirectBuffer expected,
            final int index,
            final int length) {
        assert length <= Export.COMPARE_LENGTH_MAX : length;
        final long from = offset / CHUNK_LENGTH;
        final int count = (int) ((offset + length + CHUNK_LENGTH - 1) / CHUNK_LENGTH - from);
        final UnsafeBuffer chunks = new UnsafeBuffer(ByteBuffer.allocateDirect(count * CHUNK_LENGTH));
        final int at = (int) (offset - from * CHUNK_LENGTH);
        final int[] mismatch = {-1};
        withRoom(() -> {
            store.lock();
            try (Scratch scratch = scratch()) {
                final Branch branch = writableBranch(volume, from + count);
                final ReadPoint point = new ReadPoint(branches, volume.name, branch.number, Extent.HEAD);
                scratch.reader.read(point, from * CHUNK_LENGTH, chunks, 0, count * CHUNK_LENGTH);
                mismatch[0] = firstDifference(chunks, at, expected, index, length);
                if (mismatch[0] < 0) {
                    chunks.putBytes(at, expected, index + length, length);
                    writeChunks(volume, from, chunks, 0, count);
                }
            } finally {
                store.unlock();
            }
        });
        store.relieve();
        return mismatch[0];
    }

    /** Index of the first byte that differs, or -1. */
    private static int firstDifference(
            final DirectBuffer one,
            final int oneIndex,
            final DirectBuffer other,
            final int otherIndex,
            final int length) {
        for (int i = 0; i < length; i++) {
            if (one.getByte(oneIndex + i) != other.getByte(otherIndex + i)) {
                return i;
            }
        }
        return -1;
    }

    // ---- discarding

    /** The range reads as zeroes afterwards. */
    void zero(final VolumeRecord volume, final long offset, final long length) {
        final long end = offset + length;
        final long wholeFrom = (offset + CHUNK_LENGTH - 1) / CHUNK_LENGTH * CHUNK_LENGTH;
        final long wholeEnd = end / CHUNK_LENGTH * CHUNK_LENGTH;
        if (wholeFrom > wholeEnd) {
            writePart(volume, offset, null, 0, (int) length); // Within one chunk.
            return;
        }
        if (offset < wholeFrom) {
            writePart(volume, offset, null, 0, (int) (wholeFrom - offset));
        }
        discard(volume, wholeFrom / CHUNK_LENGTH, wholeEnd / CHUNK_LENGTH);
        if (wholeEnd < end) {
            writePart(volume, wholeEnd, null, 0, (int) (end - wholeEnd));
        }
    }

    /** Whole chunks of the range read as zeroes afterwards. */
    void trim(final VolumeRecord volume, final long offset, final long length) {
        discard(volume, (offset + CHUNK_LENGTH - 1) / CHUNK_LENGTH, (offset + length) / CHUNK_LENGTH);
    }

    /**
     * Unmaps chunks, in slices. What reads as zeroes already is found without the lock and left alone: so trimming an
     * empty terabyte costs nothing, and leaves no zeroes extents in a clone.
     */
    void discard(final VolumeRecord volume, final long from, final long end) {
        final long[] next = {from};
        while (next[0] < end) {
            final ReadPoint point = new ReadPoint(branches, volume.name, volume.branch, Extent.HEAD);
            if (!findData(point, next[0], end, next)) {
                return;
            }
            withRoom(() -> discardWindows(volume, point, next, end));
            store.relieve();
        }
    }

    private void discardWindows(final VolumeRecord volume, final ReadPoint point, final long[] next, final long end) {
        store.lock();
        try {
            notes.ensureUsable();
            store.requireRoom(); // What snapshots see goes on taking space, and takes an entry in the history as well.
            final Branch branch = branches.get(volume.branch);
            if (!branch.head) {
                throw new NoSuchException("no such volume: " + volume.name);
            }
            for (int i = 0;
                    i < WINDOWS_MAX && next[0] < end && findData(point, next[0], Math.min(end, window(next[0])), next);
                    i++) {
                final long stop = Math.min(end, window(next[0]));
                discardWindow(branch, next[0], (int) (stop - next[0]));
                next[0] = stop;
            }
        } finally {
            store.unlock();
        }
    }

    /** End of the window of chunks that {@code chunk} is in. */
    private static long window(final long chunk) {
        return (chunk | ExtentLayout.LENGTH_MAX - 1) + 1;
    }

    private void discardWindow(final Branch branch, final long chunk, final int count) {
        final boolean zeroes = branch.hasParent(); // Absence would show the parent.
        boolean counting = false;
        try {
            if (headWriter.discard(branch.number, branch.epoch, branch.newest(), chunk, count, zeroes)) {
                counting = true;
                changed(branch, chunk, count);
                counting = false;
            }
        } catch (final RuntimeException | Error ex) {
            if (counting || headWriter.brokeOff()) {
                notes.poison(ex);
            }
            throw ex;
        }
    }

    /** Finds the first chunk that has a block, and puts it into {@code found}; false when there is none. */
    boolean findData(final ReadPoint point, final long from, final long end, final long[] found) {
        final boolean[] any = {false};
        try (Scratch scratch = scratch()) {
            scratch.reader.resolve(point, from, end, () -> any[0] = false, (chunk, count, block, source) -> {
                if (block != ExtentLayout.ZEROES) {
                    found[0] = chunk;
                    any[0] = true;
                }
                return !any[0];
            });
        }
        return any[0];
    }

    // ---- reading

    void read(
            final ReadPoint point,
            final long offset,
            final MutableDirectBuffer target,
            final int index,
            final int length) {
        try (Scratch scratch = scratch()) {
            scratch.reader.read(point, offset, target, index, length);
        }
    }

    /** As {@link Export#extents}. Ranges are found in batches, so that a batch can be repeated. */
    void extents(final ReadPoint point, final long offset, final long length, final Export.ExtentVisitor visitor) {
        final long end = offset + length;
        final long endChunk = (end + CHUNK_LENGTH - 1) / CHUNK_LENGTH;
        final ExtentBatch batch = new ExtentBatch();
        long from = offset;
        while (from < end) {
            try (Scratch scratch = scratch()) {
                scratch.reader.resolve(point, from / CHUNK_LENGTH, endChunk, batch::clear, batch);
            }
            for (int i = 0; i < batch.count(); i++) {
                final long stop = Math.min(end, batch.endChunk(i) * CHUNK_LENGTH);
                if (!visitor.extent(from, stop - from, batch.zero(i))) {
                    return;
                }
                from = stop;
            }
        }
    }
}
