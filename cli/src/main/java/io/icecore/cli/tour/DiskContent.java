package io.icecore.cli.tour;

import io.icecore.cli.tour.ext2.Ext2Image;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Clock;
import java.util.Random;
import java.util.Set;
import java.util.UUID;

/**
 * Fills the disk of the tour with real files that every machine has which can run it: those of its Java, thousands of
 * small ones and a few large ones; this project's own, where it runs from a working tree; and the three files that will
 * change.
 */
final class DiskContent {
    static final long DISK_LENGTH = 128L << 20;

    private static final int MEASUREMENTS_LENGTH = 8 << 20;
    private static final long CLASSES_LENGTH_MAX = 8L << 20;
    private static final long LIBRARIES_LENGTH_MAX = 28L << 20;
    private static final long PROJECT_LENGTH_MAX = 6L << 20;
    private static final Set<String> FOLDERS_LEFT_OUT = Set.of("target", "node_modules");
    private static final String WELCOME = """
            This disk was made by `icecore tour`.

            java/classes, java/lib, project   files of the machine that it was made on
            home/diary.txt                    grows by ten lines a second, until somebody empties it
            home/diary.spare                  blocks that the diary will take
            home/measurements.dat             2,048 blocks, a hundred of which change every second
            """;

    private final Ext2Image image;
    private long fileBytes;

    private DiskContent(final Ext2Image image) {
        this.image = image;
    }

    /**
     * @param entryCount  files and folders
     * @param bytes       of the content of all files
     * @param withProject the project's own files are among them
     */
    record Summary(int entryCount, long bytes, boolean withProject) {}

    /** Writes the disk image to a new file. */
    static Summary write(final Path file, final Clock clock) throws IOException {
        final Ext2Image image = Ext2Image.create(file, DISK_LENGTH, "icecore-tour", UUID.randomUUID(), clock.instant());
        try (image) {
            final DiskContent content = new DiskContent(image);
            content.addLivingFiles();
            final Path project = projectFolder();
            content.addTree("project", project, PROJECT_LENGTH_MAX);
            content.addTree("java/lib", Path.of(System.getProperty("java.home"), "lib"), LIBRARIES_LENGTH_MAX);
            final Path classes = FileSystems.getFileSystem(URI.create("jrt:/")).getPath("/modules/java.base");
            content.addTree("java/classes", classes, CLASSES_LENGTH_MAX);
            return new Summary(image.entryCount(), content.fileBytes, project != null);
        }
    }

    /** First, so that the inodes of the diary and of its spare file share a block. */
    private void addLivingFiles() throws IOException {
        add("home/README.txt", WELCOME.getBytes(StandardCharsets.UTF_8));
        add(Diary.PATH, new byte[0]);
        add(
                Diary.SPARE_PATH,
                "Blocks for the diary.\n"
                        .repeat(10_000)
                        .substring(0, Diary.SPARE_LENGTH)
                        .getBytes(StandardCharsets.US_ASCII));
        final byte[] measurements = new byte[MEASUREMENTS_LENGTH];
        new Random(1).nextBytes(measurements);
        add(DiskLife.MEASUREMENTS_PATH, measurements);
    }

    private void add(final String path, final byte[] content) throws IOException {
        image.file(path, new ByteArrayInputStream(content));
        fileBytes += content.length;
    }

    /** Adds the files of a folder while they are fewer bytes than the limit; leaves out what cannot be read. */
    private void addTree(final String name, final Path root, final long lengthMax) throws IOException {
        if (root == null || !Files.isDirectory(root)) {
            return;
        }
        final long end = fileBytes + lengthMax;
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(final Path folder, final BasicFileAttributes attributes) {
                final String folderName = String.valueOf(folder.getFileName());
                return FOLDERS_LEFT_OUT.contains(folderName) || folderName.startsWith(".")
                        ? FileVisitResult.SKIP_SUBTREE
                        : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(final Path file, final BasicFileAttributes attributes) throws IOException {
                if (attributes.isRegularFile() && attributes.size() <= end - fileBytes && Files.isReadable(file)) {
                    try (InputStream content = Files.newInputStream(file)) {
                        image.file(name + "/" + root.relativize(file), content);
                    }
                    fileBytes += attributes.size();
                }
                return fileBytes < end ? FileVisitResult.CONTINUE : FileVisitResult.TERMINATE;
            }

            @Override
            public FileVisitResult visitFileFailed(final Path file, final IOException failure) {
                return FileVisitResult.CONTINUE;
            }
        });
    }

    /** The working tree that this program runs from, or null. */
    private static Path projectFolder() {
        try {
            Path folder = Path.of(DiskContent.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
            while (folder != null) {
                if (Files.isRegularFile(folder.resolve("cli/pom.xml")) && Files.isDirectory(folder.resolve("store"))) {
                    return folder;
                }
                folder = folder.getParent();
            }
            return null;
        } catch (final URISyntaxException ex) {
            return null; // Then without the project's own files.
        }
    }
}
