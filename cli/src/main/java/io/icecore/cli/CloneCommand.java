package io.icecore.cli;

import io.icecore.volume.ByteSize;
import io.icecore.volume.Catalog;
import io.icecore.volume.VolumeInfo;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        description = "Makes a volume that begins as a snapshot and goes its own way from there. At once, and without "
                + "copying: what neither has written since is shared.",
        footer = {"", "Example:", "  icecore clone vm1@-1h vm1-test"})
final class CloneCommand extends StoreCommand {
    @Parameters(index = "0", paramLabel = "SPEC", description = "The snapshot.")
    private String spec;

    @Parameters(index = "1", paramLabel = "NEWVOL", description = "Name of the new volume.")
    private String name;

    @Override
    Access access() {
        return Access.WRITE;
    }

    @Override
    int run(final Catalog catalog) {
        final VolumeInfo clone = catalog.cloneVolume(spec(spec), name);
        console()
                .out()
                .println("volume " + clone.name() + " cloned from " + clone.parent() + ": "
                        + ByteSize.format(clone.sizeBytes()));
        return ExitCode.DONE;
    }
}
