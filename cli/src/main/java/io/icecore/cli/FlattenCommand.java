package io.icecore.cli;

import io.icecore.volume.Catalog;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        description = "Copies what a clone still shares with its origin, so that it stands on its own.",
        footer = {"", "Example:", "  icecore flatten vm1-test"})
final class FlattenCommand extends StoreCommand {
    @Parameters(paramLabel = "VOL", description = "The volume.")
    private String volume;

    @Override
    Access access() {
        return Access.WRITE;
    }

    @Override
    int run(final Catalog catalog) {
        final String parent = catalog.volume(volume).parent();
        catalog.flatten(volume);
        console()
                .out()
                .println(
                        parent == null
                                ? "volume " + volume + " has no origin: nothing to do"
                                : "volume " + volume + " cut loose from " + parent);
        return ExitCode.DONE;
    }
}
