package io.icecore.volume;

import io.icecore.store.Store;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.IoBuffer;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.volume.map.ExtentLayout;
import io.icecore.volume.map.HeadMap;
import io.icecore.volume.map.HistoryMap;
import io.icecore.volume.map.Moves;
import io.icecore.volume.map.Resolver;
import io.icecore.volume.map.RunVisitor;
import java.nio.ByteBuffer;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * Reads bytes at a point of a lineage, without the store's lock: look up, read, verify every checksum, ask the store
 * whether blocks were reused meanwhile; if so, start over. One for each thread.
 */
final class ChunkReader {
    private static final int CHUNK_LENGTH = VolumeData.CHUNK_LENGTH;

    /** Longest piece read at once, in chunks: bounds the plan. */
    private static final int CHUNKS_MAX = 1024;

    /** Chunks between two runs that are read with them rather than asking the device twice. */
    private static final int HOLE_MAX = 4;

    /** A read of whole chunks that takes longer than this, and this for each chunk, has not come from memory. */
    private static final long WAITED_NANOS = 40_000;

    private static final long WAITED_NANOS_PER_CHUNK = 1_000;

    /** A read of so many chunks is one of long stretches; if it asked the device for fewer than this on average, scattered. */
    private static final int STRETCH_CHUNKS = 32;

    private static final int CHUNKS_PER_READ = 16;

    /** After so many attempts the lock is held over the read, so that it ends however busy the writers are. */
    private static final int ATTEMPTS_MAX = 16;

    private final Store store;
    private final Moves moves;
    private final Resolver resolver;
    private final ScatteredWindows scattered;
    private final boolean readOnly;
    private final Checksums checksums = new Checksums();
    private final IoBuffer edge = new IoBuffer(ByteBuffer.allocateDirect(CHUNK_LENGTH));
    private ReadPlan plan = new ReadPlan();
    private ReadPlan second = new ReadPlan();

    /** How often the device was asked for the plan. */
    private int reads;

    /** First chunk whose bytes did not have their checksum, or -1. */
    private long badChunk;

    private long badBlock;
    private int badExpected;
    private int badFound;

    ChunkReader(
            final Store store,
            final HeadMap head,
            final HistoryMap history,
            final Moves moves,
            final ScatteredWindows scattered) {
        this.scattered = scattered;
        this.store = store;
        this.moves = moves;
        resolver = new Resolver(head, history);
        readOnly = store.readOnly();
    }

    /** Visits the chunks of a range, from the start again when versions moved meanwhile; {@code restart} comes first. */
    void resolve(
            final ReadPoint point, final long from, final long end, final Runnable restart, final RunVisitor visitor) {
        boolean resolved = false;
        while (!resolved) {
            final long move = moves.stamp();
            restart.run();
            resolved = resolved(point, from, end, move, visitor);
        }
    }

    /** One attempt. What looks like damage may be a move, or a store opened read-only that fell behind its writer. */
    private boolean resolved(
            final ReadPoint point, final long from, final long end, final long move, final RunVisitor visitor) {
        final long stamp = store.stamp();
        try {
            resolver.resolve(point.lineage(), from, end, visitor);
        } catch (final CorruptStoreException ex) {
            if (moves.unchangedSince(move) && !refreshed()) {
                throw ex;
            }
            return false;
        }
        return moves.unchangedSince(move) && (!readOnly || store.stamp() == stamp); // All of it in one generation.
    }

    /** Of a store opened read-only: whether there was a newer generation to move to. */
    private boolean refreshed() {
        if (!readOnly) {
            return false;
        }
        store.lock();
        try {
            return store.refresh();
        } finally {
            store.unlock();
        }
    }

    /** Reads {@code length} bytes at byte {@code offset}. */
    void read(
            final ReadPoint point,
            final long offset,
            final MutableDirectBuffer target,
            final int index,
            final int length) {
        final long end = offset + length;
        long from = offset;
        while (from < end) {
            final long stop = Math.min(end, (from / CHUNK_LENGTH + CHUNKS_MAX) * CHUNK_LENGTH);
            readPiece(point, from, stop, target, index + (int) (from - offset));
            from = stop;
        }
    }

