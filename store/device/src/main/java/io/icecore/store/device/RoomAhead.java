package io.icecore.store.device;

import com.sun.jna.LastErrorException;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the file system allocate a sparse file in larger pieces than it is written in, where long direct writes come.
 *
 * <p>Such writes run side by side only where there are blocks already: one to a hole keeps the file locked until the device
 * has answered it (ext4), so that three at once were as slow as one. Blocks that are allocated and not written read as zeroes,
 * and are still a hole to {@link Holes}.
 *
 * <p>Only a hint, so no failure leaves this class. It works on a bare descriptor number: hence {@link #stop()}.
 */
final class RoomAhead {
    private static final Logger LOG = LoggerFactory.getLogger(RoomAhead.class);

    /** Bytes, a segment of the store: what is allocated will be written soon. Larger pieces gained a few per cent. */
    static final int PIECE_LENGTH = 4 << 20;

    private final Path path;
    private final int descriptor;
    private final LongSupplier fileLength;

    /** Pieces known to have room. Others may have it as well. */
    private final BitSet taken = new BitSet();

    private boolean on = true;

    RoomAhead(final Path path, final int descriptor, final LongSupplier fileLength) {
        this.path = path;
        this.descriptor = descriptor;
        this.fileLength = fileLength;
    }

    /** Before a long write. */
    synchronized void take(final long position, final long length) {
        final long last = (position + length - 1) / PIECE_LENGTH;
        for (int piece = (int) (position / PIECE_LENGTH); on && piece <= last; piece++) {
            if (!taken.get(piece)) {
                taken.set(piece);
                allocate((long) piece * PIECE_LENGTH);
            }
        }
    }

    private void allocate(final long position) {
        try {
            LinuxCalls.allocate(descriptor, position, Math.min(PIECE_LENGTH, fileLength.getAsLong() - position));
        } catch (final LastErrorException ex) {
            final int errno = ex.getErrorCode();
            if (errno != LinuxCalls.ENOSPC && errno != LinuxCalls.EDQUOT && errno != LinuxCalls.EINTR) {
                on = false;
                LOG.debug("no room is allocated ahead: device={} reason={}", path, ex.getMessage());
            }
        }
    }

    /** After this range has become a hole. */
    synchronized void givenBack(final long position, final long length) {
        taken.clear((int) (position / PIECE_LENGTH), (int) ((position + length - 1) / PIECE_LENGTH) + 1);
    }

    /** Nothing is allocated any more: the descriptor is about to be closed. */
    synchronized void stop() {
        on = false;
    }
}
