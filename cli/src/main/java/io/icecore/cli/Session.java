package io.icecore.cli;

import io.icecore.cli.daemon.Withdrawal;
import java.util.concurrent.Callable;
import java.util.function.Predicate;

/**
 * How a command comes by its store: opened for this one command by a {@link LocalSession}, or the live one of the daemon
 * in a {@link DaemonSession}. A command is written once and cannot tell the difference.
 */
interface Session {
    /** Whether this command can run here at all. */
    boolean admits(Callable<Integer> command);

    /** @param option the store as named on the command line, or null */
    StoreLocation locate(String option);

    /**
     * Sends the clients of exports off and keeps them out until the result is closed.
     *
     * @param exports tells whether an export, by its name, is meant
     */
    Withdrawal withdraw(Predicate<String> exports);

    /** Runs the command on its store and returns the exit code. */
    int run(StoreCommand command) throws Exception;
}
