package io.icecore.store;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.commit.SuperblockSlots;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.format.Checksum;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.Superblock;
import io.icecore.store.format.UnknownFormatException;
import io.icecore.store.sim.SimBlockDevice;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Superblocks that another version of the program has written, and such as nobody writes. */
class NewerFormatTest {
    private static final int FORMAT_VERSION_OFFSET = 8;
    private static final int CHECKSUM_OFFSET = 12;
    private static final int INCOMPATIBLE_OFFSET = 48;
    private static final int SEGMENT_BLOCKS_OFFSET = 112;

    private SimBlockDevice device = new SimBlockDevice(16 << 20);

    @BeforeEach
    void makeStore() {
        Store.format(device, "test");
        Store.open(device).close();
        device = device.kill();
    }

    @Test
    void aStoreThatANewerProgramHasWrittenSinceIsRefusedAndLeftAlone() {
        patchNewest(2, image -> image.putInt(FORMAT_VERSION_OFFSET, 7, LITTLE_ENDIAN));
        assertRefused("format version 7");
    }

    @Test
    void anIncompatibleFeatureOfTheNewestCommitIsNamedThoughOlderCommitsCouldBeOpened() {
        patchNewest(2, image -> image.putLong(INCOMPATIBLE_OFFSET, 0x10, LITTLE_ENDIAN));
        assertRefused("incompatible features 0x10");
    }

    private void assertRefused(final String problem) {
        final long writes = device.writes();
        assertThatThrownBy(() -> Store.open(device))
                .isInstanceOf(UnknownFormatException.class)
                .hasMessageContaining(problem);
        assertThatThrownBy(() -> Store.openReadOnly(device))
                .isInstanceOf(UnknownFormatException.class)
                .hasMessageContaining(problem);
        assertThat(device.writes()).isEqualTo(writes);
    }

    @Test
    void aVersionThatNoChecksumBearsOutIsDamageOfOneCopy() {
        final Superblock newest = newest().get(0);
        device.flipBit(newest.block * BLOCK_LENGTH + FORMAT_VERSION_OFFSET, 3);

        final Store store = Store.open(device);

        assertThat(store.info().generation()).isGreaterThan(newest.generation);
    }

    @Test
    void aSegmentWhoseBitsDoNotFitIntoAnEntryIsNoSegment() {
        for (final int segmentBlocks : new int[] {32, 1000, 16384, 1 << 15}) {
            patchNewest(1, image -> image.putInt(SEGMENT_BLOCKS_OFFSET, segmentBlocks, LITTLE_ENDIAN));
            final long block = patched;
            assertThatThrownBy(() -> Superblock.decode(read(block), 0, block))
                    .isInstanceOf(CorruptStoreException.class)
                    .hasMessageContaining("segmentBlocks=" + segmentBlocks);
        }
    }

    private long patched;

    /** Changes copies of the newest commit, and puts their checksums right. */
    private void patchNewest(final int copies, final Consumer<UnsafeBuffer> patch) {
        for (final Superblock copy : newest().subList(0, copies)) {
            final UnsafeBuffer image = read(copy.block);
            patch.accept(image);
            image.putInt(CHECKSUM_OFFSET, Checksum.around(image, 0, BLOCK_LENGTH, CHECKSUM_OFFSET), LITTLE_ENDIAN);
            device.write(copy.block * BLOCK_LENGTH, image, 0, BLOCK_LENGTH);
            device.flush();
            patched = copy.block;
        }
    }

    private UnsafeBuffer read(final long block) {
        final UnsafeBuffer image = new UnsafeBuffer(new byte[BlockDevice.BLOCK_LENGTH]);
        device.read(block * BLOCK_LENGTH, image, 0, BLOCK_LENGTH);
        return image;
    }

    private List<Superblock> newest() {
        final List<Superblock> copies = new SuperblockSlots(device, SuperblockSlots.find(device))
                .readAll(false)
                .copies();
        final long generation = copies.stream()
                .max(Comparator.comparingLong(copy -> copy.generation))
                .orElseThrow()
                .generation;
        return copies.stream().filter(copy -> copy.generation == generation).toList();
    }
}
