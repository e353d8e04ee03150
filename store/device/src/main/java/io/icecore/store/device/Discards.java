package io.icecore.store.device;

import com.sun.jna.LastErrorException;
import java.nio.file.Path;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.agrona.BitUtil;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives space back to what is below: holes in a file, unmapped blocks on a device.
 *
 * <p>Only a hint, so no failure leaves this class. It works on a bare descriptor number, which may name any other file
 * as soon as it is closed: hence {@link #stop()}, which waits for discards that are under way, before closing.
 */
final class Discards {
    private static final Logger LOG = LoggerFactory.getLogger(Discards.class);

    private final Path path;
    private final DeviceKind kind;
    private final int descriptor;
    private final ReadWriteLock running = new ReentrantReadWriteLock();
    private volatile boolean on = true;

    Discards(final Path path, final DeviceKind kind, final int descriptor) {
        this.path = path;
        this.kind = kind;
        this.descriptor = descriptor;
    }

    void discard(final long position, final long length) {
        final Lock shared = running.readLock();
        shared.lock();
        try {
            if (on) {
                discardNow(position, length);
            }
        } catch (final LastErrorException ex) {
            onRefusal(position, length, ex);
        } finally {
            shared.unlock();
        }
    }

    private void discardNow(final long position, final long length) {
        if (kind == DeviceKind.FILE) {
            LinuxCalls.punchHole(descriptor, position, length);
            return;
        }
        // Whole blocks only: a device with larger sectors refuses anything finer.
        final long first = BitUtil.align(position, BlockDevice.BLOCK_LENGTH);
        final long end = (position + length) / BlockDevice.BLOCK_LENGTH * BlockDevice.BLOCK_LENGTH;
        if (first < end) {
            LinuxCalls.discardBlocks(descriptor, first, end - first);
        }
    }

    private void onRefusal(final long position, final long length, final LastErrorException cause) {
        final int errno = cause.getErrorCode();
        if (errno == LinuxCalls.ENOSPC || errno == LinuxCalls.EINTR || errno == LinuxCalls.EBUSY) {
            LOG.debug("discard skipped: device={} position={} length={}", path, position, length, cause);
            return;
        }
        synchronized (this) {
            if (on) {
                on = false;
                LOG.info("discard switched off, the device refuses it: device={} reason={}", path, cause.getMessage());
            }
        }
    }

    /** Waits for discards that are under way; later ones do nothing. */
    void stop() {
        final Lock exclusive = running.writeLock();
        exclusive.lock();
        try {
            on = false;
        } finally {
            exclusive.unlock();
        }
    }
}
