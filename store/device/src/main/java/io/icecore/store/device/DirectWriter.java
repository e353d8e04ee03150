package io.icecore.store.device;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes long runs, or all, past the page cache, through a second opening of the file with O_DIRECT: nothing is copied, and no
 * pages are taken from what readers have cached and handed to a write-back that competes with them.
 *
 * <p>Short writes stay with the page cache, which takes them in a few microseconds and lets the next flush carry them all
 * at once. The kernel keeps both ways coherent; one flush covers both, being of the file and not of the opening.
 */
final class DirectWriter implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DirectWriter.class);

    /** From here on the device's own speed counts more than the time until it answers. Bytes; found by measurement. */
    static final int LONG_LENGTH = 256 << 10;

    private final Path path;
    private final FileChannel channel;
    private final int alignment;

    /** Whether short runs are written this way too, and from wherever they stand. */
    private final boolean always;

    /** Null where there are no holes: on a block device. */
    private final RoomAhead room;

    private volatile boolean refused;

    private DirectWriter(
            final Path path,
            final FileChannel channel,
            final int alignment,
            final boolean always,
            final RoomAhead room) {
        this.path = path;
        this.channel = channel;
        this.alignment = alignment;
        this.always = always;
        this.room = room;
        refused = channel == null;
    }

    /** Of {@link IoMode#BUFFERED}, and where there is no O_DIRECT, one that takes nothing. */
    static DirectWriter open(final Path path, final IoMode mode, final RoomAhead room) {
        if (mode == IoMode.BUFFERED) {
            return none(path);
        }
        try {
            final int alignment = Math.max(
                    BlockDevice.BLOCK_LENGTH, (int) Files.getFileStore(path).getBlockSize());
            return new DirectWriter(
                    path,
                    UninterruptibleChannel.open(path, StandardOpenOption.WRITE, ExtendedOpenOption.DIRECT),
                    alignment,
                    mode == IoMode.DIRECT,
                    room);
        } catch (final IOException | UnsupportedOperationException ex) {
            LOG.debug("no O_DIRECT, writing through the page cache: device={} reason={}", path, ex.toString());
            return none(path);
        }
    }

    private static DirectWriter none(final Path path) {
        return new DirectWriter(path, null, BlockDevice.BLOCK_LENGTH, false, null);
    }

    /** Writes from the buffer what it can take this way, which may be nothing. Returns the bytes written. */
    int write(final ByteBuffer buffer, final long position) throws IOException {
        final int length = buffer.remaining() / alignment * alignment;
        if (length < (always ? 1 : LONG_LENGTH) || refused || position % alignment != 0) {
            return 0;
        }
        if (buffer.alignmentOffset(buffer.position(), alignment) != 0) {
            return always ? writeCopy(buffer, Math.min(length, Transfer.BOUNCE_LENGTH_MAX), position) : 0;
        }
        if (room != null) {
            room.take(position, length);
        }
        final int end = buffer.limit();
        try {
            return channel.write(buffer.limit(buffer.position() + length), position);
        } catch (final IOException ex) {
            if (!"Invalid argument".equals(ex.getMessage())) {
                throw ex;
            }
            refused = true; // Some file systems accept the flag and refuse the writes.
            LOG.debug("no O_DIRECT, writing through the page cache: device={} reason={}", path, ex.toString());
            return 0;
        } finally {
            buffer.limit(end);
        }
    }

    /** From memory that stands where the device cannot take it from. */
    private int writeCopy(final ByteBuffer buffer, final int length, final long position) throws IOException {
        final ByteBuffer copy = Transfer.bounce(length, alignment);
        copy.put(0, buffer, buffer.position(), length);
        final int count = write(copy, position);
        buffer.position(buffer.position() + count);
        return count;
    }

    @Override
    public void close() throws IOException {
        if (channel != null) {
            channel.close();
        }
    }
}
