package io.icecore.store;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.commit.SuperblockSlots;
import io.icecore.store.format.Superblock;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.space.SlotGeometry;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The two copies of a superblock are far enough apart that what ruins a whole group leaves one, and it is found. */
class SuperblockPlacesTest {
    @ParameterizedTest
    @ValueSource(longs = {16, 20, 24, 28, 100, 300})
    void aStoreOpensWhicheverGroupOfSlotsIsRuined(final long mebibytes) {
        final SimBlockDevice first = new SimBlockDevice(mebibytes << 20);
        Store.format(first, "places");
        Store.open(first).close();
        final SimBlockDevice sound = first.kill();
        final long generation =
                copies(sound).stream().mapToLong(copy -> copy.generation).max().getAsLong();
        final SlotGeometry geometry = SuperblockSlots.find(sound);

        for (int group = 0; group < geometry.groups(sound.length() / BLOCK_LENGTH); group++) {
            final SimBlockDevice device = sound.kill();
            for (int slot = 0; slot < SlotGeometry.GROUP_SLOTS; slot++) {
                device.flipBit(geometry.slotBlock(group * SlotGeometry.GROUP_SLOTS + slot) * BLOCK_LENGTH + 1000, 0);
            }

            assertThat(Store.open(device).info().generation())
                    .as("group %d", group)
                    .isEqualTo(generation + 16);
        }
    }

    @Test
    void aSlotThatFailsIsReplacedByOneOfAnotherGroup() {
        final SimBlockDevice device = new SimBlockDevice(16L << 20);
        Store.format(device, "places");
        final Store store = Store.open(device);
        for (int commit = 0; commit < 4; commit++) {
            for (final long slot : store.opened().current.nextSlots) {
                device.faults().failWritesWithin(slot * BLOCK_LENGTH, BLOCK_LENGTH);
            }

            put(store, commit);
            store.commit();

            assertThat(copies(device).stream()
                            .filter(copy -> copy.generation == store.info().generation())
                            .map(copy -> copy.block / store.opened().geometry.strideBlocks()))
                    .as("groups of the two copies")
                    .doesNotHaveDuplicates()
                    .hasSize(2);
        }
    }

    private static void put(final Store store, final long key) {
        store.lock();
        try {
            store.catalogue().put(1, key, new UnsafeBuffer(new byte[8]), 0, 8);
        } finally {
            store.unlock();
        }
    }

    private static List<Superblock> copies(final SimBlockDevice device) {
        return new SuperblockSlots(device, SuperblockSlots.find(device))
                .readAll(true)
                .copies();
    }
}
