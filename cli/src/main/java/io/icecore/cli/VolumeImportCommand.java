package io.icecore.cli;

import io.icecore.store.device.SparseFile;
import io.icecore.volume.ByteSize;
import io.icecore.volume.Catalog;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        description = "Makes a volume of a raw image or a block device. Holes stay holes.",
        footer = {
            "",
            "Example:",
            "  icecore volume import vm1 disk.raw",
            "  zcat disk.raw.gz | icecore volume import vm1 -"
        })
final class VolumeImportCommand extends StoreCommand {
    @Parameters(index = "0", paramLabel = "NAME", description = "Name of the new volume.")
    private String name;

    @Parameters(index = "1", paramLabel = "IMAGE", description = "File or block device, - for standard input.")
    private String image;

    @Override
    Access access() {
        return Access.WRITE;
    }

    @Override
    int run(final Catalog catalog) throws IOException {
        final ImageImport work = new ImageImport(catalog, console());
        final long size = image.equals("-")
                ? work.run(
                        name,
                        "standard input",
                        new ImagePipeSource(Channels.newChannel(console().in())),
                        -1)
                : importFile(catalog, work);
        console()
                .out()
                .println("volume " + name + " imported: " + ByteSize.format(size) + ", "
                        + ByteSize.format(work.writtenBytes()) + " of it data");
        return ExitCode.DONE;
    }

    private long importFile(final Catalog catalog, final ImageImport work) throws IOException {
        final Path file = console().resolve(image);
        if (!Files.exists(file)) {
            throw new NoSuchFileException(file.toString());
        }
        if (Files.isDirectory(file)) {
            throw new CommandException(ExitCode.FAILED, "is a directory: " + file);
        }
        ImageFile.requireNotTheStore(catalog, file);
        try (SparseFile source = SparseFile.open(file)) {
            final long length = source.size();
            if (length == 0) {
                throw new CommandException(
                        ExitCode.FAILED, "image is empty: " + file, "a pipe is imported through standard input: -");
            }
            ImageImport.requireWholeChunks(file.toString(), length);
            return work.run(name, file.toString(), new ImageFileSource(source, length), length);
        }
    }
}
