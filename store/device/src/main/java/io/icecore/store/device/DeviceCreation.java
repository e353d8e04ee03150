package io.icecore.store.device;

import io.icecore.store.device.DeviceOpenException.Reason;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Makes a new device without destroying anything that nobody asked to destroy.
 *
 * <p>Looks at what is there only after the lock has been taken: a store that another process created a moment ago is
 * found in use, not empty.
 */
final class DeviceCreation {
    /** How much of a block device is looked at before it is taken for unused, in bytes. */
    private static final int LOOKED_AT_LENGTH = 1 << 20;

    private DeviceCreation() {}

    static FileBlockDevice create(final Path path, final long length, final boolean force) {
        final boolean createdFile = createFile(path);
        final FileBlockDevice device = FileBlockDevice.open(path);
        try {
            if (device.kind() == DeviceKind.BLOCK_DEVICE) {
                checkBlockDevice(device, length, force);
            } else {
                checkFile(device, force);
                device.makeEmpty(length);
                makeEntryDurable(path, createdFile);
            }
            return device;
        } catch (final IOException ex) {
            abandon(ex, device, path, createdFile);
            throw new DeviceOpenException(Reason.OTHER, "cannot create: " + path + ": " + ex.getMessage(), ex);
        } catch (final RuntimeException | Error ex) {
            abandon(ex, device, path, createdFile);
            throw ex;
        }
    }

    private static boolean createFile(final Path path) {
        try {
            Files.createFile(path);
            return true;
        } catch (final FileAlreadyExistsException ex) {
            return false; // The usual case for a block device; of a file, the content decides.
        } catch (final NoSuchFileException ex) {
            throw new DeviceOpenException(
                    Reason.MISSING,
                    "no such directory: " + path.toAbsolutePath().getParent(),
                    ex);
        } catch (final IOException ex) {
            throw DeviceKind.cannotOpen(path, ex);
        }
    }

    private static void checkFile(final FileBlockDevice device, final boolean force) throws IOException {
        if (!force && Files.size(Path.of(device.name())) > 0) {
            throw new DeviceOpenException(Reason.NOT_EMPTY, "file is not empty: " + device.name());
        }
    }

    private static void checkBlockDevice(final FileBlockDevice device, final long length, final boolean force) {
        if (device.length() < length) {
            throw new DeviceOpenException(
                    Reason.TOO_SMALL,
                    "block device is too small: " + device.name() + ": " + device.length()
                            + " bytes (expected: at least " + length + ")");
        }
        if (!force && holdsSomething(device)) {
            throw new DeviceOpenException(Reason.NOT_EMPTY, "block device holds something: " + device.name());
        }
    }

    private static boolean holdsSomething(final FileBlockDevice device) {
        final byte[] start = new byte[(int) Math.min(LOOKED_AT_LENGTH, device.length())];
        device.read(0, new UnsafeBuffer(start), 0, start.length);
        for (final byte value : start) {
            if (value != 0) {
                return true;
            }
        }
        return false;
    }

    /** A new file that a power loss could make nameless would take the whole store with it. */
    private static void makeEntryDurable(final Path path, final boolean createdFile) throws IOException {
        if (createdFile) {
            try (FileChannel directory = FileChannel.open(path.toAbsolutePath().getParent(), StandardOpenOption.READ)) {
                directory.force(true);
            }
        }
    }

    private static void abandon(
            final Throwable failure, final FileBlockDevice device, final Path path, final boolean createdFile) {
        try (device) {
            if (createdFile) {
                Files.delete(path); // While the lock is still held: nobody else can have begun to use it.
            }
        } catch (final IOException | RuntimeException ex) {
            failure.addSuppressed(ex);
        }
    }
}
