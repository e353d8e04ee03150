package io.icecore.cli;

import io.icecore.cli.daemon.Daemon;
import java.util.concurrent.Callable;

/** A command in the daemon: it works on the live store, whatever store its client named to find the daemon. */
final class DaemonSession implements Session {
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
    public int run(final StoreCommand command) throws Exception {
        return command.run(daemon.catalog());
    }
}
