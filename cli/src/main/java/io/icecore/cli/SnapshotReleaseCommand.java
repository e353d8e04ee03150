package io.icecore.cli;

import io.icecore.volume.Catalog;
import io.icecore.volume.Snapshot;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        description = "Takes a hold away.",
        footer = {"", "Example:", "  icecore snapshot release vm1@before-upgrade audit"})
final class SnapshotReleaseCommand extends StoreCommand {
    @Parameters(index = "0", paramLabel = "SPEC", description = "The snapshot.")
    private String spec;

    @Parameters(index = "1", paramLabel = "TAG", description = "Name of the hold. A snapshot may have several.")
    private String tag;

    @Override
    Access access() {
        return Access.WRITE;
    }

    @Override
    int run(final Catalog catalog) {
        final Snapshot snapshot = catalog.snapshot(spec(spec));
        catalog.release(snapshot, tag);
        console().out().println(snapshot.spec() + " released: " + tag);
        return ExitCode.DONE;
    }
}
