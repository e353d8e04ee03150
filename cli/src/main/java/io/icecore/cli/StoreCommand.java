package io.icecore.cli;

import io.icecore.volume.Catalog;
import io.icecore.volume.Spec;
import picocli.CommandLine.Option;

/** A subcommand that works on an open store. */
abstract class StoreCommand extends ConsoleCommand {
    /** What the command does to the store, which decides how it is opened where no daemon holds it. */
    enum Access {
        /** Changes nothing: opened read-only, beside any writer. */
        READ,
        /** Changes something: takes the lock of the store. */
        WRITE,
        /** Has a meaning in a running daemon only. */
        DAEMON
    }

    @Option(
            names = {"-s", "--store"},
            paramLabel = "PATH",
            description = "The store: a file or a block device. Default: the variable ICECORE_STORE.")
    private String store;

    /** The store as named on the command line, or null. */
    final String store() {
        return store;
    }

    Access access() {
        return Access.READ;
    }

    /** Does the work. The catalogue belongs to the session, which closes it. */
    abstract int run(Catalog catalog) throws Exception;

    @Override
    public final Integer call() throws Exception {
        return invocation().session().run(this);
    }

    /** A spec in the time zone of whoever typed it. */
    final Spec spec(final String text) {
        return Spec.parse(text, console().features().zone());
    }
}
