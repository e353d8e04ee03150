package io.icecore.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where a store is, and the sockets beside it.
 *
 * @param path as named by the user, absolute
 */
record StoreLocation(Path path) {
    /** Used when the command line names no store. */
    static final String VARIABLE = "ICECORE_STORE";

    private static final String CONTROL_SUFFIX = ".sock";
    private static final String NBD_SUFFIX = ".nbd";

    /**
     * @param option   from the command line, or null
     * @param variable content of {@value #VARIABLE}, or null
     */
    static StoreLocation find(final Console console, final String option, final String variable) {
        final String named = option != null ? option : variable;
        if (named == null || named.isBlank()) {
            throw new CommandException(ExitCode.USAGE, "no store named", "give --store PATH, or set " + VARIABLE);
        }
        return new StoreLocation(console.resolve(named));
    }

    /** Where the daemon takes commands. */
    Path controlSocket() {
        return beside(path, CONTROL_SUFFIX);
    }

    /** The control socket of a daemon that was started on what this path is a link to. */
    Path controlSocketOfTarget() throws IOException {
        return Files.exists(path) ? beside(path.toRealPath(), CONTROL_SUFFIX) : controlSocket();
    }

    /** Where the daemon offers NBD when nothing else was asked for. */
    Path nbdSocket() {
        return beside(path, NBD_SUFFIX);
    }

    private static Path beside(final Path path, final String suffix) {
        return path.resolveSibling(path.getFileName() + suffix);
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
