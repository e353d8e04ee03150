package io.icecore.cli;

import io.icecore.volume.ByteSize;
import io.icecore.volume.Catalog;
import io.icecore.volume.Export;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        description = "Writes a snapshot, or a volume's head, as a raw image. Holes stay holes. "
                + "A head that is being written is read as it changes: export a snapshot of it instead.",
        footer = {
            "",
            "Example:",
            "  icecore volume export vm1@latest disk.raw",
            "  icecore volume export vm1@-1h - | zstd > disk.raw.zst"
        })
final class VolumeExportCommand extends StoreCommand {
    private static final String PART_SUFFIX = ".icecore-part";

    @Parameters(index = "0", paramLabel = "SPEC", description = "The volume or snapshot.")
    private String spec;

    @Parameters(index = "1", paramLabel = "IMAGE", description = "File or block device, - for standard output.")
    private String image;

    @Option(names = "--force", description = "Replace IMAGE where it exists.")
    private boolean force;

    @Override
    int run(final Catalog catalog) throws IOException {
        try (Export export = catalog.exports().open(spec(spec).toString())) {
            final ImageExport work = new ImageExport(export, console());
            if (image.equals("-")) {
                work.run(console().outBytes());
                return ExitCode.DONE; // Nothing more on standard output: that is the image.
            }
            final Path file = console().resolve(image);
            exportTo(catalog, export, work, file);
            console()
                    .out()
                    .println(export.name() + " exported to " + file + ": " + ByteSize.format(export.size()) + ", "
                            + ByteSize.format(work.dataBytes()) + " of it data");
        }
        return ExitCode.DONE;
    }

    private void exportTo(final Catalog catalog, final Export export, final ImageExport work, final Path file)
            throws IOException {
        if (Files.isDirectory(file)) {
            throw new CommandException(ExitCode.FAILED, "is a directory: " + file);
        }
        ImageFile.requireNotTheStore(catalog, file);
        if (Files.exists(file) && !force) {
            throw new CommandException(ExitCode.BUSY, "exists already: " + file, "--force replaces it");
        }
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            exportToDevice(export, work, file);
        } else {
            exportToFile(export, work, file);
        }
    }

    private static void exportToDevice(final Export export, final ImageExport work, final Path device)
            throws IOException {
        try (FileChannel channel = FileChannel.open(device, StandardOpenOption.WRITE)) {
            final long length = channel.size();
            if (length < export.size()) {
                throw new CommandException(
                        ExitCode.FAILED,
                        "too small: " + device + ": " + length + " bytes (expected: at least " + export.size() + ")");
            }
            work.run(channel, false);
        }
    }

    /** Under another name until it is complete: an image that is there is whole, and an old one stays until then. */
    private static void exportToFile(final Export export, final ImageExport work, final Path file) throws IOException {
        final Path target = Files.exists(file) ? file.toRealPath() : file;
        final Path part = target.resolveSibling(target.getFileName() + PART_SUFFIX);
        final FileChannel channel;
        try {
            channel = FileChannel.open(
                    part, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW, StandardOpenOption.SPARSE);
        } catch (final FileAlreadyExistsException ex) {
            throw new CommandException(
                    ExitCode.BUSY,
                    "exists already: " + part,
                    "another export is writing it, or one was killed: delete it");
        }
        try (channel) {
            work.run(channel, true);
            if (channel.size() < export.size()) {
                // A hole at the end: one byte makes the file as long as the volume.
                channel.write(ByteBuffer.allocate(1), export.size() - 1);
                channel.force(true);
            }
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (final IOException | RuntimeException | Error ex) {
            deleteAfter(ex, part);
            throw ex;
        }
    }

    private static void deleteAfter(final Throwable failure, final Path part) {
        try {
            Files.deleteIfExists(part);
        } catch (final IOException ex) {
            failure.addSuppressed(ex);
        }
    }
}
