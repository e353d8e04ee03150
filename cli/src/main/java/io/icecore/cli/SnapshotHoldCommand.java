package io.icecore.cli;

import io.icecore.volume.Catalog;
import io.icecore.volume.Snapshot;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        description = "Protects a snapshot: while it is held, it cannot be deleted.",
        footer = {"", "Example:", "  icecore snapshot hold vm1@before-upgrade audit"})
final class SnapshotHoldCommand extends StoreCommand {
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
        catalog.hold(snapshot, tag);
        console().out().println(snapshot.spec() + " held: " + tag);
        return ExitCode.DONE;
    }
}
