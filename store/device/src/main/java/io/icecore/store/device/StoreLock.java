package io.icecore.store.device;

import com.sun.jna.LastErrorException;
import io.icecore.store.device.DeviceOpenException.Reason;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps every other writer off a device: of this process, of other processes, whatever files they open and close.
 *
 * <p>It is the lock of one opening of the file ({@link LinuxCalls#lockExclusively}), so the kernel ends it when that
 * opening is closed or its process dies, and at no other time. A block device is claimed besides: that keeps out those
 * who came by another device node, and is refused while the device is mounted, swap, or part of an array.
 */
final class StoreLock implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StoreLock.class);

    private static final int NO_CLAIM = -1;

    private int claim;

    private StoreLock(final int claim) {
        this.claim = claim;
    }

    /** Loads what {@link #take} needs, which takes about 100 ms, on a thread of its own. */
    static void loadInBackground() {
        final Thread loader = new Thread(StoreLock::load, "native-calls-loader");
        loader.setDaemon(true);
        loader.start();
    }

    private static void load() {
        try {
            LinuxCalls.strerror(0); // Any use of the class will do.
        } catch (final LinkageError ex) {
            LOG.debug("no native calls, the next opening for writing will say so", ex);
        }
    }

    /** {@code descriptor} must have been opened for writing; the lock lasts as long as it is open. */
    static StoreLock take(final Path path, final DeviceKind kind, final int descriptor) {
        try {
            lock(path, descriptor);
            return new StoreLock(kind == DeviceKind.BLOCK_DEVICE ? claim(path) : NO_CLAIM);
        } catch (final LinkageError ex) {
            final Throwable cause = ex.getCause() == null ? ex : ex.getCause();
            throw new DeviceOpenException(
                    Reason.OTHER,
                    "cannot lock: " + path
                            + ": no native calls, -Djna.tmpdir must name a directory that allows execution: "
                            + cause.getMessage(),
                    ex);
        }
    }

    private static void lock(final Path path, final int descriptor) {
        try {
            LinuxCalls.lockExclusively(descriptor);
        } catch (final LastErrorException ex) {
            if (ex.getErrorCode() == LinuxCalls.EAGAIN || ex.getErrorCode() == LinuxCalls.EACCES) {
                throw new DeviceOpenException(Reason.IN_USE, "store in use by another process: " + path, ex);
            }
            throw new DeviceOpenException(Reason.OTHER, "cannot lock: " + path + ": " + ex.getMessage(), ex);
        }
    }

    private static int claim(final Path path) {
        try {
            return LinuxCalls.claimBlockDevice(path.toString());
        } catch (final LastErrorException ex) {
            if (ex.getErrorCode() == LinuxCalls.EBUSY) {
                throw new DeviceOpenException(
                        Reason.IN_USE, "block device is mounted or claimed by another program: " + path, ex);
            }
            throw new DeviceOpenException(Reason.OTHER, "cannot claim: " + path + ": " + ex.getMessage(), ex);
        }
    }

    /** The descriptor of the claim: the kernel lets its owner discard blocks without looking for other users. */
    int claimDescriptor() {
        assert claim != NO_CLAIM : "a file has no claim";
        return claim;
    }

    /** Gives up the claim. The lock itself goes with the descriptor that it was taken on. */
    @Override
    public void close() {
        if (claim != NO_CLAIM) {
            LinuxCalls.close(claim);
            claim = NO_CLAIM;
        }
    }
}
