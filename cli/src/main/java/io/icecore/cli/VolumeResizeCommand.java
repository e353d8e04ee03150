package io.icecore.cli;

import io.icecore.volume.ByteSize;
import io.icecore.volume.Catalog;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        description = "Changes the size of a volume, online.",
        footer = {"", "Example:", "  icecore volume resize vm1 --size 40G"})
final class VolumeResizeCommand extends StoreCommand {
    @Parameters(paramLabel = "NAME", description = "The volume.")
    private String name;

    @Option(
            names = "--size",
            required = true,
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "The new size, a multiple of 4K.")
    private long size;

    @Option(
            names = "--shrink",
            description = "Allow a smaller size: what is beyond it is discarded. Snapshots keep it.")
    private boolean shrink;

    @Override
    Access access() {
        return Access.WRITE;
    }

    @Override
    int run(final Catalog catalog) {
        final long before = catalog.volume(name).sizeBytes();
        if (size < before && !shrink) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "size: " + ByteSize.format(size) + " is less than the present " + ByteSize.format(before) + ": "
                            + name,
                    "--shrink discards what is beyond the new end");
        }
        catalog.resizeVolume(name, size);
        console()
                .out()
                .println(
                        "volume " + name + " resized from " + ByteSize.format(before) + " to " + ByteSize.format(size));
        return ExitCode.DONE;
    }
}
