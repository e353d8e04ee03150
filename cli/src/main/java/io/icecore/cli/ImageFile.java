package io.icecore.cli;

import io.icecore.volume.Catalog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What an image file must not be. */
final class ImageFile {
    private ImageFile() {}

    /** Reading a store into itself has no end, and writing it over itself ends it. */
    static void requireNotTheStore(final Catalog catalog, final Path file) throws IOException {
        final Path store = Path.of(catalog.store().info().path());
        if (Files.exists(file) && Files.exists(store) && Files.isSameFile(file, store)) {
            throw new CommandException(ExitCode.FAILED, "image is the store itself: " + file);
        }
    }
}
