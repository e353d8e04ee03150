package io.icecore.volume;

import io.icecore.store.device.NoSpaceException;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * A volume's head or a snapshot, seen as an array of bytes. Any offset and length within {@link #size()} is allowed;
 * callers check the range first (a violation is an {@link IllegalArgumentException}).
 *
 * <p>Thread-safe and blocking. A request that has returned is visible to all requests that begin afterwards, on every
 * export of the same volume; it is durable once a later {@link #flush()} of any of them has returned. Overlapping
 * concurrent writes take effect chunk by chunk, in some order.
 *
 * <p>Every data method throws {@code CorruptStoreException} when bytes fail their checksum, {@code NoSpaceException} when
 * the store is full and {@code StoreException} when the device fails; methods that change something throw
 * {@link ReadOnlyException} on a snapshot.
 */
public interface Export extends AutoCloseable {
    /** Bytes that {@link #compareAndWrite} takes at once: others wait meanwhile. */
    int COMPARE_LENGTH_MAX = 64 << 10;

    /** What kind of range {@link #extents} reports. */
    interface ExtentVisitor {
        /** A range that holds data, or (zero) one that reads as zeroes and takes no space. False ends the walk. */
        boolean extent(long offset, long length, boolean zero);
    }

    /** {@code volume} or {@code volume@snapshot}. */
    String name();

    /**
     * Identity that survives restarts and is shared by nothing else: store UUID with the number of the volume, which a
     * rollback does not change, or with branch and epoch of the snapshot.
     */
    String id();

    /** Bytes; a multiple of 4096. Grows when the volume is resized. */
    long size();

    boolean readOnly();

    void read(long offset, MutableDirectBuffer target, int index, int length);

    /** @param fua durable before it returns */
    void write(long offset, DirectBuffer source, int index, int length, boolean fua);

    /**
     * Carries out several writes together, in less time than one by one. When it throws, each may have been done or not:
     * write them singly to learn which of them fails.
     */
    default void write(final WriteBatch batch) {
        for (int write = 0; write < batch.writeCount(); write++) {
            write(batch.offset(write), batch.source(write), batch.index(write), batch.length(write), false);
        }
    }

    /**
     * Replaces a range if it holds what is expected. No change of the volume by anyone comes between the look and the
     * write, whatever protocol it came by, and a power loss leaves all of the range as it was or all of it new.
     *
     * @param expected at {@code index}, followed by as many bytes to replace it with
     * @param length   bytes of the range, at most {@value #COMPARE_LENGTH_MAX}
     * @param fua      durable before it returns, if anything was written
     * @return -1 when the range was replaced; otherwise the index within the range of the first byte that differs
     */
    int compareAndWrite(long offset, DirectBuffer expected, int index, int length, boolean fua);

    /**
     * The range reads as zeroes afterwards.
     *
     * @param allocate keep (or take) space for it, where false gives space back
     */
    void zero(long offset, long length, boolean allocate, boolean fua);

    /** The client no longer needs the range: whole chunks in it read as zeroes afterwards, the rest is untouched. */
    void trim(long offset, long length, boolean fua);

    void flush();

    /** The client is about to flush: what is slow about it may begin. Fails as {@link #flush} would. */
    default void flushAhead() {}

    /** The client will read this range soon. */
    void cache(long offset, long length);

    /** Visits the range in order, without gaps; neighbours of one kind may come as several ranges. */
    void extents(long offset, long length, ExtentVisitor visitor);

    /**
     * Takes a request that found the store full and will execute it again when there is room; false when it has to fail.
     */
    default boolean putAside(final IoRequest request, final NoSpaceException failure) {
        return false;
    }

    /** Ends this use of the volume or snapshot. Idempotent. Requests in flight finish. */
    @Override
    void close();
}
