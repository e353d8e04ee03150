package io.icecore.cli;

import io.icecore.store.device.DeviceOpenException;
import io.icecore.store.device.NoSpaceException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.UnknownFormatException;
import io.icecore.volume.BusyException;
import io.icecore.volume.NoSuchException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;

/** What the program ends with: the one place where failures become numbers. Scripts rely on them. */
final class ExitCode {
    static final int DONE = 0;
    static final int FAILED = 1;
    static final int USAGE = 2;
    static final int NO_SUCH = 3;
    static final int BUSY = 4;
    static final int NO_SPACE = 5;
    static final int DAMAGE = 6;

    private ExitCode() {}

    static int of(final Throwable failure) {
        if (failure instanceof CommandException ex) {
            return ex.exitCode();
        }
        if (failure instanceof NoSuchException || failure instanceof NoSuchFileException) {
            return NO_SUCH;
        }
        if (failure instanceof BusyException || failure instanceof FileAlreadyExistsException) {
            return BUSY;
        }
        if (failure instanceof NoSpaceException || outOfSpace(failure)) {
            return NO_SPACE;
        }
        if (failure instanceof UnknownFormatException) {
            return FAILED; // Nothing is damaged: another version of the program can open it.
        }
        if (failure instanceof CorruptStoreException) {
            return DAMAGE;
        }
        if (failure instanceof DeviceOpenException ex) {
            return ofDevice(ex.reason());
        }
        // An argument that breaks a rule which only the layer below knows is still wrong usage.
        return failure instanceof IllegalArgumentException ? USAGE : FAILED;
    }

    private static int ofDevice(final DeviceOpenException.Reason reason) {
        return switch (reason) {
            case MISSING -> NO_SUCH;
            case IN_USE, NOT_EMPTY -> BUSY;
            case WRONG_TYPE, PERMISSION, TOO_SMALL, OTHER -> FAILED;
        };
    }

    /** Of an image that is written: the JDK tells a full file system by this text alone. */
    private static boolean outOfSpace(final Throwable failure) {
        return failure instanceof IOException && "No space left on device".equals(failure.getMessage());
    }
}
