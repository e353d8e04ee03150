package io.icecore.cli;

import io.icecore.volume.Catalog;
import io.icecore.volume.Snapshot;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        description = "Gives a snapshot another name.",
        footer = {"", "Example:", "  icecore snapshot rename vm1@latest golden"})
final class SnapshotRenameCommand extends StoreCommand {
    @Parameters(index = "0", paramLabel = "SPEC", description = "The snapshot.")
    private String spec;

    @Parameters(index = "1", paramLabel = "NAME", description = "Its new name, without the volume.")
    private String name;

    @Override
    Access access() {
        return Access.WRITE;
    }

    @Override
    int run(final Catalog catalog) {
        final Snapshot snapshot = catalog.snapshot(spec(spec));
        catalog.rename(snapshot, name);
        console().out().println(snapshot.spec() + " is now " + snapshot.volume() + "@" + name);
        return ExitCode.DONE;
    }
}
