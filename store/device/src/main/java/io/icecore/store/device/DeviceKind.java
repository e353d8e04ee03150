package io.icecore.store.device;

import io.icecore.store.device.DeviceOpenException.Reason;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** The two kinds of thing a store can live on, and clear words for everything else a path may lead to. */
enum DeviceKind {
    FILE,
    BLOCK_DEVICE;

    private static final int TYPE_MASK = 0170000;
    private static final int TYPE_BLOCK_DEVICE = 0060000;
    private static final int TYPE_DIRECTORY = 0040000;
    private static final int TYPE_FILE = 0100000;

    /** Looks before anything is opened: opening a pipe would wait for its other end. */
    static DeviceKind of(final Path path) {
        final int mode;
        try {
            mode = (Integer) Files.getAttribute(path, "unix:mode");
        } catch (final IOException ex) {
            throw cannotOpen(path, ex);
        }
        return switch (mode & TYPE_MASK) {
            case TYPE_FILE -> FILE;
            case TYPE_BLOCK_DEVICE -> BLOCK_DEVICE;
            case TYPE_DIRECTORY -> throw new DeviceOpenException(Reason.WRONG_TYPE, "is a directory: " + path);
            default -> throw new DeviceOpenException(Reason.WRONG_TYPE, "neither a file nor a block device: " + path);
        };
    }

    static DeviceOpenException cannotOpen(final Path path, final IOException cause) {
        if (cause instanceof NoSuchFileException || isBelowAFile(cause)) {
            return new DeviceOpenException(Reason.MISSING, "no such file or device: " + path, cause);
        }
        if (cause instanceof AccessDeniedException) {
            return new DeviceOpenException(Reason.PERMISSION, "permission denied: " + path, cause);
        }
        final String reason = cause instanceof FileSystemException refusal ? refusal.getReason() : cause.getMessage();
        return new DeviceOpenException(Reason.OTHER, "cannot open: " + path + ": " + reason, cause);
    }

    /** Newer Javas call that missing themselves. */
    private static boolean isBelowAFile(final IOException cause) {
        return cause instanceof FileSystemException refusal && "Not a directory".equals(refusal.getReason());
    }
}
