package io.icecore.cli;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.volume.Export;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import org.agrona.concurrent.UnsafeBuffer;

/** Writes the content of an export as a raw image: in order, and sparse where the target can be. */
final class ImageExport {
    private static final int READ_LENGTH = 1 << 20;
    private static final ByteBuffer ZERO_CHUNK = ByteBuffer.allocateDirect(BLOCK_LENGTH);

    /** Where the bytes go, in the order of their offsets and without gaps. */
    private interface Target {
        void data(long offset, ByteBuffer bytes) throws IOException;

        void zeroes(long offset, long length) throws IOException;
    }

    private record Range(long offset, long length, boolean zero) {}

    private final Export export;
    private final Console console;
    private final ByteBuffer bytes = ByteBuffer.allocateDirect(READ_LENGTH);
    private final UnsafeBuffer buffer = new UnsafeBuffer(bytes);
    private long dataBytes;

    ImageExport(final Export export, final Console console) {
        this.export = export;
        this.console = console;
    }

    /** Bytes that were not zeroes. */
    long dataBytes() {
        return dataBytes;
    }

    /** To a pipe, every byte. */
    void run(final OutputStream out) throws IOException {
        final byte[] copy = new byte[READ_LENGTH];
        final byte[] zeroes = new byte[READ_LENGTH];
        copy(new Target() {
            @Override
            public void data(final long offset, final ByteBuffer data) throws IOException {
                final int length = data.remaining();
                data.get(copy, 0, length);
                out.write(copy, 0, length);
            }

            @Override
            public void zeroes(final long offset, final long length) throws IOException {
                for (long left = length; left > 0; left -= READ_LENGTH) {
                    console.requireWanted();
                    out.write(zeroes, 0, (int) Math.min(left, READ_LENGTH));
                }
            }
        });
        out.flush();
    }

    /**
     * To a file or device.
     *
     * @param zeroed the target reads as zeroes already, so that zeroes need not be written
     */
    void run(final FileChannel out, final boolean zeroed) throws IOException {
        final ByteBuffer zeroes = ByteBuffer.allocateDirect(READ_LENGTH);
        copy(new Target() {
            @Override
            public void data(final long offset, final ByteBuffer data) throws IOException {
                for (long at = offset; data.hasRemaining(); ) {
                    at += out.write(data, at);
                }
            }

            @Override
            public void zeroes(final long offset, final long length) throws IOException {
                for (long at = offset; !zeroed && at < offset + length; ) {
                    console.requireWanted();
                    final int count = (int) Math.min(READ_LENGTH, offset + length - at);
                    at += out.write(zeroes.slice(0, count), at);
                }
            }
        });
        out.force(true);
    }

    private void copy(final Target target) throws IOException {
        final long size = export.size();
        try (Progress progress = new Progress(console, "export " + export.name(), size)) {
            for (long offset = 0; offset < size; ) {
                console.requireWanted();
                final Range range = rangeAt(offset, size);
                if (range.zero()) {
                    target.zeroes(offset, range.length());
                } else {
                    copyData(target, range);
                }
                offset += range.length();
                progress.update(offset);
            }
        }
    }

    /** The range of one kind that begins here; of data, at most one read long. */
    private Range rangeAt(final long offset, final long size) {
        final Range[] found = new Range[1];
        export.extents(offset, size - offset, (at, length, zero) -> {
            found[0] = new Range(at, zero ? length : Math.min(length, READ_LENGTH), zero);
            return false;
        });
        assert found[0] != null && found[0].offset() == offset && found[0].length() > 0 : offset;
        return found[0];
    }

    private void copyData(final Target target, final Range range) throws IOException {
        final int length = (int) range.length();
        export.read(range.offset(), buffer, 0, length);
        int from = 0;
        while (from < length) {
            final boolean zero = isZero(from, length);
            int to = Math.min(length, from + BLOCK_LENGTH);
            while (to < length && isZero(to, length) == zero) {
                to = Math.min(length, to + BLOCK_LENGTH);
            }
            if (zero) {
                target.zeroes(range.offset() + from, to - from);
            } else {
                target.data(range.offset() + from, bytes.slice(from, to - from));
                dataBytes += to - from;
            }
            from = to;
        }
    }

    private boolean isZero(final int index, final int end) {
        final int length = Math.min(BLOCK_LENGTH, end - index);
        return bytes.slice(index, length).mismatch(ZERO_CHUNK.slice(0, length)) < 0;
    }
}
