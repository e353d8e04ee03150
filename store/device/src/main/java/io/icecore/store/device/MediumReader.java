package io.icecore.store.device;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.agrona.BitUtil;
import org.agrona.MutableDirectBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads past the page cache, through a second opening of the file with O_DIRECT.
 *
 * <p>After a failed write-back Linux keeps the page, calls it clean and goes on serving it: an ordinary read shows what
 * the next power loss takes away. Where O_DIRECT is refused, {@link #read} says so and the caller reads in the ordinary
 * way.
 */
final class MediumReader implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MediumReader.class);

    private final Path path;
    private final FileChannel channel;
    private final int alignment;
    private volatile boolean refused;

    private MediumReader(final Path path, final FileChannel channel, final int alignment) {
        this.path = path;
        this.channel = channel;
        this.alignment = alignment;
        this.refused = channel == null;
    }

    static MediumReader open(final Path path) {
        try {
            final long blockSize = Files.getFileStore(path).getBlockSize();
            if (blockSize > Transfer.BOUNCE_LENGTH_MAX || Long.bitCount(blockSize) != 1) {
                throw new IOException("block size " + blockSize);
            }
            final FileChannel channel =
                    UninterruptibleChannel.open(path, StandardOpenOption.READ, ExtendedOpenOption.DIRECT);
            return new MediumReader(path, channel, Math.max(BlockDevice.BLOCK_LENGTH, (int) blockSize));
        } catch (final IOException | UnsupportedOperationException ex) {
            final MediumReader none = new MediumReader(path, null, 1);
            none.refuse(ex);
            return none;
        }
    }

    /**
     * Reads {@code length} bytes, in whole aligned units and from there into {@code target}.
     *
     * @return false, nothing having been read, where the file system refuses O_DIRECT
     * @throws ShortReadException where the device ends early
     */
    boolean read(final long position, final MutableDirectBuffer target, final int targetIndex, final int length)
            throws IOException {
        if ((position | length) % alignment == 0 && Transfer.isDirect(target)) {
            final ByteBuffer view = IoBuffer.bytes(target, targetIndex, length);
            if (view.alignmentOffset(view.position(), alignment) == 0) {
                return readInPlace(view, position);
            }
        }
        for (int done = 0; done < length; ) {
            final long wanted = position + done;
            final long start = wanted - wanted % alignment;
            final ByteBuffer bounce = bounceFor(position + length - start);
            final int count = readAligned(bounce, start);
            if (refused) {
                return false;
            }
            final int skipped = (int) (wanted - start);
            final int found = Math.min(count - skipped, length - done);
            if (found <= 0) {
                throw new ShortReadException(wanted);
            }
            target.putBytes(targetIndex + done, bounce, skipped, found);
            done += found;
        }
        return true;
    }

    private boolean readInPlace(final ByteBuffer view, final long start) throws IOException {
        for (long position = start; view.hasRemaining() && !refused; ) {
            final int count = readAligned(view, position);
            if (count < 0) {
                throw new ShortReadException(position);
            }
            position += count;
        }
        return !refused;
    }

    private ByteBuffer bounceFor(final long length) {
        final int wanted = (int) Math.min(length, Transfer.BOUNCE_LENGTH_MAX);
        return Transfer.bounce(BitUtil.align(wanted, alignment), alignment);
    }

    private int readAligned(final ByteBuffer buffer, final long start) throws IOException {
        if (refused) {
            return 0;
        }
        try {
            return channel.read(buffer, start);
        } catch (final IOException ex) {
            if (!"Invalid argument".equals(ex.getMessage())) {
                throw ex;
            }
            refuse(ex); // Some file systems accept the flag and refuse the reads.
            return 0;
        }
    }

    private void refuse(final Exception reason) {
        refused = true;
        LOG.debug(
                "no O_DIRECT, reading the medium through the page cache: device={} reason={}", path, reason.toString());
    }

    boolean bypassesPageCache() {
        return !refused;
    }

    @Override
    public void close() throws IOException {
        if (channel != null) {
            channel.close();
        }
    }
}
