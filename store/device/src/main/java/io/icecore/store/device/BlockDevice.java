package io.icecore.store.device;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * A block device behind a volatile write cache.
 *
 * <p>The store relies on these promises and on no others:
 * <ol>
 *   <li>A write that returned before {@link #flush()} was called is durable once flush has returned.</li>
 *   <li>Until then, after a power loss, each {@value #SECTOR_LENGTH}-byte sector written holds its old content, some
 *       content written since, or noise, independently of every other sector.</li>
 *   <li>A write changes no byte outside its range, not even when power fails during it.</li>
 * </ol>
 * A device that breaks a promise is found by checksums, not tolerated by protocol.
 *
 * <p>Thread-safe: reads, writes and flushes of different threads run side by side. A write that is concurrent with a
 * flush may or may not be covered by it. A failed flush is final: what it left on the medium is unknown, so it is never
 * retried. No interrupt of a thread closes the device.
 *
 * <p>Positions and lengths are bytes; all of them are multiples of {@value #SECTOR_LENGTH}. Every method throws
 * {@link StoreException} when the device reports an error.
 */
public interface BlockDevice extends AutoCloseable {
    /** Smallest unit that the device writes independently of its neighbours, in bytes. */
    int SECTOR_LENGTH = 512;

    /** Unit of allocation of a store, in bytes. */
    int BLOCK_LENGTH = 4096;

    /** What to call the device in messages: its path. */
    String name();

    /** Bytes. Changes only through {@link #grow(long)}. */
    long length();

    boolean readOnly();

    /** Reads {@code length} bytes at {@code position}. The range must lie within the device. */
    void read(long position, MutableDirectBuffer target, int targetIndex, int length);

    /**
     * As {@link #read}, but what the medium holds and never a cached page whose write-back has failed. Slower; for
     * opening.
     */
    void readMedium(long position, MutableDirectBuffer target, int targetIndex, int length);

    /**
     * Writes {@code length} bytes at {@code position}: visible to reads at once, durable after {@link #flush()}.
     *
     * @throws NoSpaceException when the file system below has no room; the store stays usable
     */
    void write(long position, DirectBuffer source, int sourceIndex, int length);

    void flush();

    /**
     * A flush will soon ask for this range, and others: begin with it now. Promises nothing about durability. A hint: never
     * fails.
     */
    default void hurry(final long position, final long length) {}

    /** A read will soon ask for this range, and others: begin with it now. A hint: never fails. */
    default void expect(final long position, final long length) {}

    /** The content of this range is no longer needed; it may read as anything afterwards. A hint: never fails. */
    void discard(long position, long length);

    /**
     * Makes later writes to this range as cheap to flush as overwriting is, where the medium has no room for it yet: the
     * holes of a sparse file. Its content stays as it is. Nobody writes to the range meanwhile. A hint: never fails.
     */
    default void prepare(final long position, final long length) {}

    /** Makes the device {@code length} bytes long, never shorter. A device of fixed size throws {@link StoreException}. */
    void grow(long length);

    @Override
    void close();
}
