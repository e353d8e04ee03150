package io.icecore.cli;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.device.SparseFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.agrona.BitUtil;

/** Reads an image out of a file, whole chunks, and leaves the holes of it out. */
final class ImageFileSource implements ImageSource {
    /** A shorter hole is read with what is around it: that costs less than another piece. Bytes. */
    private static final int HOLE_LENGTH_MIN = 64 << 10;

    private final SparseFile file;
    private final long length;
    private long position;

    /** The data at or behind {@link #position}, as far as it was asked for; in whole chunks. */
    private long dataStart;

    private long dataEnd;

    /** @param length bytes of the file, a multiple of 4096; should it turn out to be of another, that is its end */
    ImageFileSource(final SparseFile file, final long length) {
        this.file = file;
        this.length = length;
    }

    /** Pieces end where the length of a buffer ends in the image, since extents do so too. */
    @Override
    public long read(final ByteBuffer target) throws IOException {
        final long start = dataFrom(position);
        final long endMax = Math.min(length, start - start % target.capacity() + target.capacity());
        long end = start;
        long next = start;
        while (end < endMax && next - end < HOLE_LENGTH_MIN) {
            end = Math.min(dataEnd, endMax);
            next = dataFrom(end);
        }
        position = next;
        target.limit((int) (end - start));
        if (end == start) {
            return file.size();
        }
        if (!readFully(target, start)) {
            final long endedAt = start + target.position();
            target.clear();
            return endedAt;
        }
        return start;
    }

    /** Where data begins at or after the offset; {@link #length} where there is none. */
    private long dataFrom(final long offset) {
        if (offset >= dataEnd) {
            final long data = file.dataFrom(offset, length);
            dataStart = data - data % BLOCK_LENGTH;
            dataEnd = Math.max(BitUtil.align(file.holeFrom(data, length), BLOCK_LENGTH), dataStart + BLOCK_LENGTH);
        }
        return Math.max(offset, dataStart);
    }

    /** False where the file ends early. */
    private boolean readFully(final ByteBuffer target, final long start) throws IOException {
        while (target.hasRemaining()) {
            if (file.read(target, start + target.position()) < 0) {
                return false;
            }
        }
        return true;
    }
}
