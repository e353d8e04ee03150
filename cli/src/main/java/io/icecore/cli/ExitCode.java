package io.icecore.cli;

import io.icecore.store.device.NoSpaceException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.volume.BusyException;
import io.icecore.volume.NoSuchException;
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
        if (failure instanceof NoSpaceException) {
            return NO_SPACE;
        }
        if (failure instanceof CorruptStoreException) {
            return DAMAGE;
        }
        // An argument that breaks a rule which only the layer below knows is still wrong usage.
        return failure instanceof IllegalArgumentException ? USAGE : FAILED;
    }
}
