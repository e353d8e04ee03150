package io.icecore.store.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.format.SpillLayout.Spill;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

/**
 * Images of format version 3, byte for byte. They are never written anew: a difference is a change of format, which
 * needs a new version. {@code -Dformat.golden.write=DIR} writes images of a structure that has none yet.
 */
class FormatGoldenTest {
    private static final UUID STORE = new UUID(0x0123_4567_89AB_CDEFL, 0x8899_AABB_CCDD_EEFFL);

    @Test
    void superblockIsAsItWas() throws IOException {
        final UnsafeBuffer image = new UnsafeBuffer(new byte[4096]);
        superblock().encode(image, 0, 5);
        assertSame("superblock", image);

        final Superblock decoded = Superblock.decode(golden("superblock"), 0, 5);
        assertThat(decoded.sameCommit(superblock())).isTrue();
        assertThat(decoded.redirects).containsExactly(100, 200, (7L << 32) + 41, 101, 201, (6L << 32) + 0xFFFF_FFF0L);
        assertThat(decoded.space).containsExactly(300, 12, 400, -3);
    }

    @Test
    void nodeIsAsItWas() throws IOException {
        final NodePage page = new NodePage(2, 0);
        final UnsafeBuffer value = new UnsafeBuffer("some value".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        page.insert(0, 7, 9, value, 0, 10);
        page.insert(0, 7, 3, value, 5, 5);
        page.insert(2, 8, -1, value, 0, 0);
        page.remove(1);
        page.seal(STORE, 1234, 77);
        assertSame("node", page.image());

        final NodePage read = new NodePage(new UnsafeBuffer(bytes("node"))).verify("node", STORE, 2, 0, 1234, 77);
        assertThat(read.count()).isEqualTo(2);
        assertThat(read.lo(0)).isEqualTo(3);
        assertThat(read.hi(1)).isEqualTo(8);
    }

    @Test
    void spillNodeIsAsItWas() throws IOException {
        final UnsafeBuffer image = new UnsafeBuffer(new byte[4096]);
        SpillLayout.encode(image, STORE, 99, 55, new Spill(98, 54, new long[] {1000, 32767, 70_000_000_000L, -1}));
        assertSame("spill", image);
        assertThat(SpillLayout.decode(golden("spill"), STORE, 99, 55).entries())
                .containsExactly(1000, 32767, 70_000_000_000L, -1);
    }

    @Test
    void everyFlippedBitOfASuperblockIsFound() {
        final UnsafeBuffer image = new UnsafeBuffer(new byte[4096]);
        superblock().encode(image, 0, 5);
        for (int bit = 0; bit < 4096 * 8; bit += 7) {
            image.putByte(bit / 8, (byte) (image.getByte(bit / 8) ^ 1 << bit % 8));
            assertThatThrownBy(() -> Superblock.decode(image, 0, 5)).isInstanceOf(CorruptStoreException.class);
            image.putByte(bit / 8, (byte) (image.getByte(bit / 8) ^ 1 << bit % 8));
        }
        assertThatThrownBy(() -> Superblock.decode(image, 0, 6))
                .isInstanceOf(CorruptStoreException.class)
                .hasMessageContaining("own block 0x5 (expected: 0x6)");
    }

    @Test
    void everyFlippedBitOfANodeIsFound() {
        final NodePage page = new NodePage(2, 0);
        page.insert(0, 7, 9, new UnsafeBuffer(new byte[10]), 0, 10);
        page.seal(STORE, 1234, 77);
        final UnsafeBuffer image = (UnsafeBuffer) page.image();
        for (int bit = 0; bit < 4096 * 8; bit += 5) {
            image.putByte(bit / 8, (byte) (image.getByte(bit / 8) ^ 1 << bit % 8));
            assertThatThrownBy(() -> page.verify("node", STORE, 2, 0, 1234, 77))
                    .isInstanceOf(CorruptStoreException.class);
            image.putByte(bit / 8, (byte) (image.getByte(bit / 8) ^ 1 << bit % 8));
        }
        page.verify("node", STORE, 2, 0, 1234, 77);
        assertThatThrownBy(() -> page.verify("node", STORE, 2, 0, 1234, 78)).hasMessageContaining("generation");
    }

    private static Superblock superblock() {
        final Superblock sb = new Superblock();
        sb.storeId = STORE;
        sb.generation = (7L << 32) + 42;
        sb.parentGeneration = (7L << 32) + 41;
        sb.nonce = 0x1122_3344_5566_7788L;
        sb.timeMillis = 1_800_000_000_000L;
        sb.flags = SuperblockLayout.FLAG_SEALING;
        sb.blockCount = 1 << 20;
        sb.segmentBlocks = 1024;
        sb.slotStrideBlocks = 16384;
        sb.cursor = 5000;
        sb.usedBlocks = 4321;
        sb.nextSlots[0] = 6;
        sb.nextSlots[1] = 16385;
        sb.spillBlock = 900;
        sb.spillGeneration = 40;
        sb.label = "golden";
        sb.rootBlocks[2] = 777;
        sb.rootGenerations[2] = 39;
        sb.rootLevels[2] = 3;
        sb.redirects = new long[] {100, 200, (7L << 32) + 41, 101, 201, (6L << 32) + 0xFFFF_FFF0L};
        sb.runs = new long[] {500, 3, 0xDEAD_BEEFL};
        sb.space = new long[] {300, 12, 400, -3};
        sb.notes = new byte[] {1, 2, 3};
        return sb;
    }

    private static void assertSame(final String name, final org.agrona.DirectBuffer image) throws IOException {
        final byte[] bytes = new byte[4096];
        image.getBytes(0, bytes);
        final String directory = System.getProperty("format.golden.write");
        if (directory != null) {
            Files.write(Path.of(directory, name + ".img"), bytes, java.nio.file.StandardOpenOption.CREATE_NEW);
        }
        assertThat(bytes).isEqualTo(bytes(name));
    }

    private static UnsafeBuffer golden(final String name) throws IOException {
        return new UnsafeBuffer(bytes(name));
    }

    private static byte[] bytes(final String name) throws IOException {
        try (InputStream in = FormatGoldenTest.class.getResourceAsStream("/format/v3/" + name + ".img")) {
            assertThat(in).as("golden image " + name).isNotNull();
            return in.readAllBytes();
        }
    }
}
