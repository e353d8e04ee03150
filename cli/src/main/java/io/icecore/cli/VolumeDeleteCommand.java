package io.icecore.cli;

import io.icecore.volume.Catalog;
import io.icecore.volume.VolumeInfo;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        description = "Deletes a volume and all its snapshots. The space follows in the background.",
        footer = {"", "Example:", "  icecore volume delete vm1"})
final class VolumeDeleteCommand extends StoreCommand {
    @Parameters(paramLabel = "NAME", description = "The volume.")
    private String name;

    @Mixin
    private Disconnection disconnection = new Disconnection();

    @Mixin
    private ReclaimWait reclaimWait = new ReclaimWait();

    @Override
    Access access() {
        return Access.WRITE;
    }

    @Override
    int run(final Catalog catalog) {
        final VolumeInfo volume = catalog.volume(name);
        disconnection.around(
                invocation().session(), export -> export.equals(name) || export.startsWith(name + "@"), () -> {
                    catalog.deleteVolume(name);
                    return null;
                });
        console().out().println("volume " + name + " deleted, with " + Words.count(volume.snapshots(), "snapshot"));
        reclaimWait.run(catalog, console());
        return ExitCode.DONE;
    }
}
