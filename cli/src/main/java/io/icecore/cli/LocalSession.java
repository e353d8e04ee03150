package io.icecore.cli;

import io.icecore.cli.control.ControlClient;
import io.icecore.cli.control.ControlRequest;
import io.icecore.cli.daemon.CatalogOpening;
import io.icecore.cli.daemon.Withdrawal;
import io.icecore.store.device.DeviceOpenException;
import io.icecore.volume.Catalog;
import java.io.IOException;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * A command in the process of whoever typed it: handed to the daemon that holds the store, or else run here on the store
 * opened for it.
 */
final class LocalSession implements Session {
    /** How long a command waits for another one that has the store open, or for a daemon that is starting or stopping. */
    private static final long IN_USE_MILLIS_MAX = 5_000;

    private static final long IN_USE_PAUSE_MILLIS = 50;

    /** What a command gets after a signal. */
    private static final long CLEAN_UP_MILLIS_MAX = 10_000;

    /**
     * How long a command that changed something goes on to give back the space of what was deleted. Without a daemon
     * nobody else would; what is left is done by the next command, or the next daemon.
     */
    private static final long RECLAIM_MILLIS_MAX = 200;

    private final Console console;
    private final String storeVariable;

    /** @param storeVariable content of {@value StoreLocation#VARIABLE}, or null */
    LocalSession(final Console console, final String storeVariable) {
        this.console = console;
        this.storeVariable = storeVariable;
    }

    @Override
    public boolean admits(final Callable<Integer> command) {
        return true;
    }

    @Override
    public StoreLocation locate(final String option) {
        return StoreLocation.find(console, option, storeVariable);
    }

    @Override
    public Withdrawal withdraw(final Predicate<String> exports) {
        return Withdrawal.NONE;
    }

    @Override
    public int run(final StoreCommand command) throws Exception {
        final StoreLocation location = locate(command.store());
        final long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(IN_USE_MILLIS_MAX);
        while (true) {
            final OptionalInt answer = askDaemon(location, command);
            if (answer.isPresent()) {
                return answer.getAsInt();
            }
            if (command.access() == StoreCommand.Access.DAEMON) {
                throw new CommandException(ExitCode.NO_SUCH, "no daemon: " + location, "start one with icecore serve");
            }
            final Interruption interruption = new Interruption(console, CLEAN_UP_MILLIS_MAX);
            try (Catalog catalog = openUnlessInUse(location, command.access(), deadline)) {
                if (catalog != null) {
                    return runOn(catalog, command);
                }
            } finally {
                interruption.close();
            }
            Thread.sleep(IN_USE_PAUSE_MILLIS);
        }
    }

    /** Null when another process has the store open and may be done with it before the deadline. */
    private Catalog openUnlessInUse(
            final StoreLocation location, final StoreCommand.Access access, final long deadline) {
        try {
            return access == StoreCommand.Access.WRITE
                    ? CatalogOpening.forWriting(location.path(), console.clock())
                    : CatalogOpening.forReading(location.path(), console.clock());
        } catch (final DeviceOpenException ex) {
            if (ex.reason() == DeviceOpenException.Reason.IN_USE && System.nanoTime() < deadline) {
                return null;
            }
            throw ex;
        }
    }

    private int runOn(final Catalog catalog, final StoreCommand command) throws Exception {
        final int code = command.run(catalog);
        if (command.access() == StoreCommand.Access.WRITE) {
            reclaimForAWhile(catalog);
        }
        return code;
    }

    private void reclaimForAWhile(final Catalog catalog) {
        final long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(RECLAIM_MILLIS_MAX);
        while (System.nanoTime() < end && catalog.reclaimStep()) {
            console.requireWanted();
        }
    }

    /** Empty when no daemon holds this store. */
    private OptionalInt askDaemon(final StoreLocation location, final StoreCommand command) throws IOException {
        ControlClient daemon = ControlClient.connect(location.controlSocket());
        if (daemon == null) {
            daemon = ControlClient.connect(location.controlSocketOfTarget());
        }
        if (daemon == null) {
            return OptionalInt.empty();
        }
        try (ControlClient connected = daemon) {
            final ControlRequest request = console.request(command.invocation().arguments());
            return OptionalInt.of(connected.run(request, console.in(), console.outBytes(), console.errBytes()));
        }
    }
}
