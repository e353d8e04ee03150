package io.icecore.store.device;

import java.io.IOException;
import java.util.Set;

/** Tells a full file system, which leaves the store usable, from every other failure of a write. */
final class SpaceErrors {
    private static final Set<String> ENGLISH = Set.of("No space left on device", "Disk quota exceeded");

    private SpaceErrors() {}

    /** The JDK passes on no error number, only its text, in the language of the process. */
    static boolean isOutOfSpace(final IOException cause) {
        final String message = cause.getMessage();
        return message != null
                && (ENGLISH.contains(message)
                        || message.equals(LinuxCalls.strerror(LinuxCalls.ENOSPC))
                        || message.equals(LinuxCalls.strerror(LinuxCalls.EDQUOT)));
    }
}
