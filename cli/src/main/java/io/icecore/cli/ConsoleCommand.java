package io.icecore.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Option;

/** One subcommand: parses, calls, prints. The work is done below this package. */
abstract class ConsoleCommand implements Callable<Integer> {
    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help.")
    private boolean help;

    @Option(
            names = {"-v", "--verbose"},
            description = "Log more, and show where a failure came from.")
    private boolean verbose;

    private Invocation invocation;

    /** Once, before {@link #call}. */
    final void bind(final Invocation invocation) {
        this.invocation = invocation;
    }

    final Invocation invocation() {
        return invocation;
    }

    final Console console() {
        return invocation.console();
    }

    final boolean verbose() {
        return verbose;
    }
}
