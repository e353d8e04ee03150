package io.icecore.store.device;

import com.sun.jna.LastErrorException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the holes of a file from its data. Where it cannot (a block device, some file systems) all counts as data.
 *
 * <p>Works on a bare descriptor number, whose offset it moves. Thread-safe.
 */
final class Holes {
    private static final Logger LOG = LoggerFactory.getLogger(Holes.class);

    private final int descriptor;
    private volatile boolean told = true;

    Holes(final int descriptor) {
        this.descriptor = descriptor;
    }

    /** Where the first data begins at or after {@code position}, at most {@code end}. */
    long dataFrom(final long position, final long end) {
        if (!told || position >= end) {
            return Math.min(position, end);
        }
        try {
            return Math.min(end, LinuxCalls.nextData(descriptor, position));
        } catch (final LastErrorException ex) {
            if (ex.getErrorCode() == LinuxCalls.ENXIO) {
                return end;
            }
            countAllAsData(ex);
            return position;
        }
    }

    /** Where the first hole begins at or after {@code position}, at most {@code end}. */
    long holeFrom(final long position, final long end) {
        if (!told || position >= end) {
            return end;
        }
        try {
            return Math.min(end, LinuxCalls.nextHole(descriptor, position));
        } catch (final LastErrorException ex) {
            if (ex.getErrorCode() != LinuxCalls.ENXIO) { // Else the file has become shorter: nothing there to tell.
                countAllAsData(ex);
            }
            return end;
        }
    }

    private void countAllAsData(final LastErrorException reason) {
        told = false;
        LOG.debug("holes are not told from data: descriptor={} reason={}", descriptor, reason.toString());
    }
}
