package io.icecore.cli.tour.ext2;

import static io.icecore.cli.tour.ext2.Ext2Layout.*;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Instant;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A disk may hold anything; the reader says what is wrong and never runs away. */
class Ext2ReaderTest {
    @TempDir
    Path folder;

    private Path image;
    private Ext2Reader.File file;

    @BeforeEach
    void write() throws IOException {
        image = folder.resolve("disk.img");
        try (Ext2Image ext2 = Ext2Image.create(image, 32 << 20, "test", UUID.randomUUID(), Instant.now())) {
            ext2.file("folder/file", new ByteArrayInputStream(new byte[100_000]));
        }
        try (FileChannel channel = FileChannel.open(image)) {
            file = Ext2ImageTest.readerOf(channel).find("folder/file");
        }
    }

    @Test
    void saysWhichFileIsMissing() {
        assertFails("folder/other", "no file folder/other");
    }

    @Test
    void refusesAFileWhereADirectoryShouldBe() {
        assertFails("folder/file/further", "no directory on the way");
    }

    @Test
    void refusesWhatIsNoFileSystem() throws IOException {
        Ext2ImageTest.overwrite(image, SUPERBLOCK_POSITION + SB_MAGIC, bytes(0));
        assertFails("folder/file", "magic");
    }

    @Test
    void refusesFeaturesItDoesNotKnow() throws IOException {
        Ext2ImageTest.overwrite(image, SUPERBLOCK_POSITION + SB_INCOMPATIBLE, bytes(0x42));
        assertFails("folder/file", "incompatible features: 0x42");
    }

    @Test
    void refusesABlockBeyondTheEnd() throws IOException {
        final int directPointers = 40;
        Ext2ImageTest.overwrite(image, file.inodePosition() + directPointers, bytes(8192));
        assertFails("folder/file", "block 8192");
    }

    @Test
    void refusesAPointerBlockBeyondTheEnd() throws IOException {
        final int indirectPointer = 40 + 4 * INDIRECT;
        Ext2ImageTest.overwrite(image, file.inodePosition() + indirectPointer, bytes(-1));
        assertFails("folder/file", "block -1");
    }

    @Test
    void refusesASizeBeyondItsLimitBeforeTakingMemory() throws IOException {
        final int size = 4;
        Ext2ImageTest.overwrite(image, file.inodePosition() + size, bytes(0x7FFF_FFFF));
        assertFails("folder/file", "64 MiB");
    }

    @Test
    void refusesADirectoryEntryThatLeadsNowhere() throws IOException {
        final Ext2Reader.File directory = reading(reader -> reader.find("folder"));
        final long firstEntry = (long) directory.blocks()[0] * BLOCK_LENGTH;
        Ext2ImageTest.overwrite(image, firstEntry + ENTRY_LENGTH, bytes(0));
        assertFails("folder/file", "broken directory");
    }

    private static ByteBuffer bytes(final int number) {
        return ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(number)
                .flip();
    }

    private interface Reading<T> {
        T from(Ext2Reader reader) throws IOException;
    }

    private <T> T reading(final Reading<T> reading) throws IOException {
        try (FileChannel channel = FileChannel.open(image)) {
            return reading.from(Ext2ImageTest.readerOf(channel));
        }
    }

    private void assertFails(final String path, final String message) {
        assertThatThrownBy(() -> reading(reader -> reader.content(reader.find(path))))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(message);
    }
}
