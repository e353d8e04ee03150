package io.icecore.cli.tour;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** The place of the tour's own: a new folder, of which nothing is left in the end but what is to be kept. */
final class TourFolder implements AutoCloseable {
    enum Keep {
        NOTHING,
        STORE,
        /** A proof failed: somebody will want to know why. */
        EVERYTHING
    }

    private final Path path;
    private Keep keep = Keep.NOTHING;

    /** @param parent where to make it, or null for the system's place for temporary files */
    TourFolder(final Path parent) throws IOException {
        path = parent == null
                ? Files.createTempDirectory("icecore-tour-")
                : Files.createTempDirectory(Files.createDirectories(parent), "icecore-tour-");
    }

    Path store() {
        return path.resolve("demo.icecore");
    }

    Path file(final String name) {
        return path.resolve(name);
    }

    Path path() {
        return path;
    }

    /** Says what outlives the tour. */
    synchronized void keep(final Keep keep) {
        this.keep = keep;
    }

    /** Deletes everything, whatever was to be kept. */
    void deleteAll() throws IOException {
        keep(Keep.NOTHING);
        close();
    }

    /** Deletes what is not kept. Idempotent, callable from any thread. */
    @Override
    public synchronized void close() throws IOException {
        if (keep == Keep.EVERYTHING) {
            return;
        }
        try (Stream<Path> tree = Files.walk(path)) {
            final List<Path> deepestFirst = tree.sorted(Comparator.reverseOrder())
                    .filter(file -> keep == Keep.NOTHING || !file.equals(store()) && !file.equals(path))
                    .toList();
            for (final Path file : deepestFirst) {
                Files.deleteIfExists(file);
            }
        } catch (final NoSuchFileException ex) {
            return; // Gone already.
        } catch (final UncheckedIOException ex) {
            throw ex.getCause();
        }
    }
}
