package io.icecore.store.device;

import com.sun.jna.LastErrorException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicBoolean;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * A file or a raw block device of Linux.
 *
 * <p>Reads and writes go through the page cache or past it ({@link IoMode}), all in the calling thread. Opened for writing it holds a lock that keeps
 * every other writer off until it is closed; any number of readers may open it besides. A reader learns of the writer's
 * {@link #grow} when it first reads beyond the length it knew.
 */
public final class FileBlockDevice implements BlockDevice {
    private final Path path;
    private final DeviceKind kind;
    private final IoMode mode;
    private final FileChannel channel;
    private final MediumReader medium;
    private final FlushGate flushes = new FlushGate(this::force);
    private final Transfer.Piece reading = this::readFully;
    private final Transfer.Piece writing = this::writeFully;
    private final AtomicBoolean lengthChanged = new AtomicBoolean();

    /** Null when read-only, as are those that follow. */
    private final StoreLock lock;

    private final DirectWriter direct;

    private final Discards discards;

    /** Null for a block device too, as is {@link #room}. */
    private final HoleFiller holes;

    private final RoomAhead room;

    private volatile long length;
    private volatile boolean hurries = true;
    private volatile boolean expects = true;

    /**
     * Makes a new device: a sparse file of {@code length} bytes, or all of an existing block device.
     *
     * @param length bytes, a positive multiple of {@value #SECTOR_LENGTH}; a block device must have at least as many
     * @param force take a file that is not empty, whose content is dropped, or a block device whose first MiB is not
     *     all zeroes, whose content stays until it is overwritten
     * @throws DeviceOpenException naming the path
     */
    public static FileBlockDevice create(final Path path, final long length, final boolean force) {
        if (length <= 0 || length % SECTOR_LENGTH != 0) {
            throw new IllegalArgumentException(
                    "length: " + length + " (expected: a positive multiple of " + SECTOR_LENGTH + ")");
        }
        return DeviceCreation.create(path, length, force);
    }

    /**
     * Opens for reading and writing.
     *
     * @throws DeviceOpenException naming the path
     */
    public static FileBlockDevice open(final Path path) {
        return open(path, IoMode.AUTO);
    }

    /**
     * As {@link #open(Path)}, with a choice of how it is read and written.
     *
     * @throws DeviceOpenException naming the path
     */
    public static FileBlockDevice open(final Path path, final IoMode mode) {
        return open(path, mode, false);
    }

    /**
     * Opens for reading, without any lock: beside a writer or not.
     *
     * @throws DeviceOpenException naming the path
     */
    public static FileBlockDevice openReadOnly(final Path path) {
        return open(path, IoMode.AUTO, true);
    }

    /**
     * Starts loading, on a thread of its own, what {@link #open} and {@link #create} need and what takes about 100 ms.
     * For programs that have something else to do first.
     */
    public static void loadInBackground() {
        StoreLock.loadInBackground();
    }

    private static FileBlockDevice open(final Path path, final IoMode mode, final boolean readOnly) {
        final DeviceKind kind = DeviceKind.of(path);
        final OpenOption[] options = readOnly
                ? new OpenOption[] {StandardOpenOption.READ}
                : new OpenOption[] {StandardOpenOption.READ, StandardOpenOption.WRITE};
        FileChannel channel = null;
        MediumReader medium = null;
        StoreLock lock = null;
        try {
            channel = UninterruptibleChannel.open(path, options);
            medium = MediumReader.open(path);
            lock = readOnly ? null : StoreLock.take(path, kind, UninterruptibleChannel.descriptor(channel));
            return new FileBlockDevice(path, kind, mode, channel, medium, lock);
        } catch (final IOException ex) {
            closeAfter(ex, lock, medium, channel);
            throw DeviceKind.cannotOpen(path, ex);
        } catch (final RuntimeException | Error ex) {
            closeAfter(ex, lock, medium, channel);
            throw ex;
        }
    }

    private FileBlockDevice(
            final Path path,
            final DeviceKind kind,
            final IoMode mode,
            final FileChannel channel,
            final MediumReader medium,
            final StoreLock lock)
            throws IOException {
        this.path = path;
        this.kind = kind;
        this.mode = mode;
        this.channel = channel;
        this.medium = medium;
        this.lock = lock;
        this.length = currentLength();
        final boolean sparse = lock != null && kind == DeviceKind.FILE;
        final int descriptor = UninterruptibleChannel.descriptor(channel);
        this.room = sparse ? new RoomAhead(path, descriptor, this::length) : null;
        this.holes = sparse ? new HoleFiller(path, descriptor, this::writeFully) : null;
        this.direct = lock == null ? null : DirectWriter.open(path, mode, room);
        this.discards = lock == null ? null : new Discards(path, kind, descriptorForDiscards());
    }

    @Override
    public String name() {
        return path.toString();
    }

    @Override
    public long length() {
        return length;
    }

    @Override
    public boolean readOnly() {
        return lock == null;
    }

    @Override
    public void read(
            final long position, final MutableDirectBuffer target, final int targetIndex, final int readLength) {
        if (mode == IoMode.DIRECT) {
            readMedium(position, target, targetIndex, readLength);
            return;
        }
        checkRange(position, readLength);
        try {
            Transfer.into(target, targetIndex, readLength, position, reading);
        } catch (final IOException ex) {
            throw failure("read", position, readLength, ex);
        }
    }

    @Override
    public void readMedium(
            final long position, final MutableDirectBuffer target, final int targetIndex, final int readLength) {
        checkRange(position, readLength);
        target.boundsCheck(targetIndex, readLength);
        try {
            if (!medium.read(position, target, targetIndex, readLength)) {
                Transfer.into(target, targetIndex, readLength, position, reading);
            }
        } catch (final IOException ex) {
            throw failure("read", position, readLength, ex);
        }
    }

    @Override
    public void write(final long position, final DirectBuffer source, final int sourceIndex, final int writeLength) {
        requireWritable();
        checkRange(position, writeLength);
        try {
            Transfer.from(source, sourceIndex, writeLength, position, writing);
        } catch (final IOException ex) {
            throw failure("write", position, writeLength, ex);
        }
    }

    @Override
    public void flush() {
        try {
            flushes.pass();
        } catch (final IOException ex) {
            throw isClosed(ex) ? closed(ex) : new StoreException("flush failed: " + path + ": " + ex.getMessage(), ex);
        }
    }

    @Override
    public void hurry(final long position, final long hurryLength) {
        if (hurries && channel.isOpen()) {
            try {
                LinuxCalls.beginWriteBack(UninterruptibleChannel.descriptor(channel), position, hurryLength);
            } catch (final LastErrorException ex) {
                hurries = false; // Whatever it was, the flush will tell.
            }
        }
    }

    @Override
    public void expect(final long position, final long expectLength) {
        if (expects && mode != IoMode.DIRECT && channel.isOpen()) {
            try {
                LinuxCalls.beginRead(UninterruptibleChannel.descriptor(channel), position, expectLength);
            } catch (final LastErrorException ex) {
                expects = false; // Whatever it was, the read will tell.
            }
        }
    }

    @Override
    public void discard(final long position, final long discardLength) {
        assert position % SECTOR_LENGTH == 0 && discardLength % SECTOR_LENGTH == 0
                : "not whole sectors: " + position + "+" + discardLength;
        final long within = Math.min(discardLength, length - position);
        if (discards != null && within > 0) {
            discards.discard(position, within);
            if (room != null) {
                room.givenBack(position, within);
            }
        }
    }

    @Override
    public void prepare(final long position, final long prepareLength) {
        if (holes != null && channel.isOpen()) {
            checkRange(position, prepareLength);
            holes.fill(position, prepareLength);
        }
    }

    /** A block device cannot be made longer from here; this succeeds once somebody else has done it. */
    @Override
    public synchronized void grow(final long newLength) {
        requireWritable();
        try {
            if (currentLength() < newLength && kind == DeviceKind.FILE) {
                setFileLength(newLength);
            }
            length = Math.max(length, currentLength());
        } catch (final IOException ex) {
            throw isClosed(ex) ? closed(ex) : new StoreException("cannot grow: " + path + ": " + ex.getMessage(), ex);
        }
        if (length < newLength) {
            throw new StoreException("cannot grow: " + path + ": the block device has " + length + " bytes (expected: "
                    + newLength + ")");
        }
    }

    /** Waits for a discard that is under way; reads, writes and flushes of other threads fail. */
    @Override
    public synchronized void close() {
        if (!channel.isOpen()) {
            return;
        }
        if (discards != null) {
            discards.stop();
        }
        if (room != null) {
            room.stop();
        }
        final IOException failure = new IOException("close failed: " + path);
        closeAfter(failure, lock, direct, medium, channel);
        if (failure.getSuppressed().length > 0) {
            throw new StoreException(failure.getMessage(), failure);
        }
    }

    DeviceKind kind() {
        return kind;
    }

    /** Whether {@link #readMedium} really does. */
    boolean bypassesPageCache() {
        return medium.bypassesPageCache();
    }

    /** Empties the file and makes it {@code newLength} bytes long, all of them a hole; durable on return. */
    void makeEmpty(final long newLength) throws IOException {
        channel.truncate(0);
        setFileLength(newLength);
        length = newLength;
        flushes.pass();
    }

    private void setFileLength(final long newLength) throws IOException {
        try {
            LinuxCalls.ftruncate(UninterruptibleChannel.descriptor(channel), newLength);
        } catch (final LastErrorException ex) {
            throw new IOException("length " + newLength + ": " + ex.getMessage(), ex);
        }
        lengthChanged.set(true);
    }

    private long currentLength() throws IOException {
        return channel.size() / SECTOR_LENGTH * SECTOR_LENGTH;
    }

    private int descriptorForDiscards() {
        return kind == DeviceKind.BLOCK_DEVICE ? lock.claimDescriptor() : UninterruptibleChannel.descriptor(channel);
    }

    private void readFully(final ByteBuffer buffer, final long start) throws IOException {
        long position = start;
        while (buffer.hasRemaining()) {
            final int count = channel.read(buffer, position);
            if (count < 0) {
                throw new ShortReadException(position);
            }
            position += count;
        }
    }

    private void writeFully(final ByteBuffer buffer, final long start) throws IOException {
        long position = start;
        while (buffer.hasRemaining()) {
            final int count = direct.write(buffer, position);
            position += count > 0 ? count : channel.write(buffer, position);
        }
    }

    private void force() throws IOException {
        channel.force(lengthChanged.getAndSet(false));
    }

    private void checkRange(final long position, final long rangeLength) {
        if (position > length - rangeLength && readOnly()) {
            adoptLengthSetByWriter();
        }
        DeviceRange.check(name(), length, position, rangeLength);
    }

    private void adoptLengthSetByWriter() {
        try {
            length = currentLength();
        } catch (final IOException ex) {
            throw isClosed(ex) ? closed(ex) : new StoreException("cannot tell the length of " + path, ex);
        }
    }

    private void requireWritable() {
        if (readOnly()) {
            throw new StoreException("opened read-only: " + path);
        }
    }

    private StoreException failure(
            final String operation, final long position, final int operationLength, final IOException cause) {
        if (isClosed(cause)) {
            return closed(cause);
        }
        final String message = operation + " of " + operationLength + " bytes at position " + position + " failed: "
                + path + ": " + cause.getMessage();
        return SpaceErrors.isOutOfSpace(cause)
                ? new NoSpaceException(message, cause)
                : new StoreException(message, cause);
    }

    private static boolean isClosed(final IOException cause) {
        return cause instanceof ClosedChannelException;
    }

    private StoreException closed(final IOException cause) {
        return new StoreException("device is closed: " + path, cause);
    }

    private static void closeAfter(final Throwable failure, final AutoCloseable... resources) {
        for (final AutoCloseable resource : resources) {
            try {
                if (resource != null) {
                    resource.close();
                }
            } catch (final Exception ex) {
                failure.addSuppressed(ex);
            }
        }
    }
}
