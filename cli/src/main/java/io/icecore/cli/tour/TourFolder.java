package io.icecore.cli.tour;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** The place of the tour's own: a new folder, of which nothing is left in the end but what is to be kept. */
final class TourFolder implements AutoCloseable {
    enum Keep {
        NOTHING,
        STORE,
        /** A proof failed: somebody will want to know why. */
        EVERYTHING
    }

    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rwx------");

    private final Path path;
    private Keep keep = Keep.NOTHING;

    /** @param parent where to make it, or null for the system's place for temporary files */
    TourFolder(final Path parent) throws IOException {
        final Path place = parent == null ? Path.of(System.getProperty("java.io.tmpdir")) : parent;
        path = create(Files.createDirectories(place.toAbsolutePath()));
    }

    /** A short name: the path is on the screen again and again, and a Unix socket's may have 107 characters. */
    private static Path create(final Path place) throws IOException {
        final SecureRandom random = new SecureRandom();
        while (true) {
            final Path folder = place.resolve(String.format("icecore-tour-%04x", random.nextInt(1 << 16)));
            try {
                return isPosix(place)
                        ? Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(OWNER_ONLY))
                        : Files.createDirectory(folder);
            } catch (final FileAlreadyExistsException ex) {
                continue; // Another name.
            }
        }
    }

    private static boolean isPosix(final Path place) {
        return place.getFileSystem().supportedFileAttributeViews().contains("posix");
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