    private void readPiece(
            final ReadPoint point, final long from, final long end, final MutableDirectBuffer target, final int index) {
        for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
            if (attempt(point, from, end, target, index)) {
                return;
            }
            refreshed();
        }
        store.lock();
        try {
            while (!attempt(point, from, end, target, index)) {
                refreshed();
            }
        } finally {
            store.unlock();
        }
    }

    private boolean attempt(
            final ReadPoint point, final long from, final long end, final MutableDirectBuffer target, final int index) {
        final long stamp = store.stamp();
        final long move = moves.stamp();
        if (!resolved(point, from / CHUNK_LENGTH, endChunk(end), move, plan.clear())) {
            return false;
        }
        badChunk = -1;
        reads = 0;
        readPlanned(from, end, target, index);
        if (!store.unchangedSince(stamp) || !moves.unchangedSince(move)) {
            return false;
        }
        if (badChunk >= 0) {
            return reportUnlessRemapped(point, from, end, stamp, move);
        }
        noteIfScattered(point);
        return true;
    }

    private void noteIfScattered(final ReadPoint point) {
        final int chunks = plan.chunkCount();
        if (chunks >= STRETCH_CHUNKS && reads > 1 && reads * CHUNKS_PER_READ > chunks && point.head() && !readOnly) {
            scattered.add(point.branch(), plan.chunk(0), chunks);
        }
    }

    private static long endChunk(final long end) {
        return (end + CHUNK_LENGTH - 1) / CHUNK_LENGTH;
    }

    /** A wrong checksum is damage only when these blocks still are the ones to read. */
    private boolean reportUnlessRemapped(
            final ReadPoint point, final long from, final long end, final long stamp, final long move) {
        final ReadPlan first = plan;
        plan = second;
        second = first;
        if (!resolved(point, from / CHUNK_LENGTH, endChunk(end), move, plan.clear())) {
            return false;
        }
        if (plan.sameBlocks(first) && store.unchangedSince(stamp)) {
            throw new CorruptStoreException(
                    "chunk " + badChunk + " of " + point.name() + ", block " + badBlock,
                    badBlock * BlockDevice.BLOCK_LENGTH,
                    String.format("checksum 0x%08x (expected: 0x%08x)", badFound, badExpected));
        }
        return false;
    }

    private void readPlanned(final long from, final long end, final MutableDirectBuffer target, final int index) {
        if ((from | end) % CHUNK_LENGTH == 0) {
            readWholeChunks(target, index);
            return;
        }
        int ordinal = 0;
        for (int run = 0; run < plan.runCount(); run++) {
            final long runFrom = Math.max(from, plan.chunk(run) * CHUNK_LENGTH);
            final long runEnd = Math.min(end, (plan.chunk(run) + plan.count(run)) * CHUNK_LENGTH);
            final int at = index + (int) (runFrom - from);
            if (plan.block(run) == ExtentLayout.ZEROES) {
                target.setMemory(at, (int) (runEnd - runFrom), (byte) 0);
            } else {
                readRun(run, ordinal, runFrom, runEnd, target, at);
            }
            ordinal += plan.count(run);
        }
    }

    /** Where single chunks of a long extent were overwritten, it is still read at once, and they after it, over what it gave. */
    private void readWholeChunks(final MutableDirectBuffer target, final int index) {
        int ordinal = 0;
        int spanFirst = 0;
        int spanLast = -1;
        boolean expected = false;
        long begun = System.nanoTime();
        for (int run = 0; run < plan.runCount(); run++) {
            final int at = index + (int) (plan.chunk(run) - plan.chunk(0)) * CHUNK_LENGTH;
            final int count = plan.count(run);
            if (plan.block(run) == ExtentLayout.ZEROES) {
                target.setMemory(at, count * CHUNK_LENGTH, (byte) 0);
            } else {
                if (run > spanLast) {
                    spanFirst = run;
                    spanLast = readSpan(run, target, at);
                    reads++;
                } else if (!plan.inLine(spanFirst, run)) {
                    store.read(plan.block(run), target, at, count);
                    reads++;
                }
                if (!expected && waited(begun, run, spanFirst == run ? spanLast : run)) {
                    expected = true;
                    expect(run + 1, spanFirst, spanLast);
                }
                for (int i = 0; i < count; i++) {
                    verify(run, i, ordinal + i, target, at + i * CHUNK_LENGTH);
                }
                begun = System.nanoTime();
            }
            ordinal += count;
        }
    }

    private boolean waited(final long begun, final int first, final int last) {
        final long chunks = plan.chunk(last) + plan.count(last) - plan.chunk(first);
        return System.nanoTime() - begun > WAITED_NANOS + chunks * WAITED_NANOS_PER_CHUNK;
    }

    /** A read had to wait for the device, so those that follow will have to as well: rather all at once. */
    private void expect(final int from, final int spanFirst, final int spanLast) {
        for (int run = from; run < plan.runCount(); run++) {
            if (plan.block(run) != ExtentLayout.ZEROES && (run > spanLast || !plan.inLine(spanFirst, run))) {
                store.expect(plan.block(run), plan.count(run));
            }
        }
    }

    /** Reads a run and those in line with it, with what is between them. Returns the last of them. */
    private int readSpan(final int run, final MutableDirectBuffer target, final int at) {
        final int last = plan.lastInLine(run, HOLE_MAX);
        if (last > run) {
            try {
                final int count = (int) (plan.chunk(last) + plan.count(last) - plan.chunk(run));
                store.read(plan.block(run), target, at, count);
                return last;
            } catch (final StoreException ex) {
                // What is between is nobody's, or another version's: that it cannot be read must not matter here.
            }
        }
        store.read(plan.block(run), target, at, plan.count(run));
        return run;
    }

    /** Whole chunks go straight to the target; those of which only a part is asked for go by way of the edge buffer. */
    private void readRun(
            final int run,
            final int ordinal,
            final long from,
            final long end,
            final MutableDirectBuffer target,
            final int index) {
        final long runStart = plan.chunk(run) * CHUNK_LENGTH;
        final long wholeFrom = endChunk(from) * CHUNK_LENGTH;
        final long wholeEnd = end / CHUNK_LENGTH * CHUNK_LENGTH;
        if (wholeFrom > wholeEnd) {
            readEdge(run, ordinal, from, end, target, index); // Within one chunk.
            return;
        }
        if (from < wholeFrom) {
            readEdge(run, ordinal, from, wholeFrom, target, index);
        }
        if (wholeFrom < wholeEnd) {
            final int skipped = (int) ((wholeFrom - runStart) / CHUNK_LENGTH);
            final int count = (int) ((wholeEnd - wholeFrom) / CHUNK_LENGTH);
            final int at = index + (int) (wholeFrom - from);
            store.read(plan.block(run) + skipped, target, at, count);
            for (int i = 0; i < count; i++) {
                verify(run, skipped + i, ordinal + skipped + i, target, at + i * CHUNK_LENGTH);
            }
        }
        if (wholeEnd < end) {
            readEdge(run, ordinal, wholeEnd, end, target, index + (int) (wholeEnd - from));
        }
    }

    private void readEdge(
            final int run,
            final int ordinal,
            final long from,
            final long end,
            final MutableDirectBuffer target,
            final int index) {
        final int skipped = (int) (from / CHUNK_LENGTH - plan.chunk(run));
        store.read(plan.block(run) + skipped, edge, 0, 1);
        verify(run, skipped, ordinal + skipped, edge, 0);
        target.putBytes(index, edge, (int) (from % CHUNK_LENGTH), (int) (end - from));
    }

    private void verify(final int run, final int skipped, final int ordinal, final DirectBuffer read, final int index) {
        final int found = checksums.of(read, index);
        if (found != plan.checksum(ordinal) && badChunk < 0) {
            badChunk = plan.chunk(run) + skipped;
            badBlock = plan.block(run) + skipped;
            badExpected = plan.checksum(ordinal);
            badFound = found;
        }
    }
}
