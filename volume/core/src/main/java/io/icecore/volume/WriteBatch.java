package io.icecore.volume;

import java.util.Arrays;
import org.agrona.DirectBuffer;

/**
 * Several writes of one client, carried out together: their data reaches the device as one long run instead of many short
 * ones, and the store's lock is taken once.
 *
 * <p>Writes of whole chunks only; where two overlap the later one wins. Reused; not thread-safe.
 */
public final class WriteBatch {
    private static final int CHUNK_LENGTH = VolumeData.CHUNK_LENGTH;

    /** Chunks of all writes together: bounds the memory, and the time that the lock is held. */
    public static final int CHUNKS_MAX = 128;

    private final long[] chunks = new long[CHUNKS_MAX];
    private final int[] counts = new int[CHUNKS_MAX];
    private final int[] indexes = new int[CHUNKS_MAX];
    private final DirectBuffer[] sources = new DirectBuffer[CHUNKS_MAX];
    private int writeCount;
    private int chunkCount;
    private long endChunk;

    /** Where {@link VolumeData} is in mapping them. */
    private int at;

    private int doneOfThis;

    /** Begins a batch. */
    public WriteBatch clear() {
        Arrays.fill(sources, 0, writeCount, null);
        writeCount = 0;
        chunkCount = 0;
        endChunk = 0;
        rewind();
        return this;
    }

    public boolean isEmpty() {
        return writeCount == 0;
    }

    /** Writes in it. */
    public int writeCount() {
        return writeCount;
    }

    /** Whether these bytes of an export are whole chunks: only such a write can be part of a batch. */
    public static boolean wholeChunks(final long offset, final long length) {
        return (offset | length) % CHUNK_LENGTH == 0;
    }

    /** Whether a write of these bytes of the export, {@code length} > 0, can join. */
    public boolean takes(final long offset, final long length) {
        return wholeChunks(offset, length) && chunkCount + length / CHUNK_LENGTH <= CHUNKS_MAX;
    }

    /** @param source where the bytes are, from {@code index} on, until the batch has been carried out */
    public void add(final long offset, final DirectBuffer source, final int index, final int length) {
        assert takes(offset, length);
        addChunks(offset / CHUNK_LENGTH, source, index, length / CHUNK_LENGTH);
    }

    /** For one write alone, which may be longer. */
    void addChunks(final long chunk, final DirectBuffer source, final int index, final int count) {
        chunks[writeCount] = chunk;
        counts[writeCount] = count;
        sources[writeCount] = source;
        indexes[writeCount++] = index;
        chunkCount += count;
        endChunk = Math.max(endChunk, chunk + count);
    }

    /** Byte within the export. */
    public long offset(final int write) {
        return chunks[write] * CHUNK_LENGTH;
    }

    /** Bytes. */
    public int length(final int write) {
        return counts[write] * CHUNK_LENGTH;
    }

    /** Of the write's first byte in the buffer. */
    public int index(final int write) {
        return indexes[write];
    }

    DirectBuffer source(final int write) {
        return sources[write];
    }

    int chunkCount() {
        return chunkCount;
    }

    /** First chunk after all of them. */
    long endChunk() {
        return endChunk;
    }

    // ---- the chunks of all writes, one after the other

    void rewind() {
        at = 0;
        doneOfThis = 0;
    }

    /** The next chunk. */
    long chunk() {
        return chunks[at] + doneOfThis;
    }

    /** Chunks of the same write from there on. */
    int chunksLeft() {
        return counts[at] - doneOfThis;
    }

    void advance(final int count) {
        assert count <= chunksLeft();
        doneOfThis += count;
        if (doneOfThis == counts[at]) {
            at++;
            doneOfThis = 0;
        }
    }
}
