package io.icecore.cli;

import io.icecore.cli.daemon.Daemon;
import io.icecore.cli.daemon.Withdrawal;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A command in the daemon: it works on the live store, whatever store its client named to find the daemon. */
final class DaemonSession implements Session {
    private static final Logger LOG = LoggerFactory.getLogger(DaemonSession.class);

    private final Daemon daemon;

    DaemonSession(final Daemon daemon) {
        this.daemon = daemon;
    }

    Daemon daemon() {
        return daemon;
    }

    @Override
    public boolean admits(final Callable<Integer> command) {
        return command instanceof StoreCommand;
    }

    @Override
    public StoreLocation locate(final String option) {
        return new StoreLocation(daemon.storePath());
    }

    @Override
    public Withdrawal withdraw(final Predicate<String> exports) {
        return daemon.withdraw(exports);
    }

    @Override
    public int run(final StoreCommand command) throws Exception {
        final int code = command.run(daemon.catalog());
        if (command.access() == StoreCommand.Access.WRITE) {
            LOG.info("executed: {}", printable(command.invocation().arguments()));
        }
        return code;
    }

    /** One line of the log, whatever was typed. */
    private static String printable(final List<String> arguments) {
        return String.join(" ", arguments).replaceAll("\\p{Cntrl}", "?");
    }
}
