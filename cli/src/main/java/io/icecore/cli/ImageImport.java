package io.icecore.cli;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.volume.Catalog;
import io.icecore.volume.Export;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Makes a volume of a raw image. Chunks of zeroes are not written, and holes not even read, so holes stay holes. An import
 * that fails removes the volume again.
 */
final class ImageImport {
    /** First size of a volume whose image comes through a pipe; doubled as it comes, and cut to fit at the end. */
    private static final long PIPED_SIZE_FIRST = 1L << 30;

    private static final ByteBuffer ZERO_CHUNK = ByteBuffer.allocateDirect(BLOCK_LENGTH);

    private final Catalog catalog;
    private final Console console;
    private final AtomicLong writtenBytes = new AtomicLong();

    ImageImport(final Catalog catalog, final Console console) {
        this.catalog = catalog;
        this.console = console;
    }

    /** Bytes that were not zeroes. */
    long writtenBytes() {
        return writtenBytes.get();
    }

    /**
     * @param image  for messages
     * @param length of the image in bytes, a multiple of 4096, or -1 where only its end will tell
     * @return the size of the volume
     */
    long run(final String name, final String image, final ImageSource source, final long length) throws IOException {
        catalog.createVolume(name, length < 0 ? PIPED_SIZE_FIRST : length);
        try {
            return fill(name, image, source, length);
        } catch (final IOException | RuntimeException | Error ex) {
            removeAfter(ex, name);
            throw ex;
        }
    }

    private long fill(final String name, final String image, final ImageSource source, final long length)
            throws IOException {
        try (Export volume = catalog.exports().open(name);
                ReadAhead blocks = new ReadAhead(source, console);
                ParallelWrites writes = new ParallelWrites();
                Progress progress = new Progress(console, "import " + name, Math.max(0, length))) {
            ReadAhead.Block block = blocks.take();
            for (; !block.last(); block = blocks.take()) {
                final ReadAhead.Block data = block;
                if (length < 0) {
                    makeRoom(name, image, volume, data.end());
                }
                writes.submit(() -> {
                    try {
                        writeData(volume, data.offset(), data.bytes());
                    } finally {
                        blocks.giveBack(data.bytes());
                    }
                });
                progress.update(data.end());
            }
            writes.awaitAll();
            requireAll(name, image, block.end(), length);
            volume.flush();
            return block.end();
        }
    }

    /** Before an image of unknown length is written up to {@code end}: the volume grows where that is needed. */
    private void makeRoom(final String name, final String image, final Export volume, final long end) {
        requireWholeChunks(image, end);
        if (end > volume.size()) {
            catalog.resizeVolume(name, Math.multiplyExact(volume.size(), 2));
        }
    }

    /** At the end of the image: it was as long as it said, or the volume is cut to fit. */
    private void requireAll(final String name, final String image, final long end, final long length) {
        if (length >= 0 && end > length) {
            throw new CommandException(ExitCode.FAILED, "image grew while it was read: " + image);
        }
        if (length >= 0 && end < length) {
            throw new CommandException(
                    ExitCode.FAILED, "image ended early: " + image + ": " + end + " bytes (expected: " + length + ")");
        }
        if (end == 0) {
            throw new CommandException(ExitCode.FAILED, "image is empty: " + image);
        }
        if (length < 0) {
            catalog.resizeVolume(name, end);
        }
    }

    static void requireWholeChunks(final String image, final long length) {
        if (length % BLOCK_LENGTH != 0) {
            throw new CommandException(
                    ExitCode.FAILED,
                    "image size: " + length + " (expected: a multiple of " + BLOCK_LENGTH + "): " + image,
                    "pad it: truncate --size=%" + BLOCK_LENGTH + " IMAGE");
        }
    }

    private void writeData(final Export volume, final long offset, final ByteBuffer block) {
        final UnsafeBuffer buffer = new UnsafeBuffer(block);
        final int length = block.remaining();
        int from = 0;
        while (from < length) {
            final boolean zero = isZero(block, from);
            int to = from + BLOCK_LENGTH;
            while (to < length && isZero(block, to) == zero) {
                to += BLOCK_LENGTH;
            }
            if (!zero) {
                volume.write(offset + from, buffer, from, to - from, false);
                writtenBytes.addAndGet(to - from);
            }
            from = to;
        }
    }

    private static boolean isZero(final ByteBuffer block, final int index) {
        return block.slice(index, BLOCK_LENGTH).mismatch(ZERO_CHUNK.duplicate()) < 0;
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
