package io.icecore.cli;

import io.icecore.volume.ByteSize;
import io.icecore.volume.Catalog;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        description = "Enlarges the store, online. It never shrinks.",
        footer = {"", "Example:", "  icecore store grow --store /srv/ice.store --size 200G"})
final class StoreGrowCommand extends StoreCommand {
    @Option(
            names = "--size",
            required = true,
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "The new size. On a block device, at most the size of the device.")
    private long size;

    @Override
    Access access() {
        return Access.WRITE;
    }

    @Override
    int run(final Catalog catalog) {
        final long before = catalog.store().info().sizeBytes();
        if (size < before) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "size: " + ByteSize.format(size) + " (expected: at least the present " + ByteSize.format(before)
                            + ")");
        }
        catalog.store().grow(size);
        final long after = catalog.store().info().sizeBytes();
        console().out().println("store grown from " + ByteSize.format(before) + " to " + ByteSize.format(after));
        return ExitCode.DONE;
    }
}
