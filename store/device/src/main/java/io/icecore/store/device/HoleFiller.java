package io.icecore.store.device;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.agrona.BufferUtil;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fills the holes of a sparse file with zeroes, where somebody is about to write in small pieces.
 *
 * <p>The first write to a hole makes the file system allocate, and the flush that follows has to commit that allocation
 * to its journal: twice the time of a flush after an overwrite. Allocating without writing (fallocate) does not help,
 * because then the flush has to commit that the blocks are written from now on.
 */
final class HoleFiller {
    private static final Logger LOG = LoggerFactory.getLogger(HoleFiller.class);
    private static final int PIECE_LENGTH = 1 << 20;

    private final Path path;
    private final Holes holes;
    private final Transfer.Piece write;
    private final ByteBuffer zeroes = BufferUtil.allocateDirectAligned(PIECE_LENGTH, BlockDevice.BLOCK_LENGTH);
    private boolean on = true;

    HoleFiller(final Path path, final int descriptor, final Transfer.Piece write) {
        this.path = path;
        holes = new Holes(descriptor);
        this.write = write;
    }

    /** Returns the bytes written. */
    synchronized long fill(final long position, final long length) {
        long filled = 0;
        try {
            final long end = position + length;
            for (long hole = holes.holeFrom(position, end); on && hole < end; ) {
                final long data = holes.dataFrom(hole, end);
                writeZeroes(hole, data);
                filled += data - hole;
                hole = holes.holeFrom(data, end);
            }
        } catch (final IOException ex) {
            on = false; // Also when the file system is full: who needs the room will be told.
            LOG.debug("holes are not filled ahead any more: device={} reason={}", path, ex.toString());
        }
        return filled;
    }

    private void writeZeroes(final long from, final long end) throws IOException {
        for (long at = from; at < end; ) {
            final int count = (int) Math.min(PIECE_LENGTH, end - at);
            write.move(zeroes.duplicate().limit(count).position(0), at);
            at += count;
        }
    }
}
