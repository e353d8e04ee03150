package io.icecore.cli;

import java.util.concurrent.Callable;

/**
 * How a command comes by its store: opened for this one command by a {@link LocalSession}, or the live one of the daemon
 * in a {@link DaemonSession}. A command is written once and cannot tell the difference.
 */
interface Session {
    /** Whether this command can run here at all. */
    boolean admits(Callable<Integer> command);

    /** @param option the store as named on the command line, or null */
    StoreLocation locate(String option);

    /** Runs the command on its store and returns the exit code. */
    int run(StoreCommand command) throws Exception;
}
