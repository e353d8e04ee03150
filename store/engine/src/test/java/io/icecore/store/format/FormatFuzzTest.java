package io.icecore.store.format;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.icecore.store.commit.SpaceTree;
import io.icecore.store.tree.TreeEntry;
import java.nio.ByteBuffer;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The decoders of everything on the device, against any bytes: what they return is sound, or they say that it is not.
 *
 * <p>The input patches a sound image (offset, value, three bytes a patch), and the checksum is made right again: a wrong
 * checksum alone would stop every attack at the first line. Plain tests run the seeds; docs/testing.md tells how to fuzz.
 */
class FormatFuzzTest {
    private static final UUID STORE = new UUID(1, 2);
    private static final long OWN_BLOCK = 77;
    private static final int PATCH_LENGTH = 3;
    private static final int CHECKSUM_OFFSET = 4;

    static Stream<Arguments> seeds() {
        return IntStream.range(0, 64).mapToObj(seed -> {
            final byte[] patches = new byte[PATCH_LENGTH * (seed % 9)];
            new java.util.Random(seed).nextBytes(patches);
            return Arguments.of((Object) patches);
        });
    }

    /** Patches an image. The first kilobyte, where structure is densest, takes most of them. */
    private static void patch(final UnsafeBuffer image, final byte[] input) {
        final ByteBuffer patches = ByteBuffer.wrap(input);
        while (patches.remaining() >= PATCH_LENGTH) {
            final int at = Short.toUnsignedInt(patches.getShort());
            image.putByte((at & 0x8000) == 0 ? at % 1024 : at % BLOCK_LENGTH, patches.get());
        }
    }

    private static void seal(final UnsafeBuffer image, final int checksumOffset) {
        image.putInt(checksumOffset, Checksum.around(image, 0, BLOCK_LENGTH, checksumOffset), LITTLE_ENDIAN);
    }

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "3m")
    void superblock(final byte[] input) {
        final UnsafeBuffer image = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
        superblock().encode(image, 0, OWN_BLOCK);
        patch(image, input);
        seal(image, SuperblockLayout.CHECKSUM_OFFSET);
        final Superblock decoded;
        try {
            decoded = Superblock.decode(image, 0, OWN_BLOCK);
        } catch (final CorruptStoreException ex) {
            return;
        }
        assertThat(decoded.listsLength()).isBetween(0, SuperblockLayout.LISTS_LENGTH);
        if (LongStream.of(decoded.space).anyMatch(number -> number == 0)) {
            return; // A run of no blocks is refused when the log is replayed: to be no superblock would hide a commit.
        }
        final UnsafeBuffer again = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
        decoded.encode(again, 0, OWN_BLOCK);
        assertThat(Superblock.decode(again, 0, OWN_BLOCK).sameCommit(decoded)).isTrue();
    }

    private static Superblock superblock() {
        final Superblock superblock = new Superblock();
        superblock.storeId = STORE;
        superblock.label = "fuzz";
        superblock.generation = 1000;
        superblock.parentGeneration = 999;
        superblock.blockCount = 4096;
        superblock.segmentBlocks = 1024;
        superblock.slotStrideBlocks = 1024;
        superblock.redirects = new long[] {10, 11, 900, 12, 13, 901};
        superblock.runs = new long[] {20, 3, 0x1234_5678L};
        superblock.space = new long[] {30, 4, 50, -2};
        superblock.notes = new byte[100];
        superblock.rootBlocks[1] = 40;
        superblock.rootGenerations[1] = 950;
        return superblock;
    }

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "3m")
    void node(final byte[] input) {
        final UnsafeBuffer image = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
        image.putBytes(0, node(input.length % 2).image(), 0, BLOCK_LENGTH);
        patch(image, input);
        seal(image, CHECKSUM_OFFSET);
        final NodePage page = new NodePage(image);
        try {
            page.verifyIdentity("node", STORE, OWN_BLOCK);
        } catch (final CorruptStoreException ex) {
            return;
        }
        useEverythingOf(page);
    }

    private static NodePage node(final int level) {
        final NodePage page = new NodePage(2, level);
        final UnsafeBuffer value = new UnsafeBuffer(new byte[64]);
        for (int entry = 0; entry < 8; entry++) {
            page.insert(entry, entry, 7 * entry, value, 0, level == 0 ? 6 * entry : NodePage.POINTER_LENGTH);
        }
        page.seal(STORE, OWN_BLOCK, 1000);
        return page;
    }

    /** What passed verification is used without further checks. */
    private static void useEverythingOf(final NodePage page) {
        final TreeEntry copy = new TreeEntry();
        for (int entry = 0; entry < page.count(); entry++) {
            assertThat(page.floor(page.hi(entry), page.lo(entry))).isEqualTo(entry);
            if (page.level() == 0) {
                try {
                    copy.copy(page, entry);
                } catch (final CorruptStoreException ex) {
                    assertThat(ex).hasMessageContaining("value length");
                }
            } else {
                page.childBlock(entry);
                page.childGeneration(entry);
            }
        }
        final NodePage halves = new NodePage(page.tree(), page.level());
        halves.append(page, 0, page.count());
        assertThat(halves.count()).isEqualTo(page.count());
        while (halves.count() > 0) {
            halves.remove(halves.count() / 2);
        }
        assertThat(halves.freeBytes()).isEqualTo(NodePage.ROOM);
    }

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "3m")
    void spill(final byte[] input) {
        final UnsafeBuffer image = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
        final long[] entries = {30, 4, 50, -2, 1L << 40, 0x7FFF};
        SpillLayout.encode(image, STORE, OWN_BLOCK, 1000, new SpillLayout.Spill(70, 990, entries));
        patch(image, input);
        seal(image, CHECKSUM_OFFSET);
        final SpillLayout.Spill spill;
        try {
            spill = SpillLayout.decode(image, STORE, OWN_BLOCK, 1000);
        } catch (final CorruptStoreException ex) {
            return;
        }
        assertThat(spill.entries().length).isBetween(2, 2 * SpillLayout.CAPACITY);
    }

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "3m")
    void spaceEntry(final byte[] input) {
        final int segmentBlocks = 64 << (input.length == 0 ? 4 : Math.floorMod(input[0], 8));
        final int length = Math.min(input.length, TreeEntry.VALUE_LENGTH_MAX);
        final NodePage leaf = new NodePage(5, 0);
        leaf.insert(0, 0, 0, new UnsafeBuffer(input), 0, length);
        final TreeEntry entry = new TreeEntry();
        entry.copy(leaf, 0);
        final long[] bits = new long[segmentBlocks / 64];
        try {
            SpaceTree.decode(entry, 3, segmentBlocks, bits);
        } catch (final CorruptStoreException ex) {
            return;
        }
        int count = 0;
        for (final long word : bits) {
            count += Long.bitCount(word);
        }
        assertThat(count).isEqualTo(Short.toUnsignedInt(entry.value.getShort(0, LITTLE_ENDIAN)));
    }
}
