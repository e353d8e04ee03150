package io.icecore.cli;

import io.icecore.cli.daemon.CatalogOpening;
import io.icecore.store.Store;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.FileBlockDevice;
import io.icecore.store.device.StoreException;
import io.icecore.volume.ByteSize;
import io.icecore.volume.Catalog;
import io.icecore.volume.StorePolicy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        description = "Makes a new store in a sparse file, or on a raw block device.",
        footer = {"", "Example:", "  icecore store create /srv/ice.store --size 100G"})
final class StoreCreateCommand extends ConsoleCommand {
    private static final int LABEL_LENGTH_MAX = 32;

    @Parameters(paramLabel = "PATH", description = "File to make, or block device to take.")
    private String path;

    @Option(
            names = "--size",
            required = true,
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "Size of the store, such as 100G. A file takes space only as the store fills.")
    private long size;

    @Option(
            names = "--label",
            paramLabel = "LABEL",
            description = "Part of iSCSI target names: letters, digits, dot and dash. Default: from the file name.")
    private String label;

    @Option(names = "--force", description = "Take PATH even where it holds something, which is lost.")
    private boolean force;

    @Mixin
    private StorePolicyOptions policy = new StorePolicyOptions();

    @Override
    public Integer call() throws IOException {
        final Path file = console().resolve(path);
        final String chosen = label == null ? labelFor(file) : requireLabel(label);
        final StorePolicy storePolicy = policy.change(StorePolicy.DEFAULT);
        if (size < Store.SIZE_BYTES_MIN) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "store size: " + ByteSize.format(size) + " (expected: at least "
                            + ByteSize.format(Store.SIZE_BYTES_MIN) + ")");
        }
        format(file, chosen);
        if (policy.given()) {
            try (Catalog catalog = CatalogOpening.forWriting(file, console().clock())) {
                catalog.setStorePolicy(storePolicy);
            }
        }
        // Opened once before it is called done: whoever makes a store wants one that opens.
        try (Catalog catalog = CatalogOpening.forReading(file, console().clock())) {
            console()
                    .out()
                    .println("store " + file + " created: "
                            + ByteSize.format(catalog.store().info().sizeBytes()) + ", label " + chosen);
        }
        return ExitCode.DONE;
    }

    /** What fails leaves no file behind that was not there. */
    private void format(final Path file, final String chosen) throws IOException {
        final boolean made = Files.notExists(file);
        try (BlockDevice device = FileBlockDevice.create(file, size, force)) {
            try {
                Store.format(device, chosen);
            } catch (final StoreException ex) {
                if (made) {
                    Files.deleteIfExists(file);
                }
                throw ex;
            }
        }
    }

    private static String labelFor(final Path file) {
        final String name = file.getFileName().toString().replaceFirst("\\.[^.]*$", "");
        final String letters = name.replaceAll("[^A-Za-z0-9.-]+", "-").replaceAll("^[.-]+|[.-]+$", "");
        final String cut = letters.substring(0, Math.min(LABEL_LENGTH_MAX, letters.length()))
                .replaceAll("[.-]+$", "");
        return cut.isEmpty() ? "store" : cut;
    }

    private static String requireLabel(final String label) {
        if (!label.matches("[A-Za-z0-9][A-Za-z0-9.-]{0," + (LABEL_LENGTH_MAX - 1) + "}")) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "label: " + label + " (expected: 1 to " + LABEL_LENGTH_MAX + " letters, digits, dots and dashes)");
        }
        return label;
    }
}
