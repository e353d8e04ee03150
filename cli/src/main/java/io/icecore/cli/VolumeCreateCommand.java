package io.icecore.cli;

import io.icecore.volume.ByteSize;
import io.icecore.volume.Catalog;
import io.icecore.volume.VolumeInfo;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        description = "Makes a volume. It reads as zeroes and takes no space until it is written.",
        footer = {"", "Example:", "  icecore volume create vm1 --size 20G"})
final class VolumeCreateCommand extends StoreCommand {
    @Parameters(paramLabel = "NAME", description = "Name of the new volume.")
    private String name;

    @Option(
            names = "--size",
            required = true,
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "What clients see, a multiple of 4K.")
    private long size;

    @Override
    Access access() {
        return Access.WRITE;
    }

    @Override
    int run(final Catalog catalog) {
        final VolumeInfo volume = catalog.createVolume(name, size);
        console().out().println("volume " + volume.name() + " created: " + ByteSize.format(volume.sizeBytes()));
        return ExitCode.DONE;
    }
}
