package io.icecore.cli.tour.ext2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.cli.tour.ExternalTool;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written is read back, and the file system's own tools find nothing to complain of. */
class Ext2ImageTest {
    private static final long MIB = 1 << 20;
    private static final int BLOCK = 4096;
    private static final UUID UUID_OF_TEST = new UUID(0x1cec07e, 42);

    @TempDir
    Path folder;

    private final Map<String, byte[]> files = new TreeMap<>();
    private Path image;

    @BeforeEach
    void describeFilesOfEverySize() {
        image = folder.resolve("disk.img");
        final int[] lengths = {
            0, 1, BLOCK - 1, BLOCK, 12 * BLOCK, 12 * BLOCK + 1, (12 + 1024) * BLOCK, (12 + 1024) * BLOCK + 1, 9 << 20
        };
        final Random random = new Random(1);
        for (final int length : lengths) {
            final byte[] content = new byte[length];
            random.nextBytes(content);
            files.put("sizes/of " + length + " bytes", content);
        }
        for (int i = 0; i < 300; i++) {
            files.put("crowded/" + "n".repeat(240) + i, new byte[] {(byte) i}); // More than 12 blocks of directory.
        }
        files.put("a/b/c/d/näme.txt", "deep".getBytes(StandardCharsets.UTF_8));
        files.put("top.txt", "top".getBytes(StandardCharsets.UTF_8));
    }

    private void write(final long length) throws IOException {
        try (Ext2Image ext2 =
                Ext2Image.create(image, length, "test", UUID_OF_TEST, Instant.ofEpochSecond(1_700_000_000))) {
            ext2.addDirectory("empty");
            for (final Map.Entry<String, byte[]> file : files.entrySet()) {
                ext2.file(file.getKey(), new ByteArrayInputStream(file.getValue()));
            }
        }
    }

    @Test
    void givesBackEveryFile() throws IOException {
        write(64 * MIB);

        assertThat(Files.size(image)).isEqualTo(64 * MIB);
        try (FileChannel channel = FileChannel.open(image)) {
            final Ext2Reader reader = readerOf(channel);
            assertThat(reader.length()).isEqualTo(64 * MIB);
            for (final Map.Entry<String, byte[]> file : files.entrySet()) {
                assertThat(reader.content(reader.find("/" + file.getKey())))
                        .as(file.getKey())
                        .isEqualTo(file.getValue());
            }
        }
    }

    @Test
    void isCleanToTheFileSystemChecker() throws Exception {
        final ExternalTool e2fsck = ExternalTool.require("e2fsck");
        write(64 * MIB);

        e2fsck.runSuccessfully("-f", "-n", image.toString());
    }

    @Test
    void isCleanWithManyGroupsWhenNearlyFull() throws Exception {
        final ExternalTool e2fsck = ExternalTool.require("e2fsck");
        final Ext2Image ext2 = Ext2Image.create(image, 352 * MIB, "test", UUID_OF_TEST, Instant.now());
        try (ext2) {
            for (int i = 0; ext2.freeBytes() > 2 * MIB; i++) {
                ext2.file("f" + i % 7 + "/" + i, new ByteArrayInputStream(new byte[i % 5 == 0 ? 1 << 20 : 5000]));
            }
        }

        e2fsck.runSuccessfully("-f", "-n", image.toString());
    }

    @Test
    void hasBackupSuperblocksThatTheCheckerCanUse() throws Exception {
        final ExternalTool e2fsck = ExternalTool.require("e2fsck");
        write(128 * MIB);

        e2fsck.runSuccessfully("-f", "-n", "-B", "4096", "-b", "24576", image.toString());
    }

    @Test
    void holdsTheSameFilesForTheDebugger() throws Exception {
        final ExternalTool debugfs = ExternalTool.require("debugfs");
        write(64 * MIB);
        final Path dumped = Files.createDirectory(folder.resolve("dumped"));

        debugfs.runSuccessfully("-R", "rdump / \"" + dumped + "\"", image.toString());

        for (final Map.Entry<String, byte[]> file : files.entrySet()) {
            assertThat(dumped.resolve(file.getKey())).as(file.getKey()).hasBinaryContent(file.getValue());
        }
        assertThat(dumped.resolve("empty")).isEmptyDirectory();
    }

    @Test
    void staysCleanWithoutTheFileThatDoesNotFit() throws Exception {
        try (Ext2Image ext2 = Ext2Image.create(image, 32 * MIB, "test", UUID_OF_TEST, Instant.now());
                InputStream endless = new Endless()) {
            ext2.file("first", new ByteArrayInputStream(new byte[20_000_000]));
            assertThatThrownBy(() -> ext2.file("folder/endless", endless))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("full");
            ext2.file("last", new ByteArrayInputStream(new byte[5_000_000]));
        }

        try (FileChannel channel = FileChannel.open(image)) {
            assertThat(readerOf(channel).find("last").inode().size).isEqualTo(5_000_000);
        }
        ExternalTool.require("e2fsck").runSuccessfully("-f", "-n", image.toString());
    }

    @Test
    void refusesASecondFileOfTheSameName() throws IOException {
        try (Ext2Image ext2 = Ext2Image.create(image, 32 * MIB, "test", UUID_OF_TEST, Instant.now())) {
            ext2.file("a", InputStream.nullInputStream());
            assertThatThrownBy(() -> ext2.file("a", InputStream.nullInputStream()))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    static Ext2Reader readerOf(final FileChannel channel) throws IOException {
        return new Ext2Reader((offset, target) -> readFully(channel, offset, target));
    }

    private static void readFully(final FileChannel channel, final long offset, final ByteBuffer target)
            throws IOException {
        long at = offset;
        while (target.hasRemaining()) {
            at += channel.read(target, at);
        }
    }

    private static final class Endless extends InputStream {
        @Override
        public int read() {
            return 1;
        }

        @Override
        public int readNBytes(final byte[] target, final int from, final int length) {
            Arrays.fill(target, from, from + length, (byte) 1);
            return length;
        }
    }

    /** For {@link Ext2ReaderTest}. */
    static void overwrite(final Path image, final long position, final ByteBuffer bytes) throws IOException {
        try (FileChannel channel = FileChannel.open(image, StandardOpenOption.WRITE)) {
            channel.write(bytes, position);
        }
    }
}
