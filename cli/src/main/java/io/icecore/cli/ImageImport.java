package io.icecore.cli;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.volume.Catalog;
import io.icecore.volume.Export;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Makes a volume of a raw image. Chunks of zeroes are not written, so holes stay holes. An import that fails removes the
 * volume again.
 */
final class ImageImport {
    private static final int READ_LENGTH = 1 << 20;
    /** First size of a volume whose image comes through a pipe; doubled as it comes, and cut to fit at the end. */
    private static final long PIPED_SIZE_FIRST = 1L << 30;

    private static final ByteBuffer ZERO_CHUNK = ByteBuffer.allocateDirect(BLOCK_LENGTH);

    private final Catalog catalog;
    private final Console console;
    private final ByteBuffer bytes = ByteBuffer.allocateDirect(READ_LENGTH);
    private final UnsafeBuffer buffer = new UnsafeBuffer(bytes);
    private long writtenBytes;

    ImageImport(final Catalog catalog, final Console console) {
        this.catalog = catalog;
        this.console = console;
    }

    /** Bytes that were not zeroes. */
    long writtenBytes() {
        return writtenBytes;
    }

    /**
     * @param image  for messages
     * @param length of the image in bytes, a multiple of 4096, or -1 where only its end will tell
     * @return the size of the volume
     */
    long run(final String name, final String image, final ReadableByteChannel source, final long length)
            throws IOException {
        catalog.createVolume(name, length < 0 ? PIPED_SIZE_FIRST : length);
        try {
            return fill(name, image, source, length);
        } catch (final IOException | RuntimeException | Error ex) {
            removeAfter(ex, name);
            throw ex;
        }
    }

    private long fill(final String name, final String image, final ReadableByteChannel source, final long length)
            throws IOException {
        long offset = 0;
        try (Export volume = catalog.exports().open(name);
                Progress progress = new Progress(console, "import " + name, Math.max(0, length))) {
            for (int count = read(source); count > 0; count = read(source)) {
                console.requireWanted();
                if (length >= 0 && offset + count > length) {
                    throw new CommandException(ExitCode.FAILED, "image grew while it was read: " + image);
                }
                requireWholeChunks(image, offset + count);
                if (offset + count > volume.size()) {
                    catalog.resizeVolume(name, Math.multiplyExact(volume.size(), 2));
                }
                writeData(volume, offset, count);
                offset += count;
                progress.update(offset);
            }
            if (length >= 0 && offset < length) {
                throw new CommandException(
                        ExitCode.FAILED,
                        "image ended early: " + image + ": " + offset + " bytes (expected: " + length + ")");
            }
            if (length < 0) {
                if (offset == 0) {
                    throw new CommandException(ExitCode.FAILED, "image is empty: " + image);
                }
                catalog.resizeVolume(name, offset);
            }
            volume.flush();
        }
        return offset;
    }

    /** As much as fits; less only at the end. */
    private int read(final ReadableByteChannel source) throws IOException {
        bytes.clear();
        while (bytes.hasRemaining() && source.read(bytes) >= 0) {
            // A pipe gives what it has.
        }
        return bytes.position();
    }

    static void requireWholeChunks(final String image, final long length) {
        if (length % BLOCK_LENGTH != 0) {
            throw new CommandException(
                    ExitCode.FAILED,
                    "image size: " + length + " (expected: a multiple of " + BLOCK_LENGTH + "): " + image,
                    "pad it: truncate --size=%" + BLOCK_LENGTH + " IMAGE");
        }
    }

    private void writeData(final Export volume, final long offset, final int length) {
        int from = 0;
        while (from < length) {
            final boolean zero = isZero(from);
            int to = from + BLOCK_LENGTH;
            while (to < length && isZero(to) == zero) {
                to += BLOCK_LENGTH;
            }
            if (!zero) {
                volume.write(offset + from, buffer, from, to - from, false);
                writtenBytes += to - from;
            }
            from = to;
        }
    }

    private boolean isZero(final int index) {
        return bytes.slice(index, BLOCK_LENGTH).mismatch(ZERO_CHUNK.duplicate()) < 0;
    }

    private void removeAfter(final Throwable failure, final String name) {
        try {
            catalog.deleteVolume(name);
        } catch (final RuntimeException ex) {
            failure.addSuppressed(ex);
            console.err().println("icecore: incomplete volume could not be removed: " + name + ": " + ex.getMessage());
        }
    }
}
