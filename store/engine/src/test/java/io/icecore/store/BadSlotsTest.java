package io.icecore.store;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.device.StoreException;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.space.SlotGeometry;
import io.icecore.store.tree.TreeEntry;
import java.util.ArrayList;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Superblock slots that can no longer be written, or read: 16 of them stand on the smallest store. */
class BadSlotsTest {
    private static final int COMMITS = 12;

    private final SimBlockDevice device = new SimBlockDevice(16 << 20);
    private final UnsafeBuffer value = new UnsafeBuffer(new byte[Long.BYTES]);

    @ParameterizedTest
    @ValueSource(ints = {4, 5, 6, 7, 15})
    void everyAcknowledgedCommitSurvivesWhileFourSlotsAreGood(final int good) {
        Store.format(device, "test");
        final Store store = Store.open(device);
        failWritesOfAllSlotsBut(good);
        final long[] acknowledged = {0};
        final List<Long> found = new ArrayList<>();
        device.onOperation(operation -> {
            for (int seed = 0; seed < 4; seed++) {
                found.add(numberIn(Store.open(device.powerCycle(seed))));
                assertThat(found.get(found.size() - 1)).isBetween(acknowledged[0], acknowledged[0] + 1);
            }
        });

        for (int commit = 1; commit <= COMMITS; commit++) {
            put(store, commit);
            store.commit();
            acknowledged[0] = commit;
        }

        assertThat(found).contains(0L, (long) COMMITS);
        assertThat(numberIn(Store.open(device.powerCycle(1)))).isEqualTo(COMMITS);
    }

    @Test
    void withThreeGoodSlotsTheStoreCanOnlyBeRead() {
        Store.format(device, "test");
        final Store store = Store.open(device);
        put(store, 1);
        store.commit();
        failWritesOfAllSlotsBut(3);
        for (int commit = 2; commit < 20; commit++) { // Each may find another slot that fails.
            try {
                put(store, commit);
                store.commit();
            } catch (final StoreException ex) {
                break;
            }
        }

        assertThatThrownBy(store::commit).isInstanceOf(StoreException.class).hasMessageContaining("must be reopened");
        assertThat(store.info().health()).startsWith("takes no more writes: superblock slots that can be written: 3");
        assertThat(numberIn(store)).isPositive();
        assertThat(numberIn(Store.openReadOnly(device.kill()))).isPositive();
    }

    @Test
    void aSlotThatFailedIsNotTriedAgain() {
        Store.format(device, "test");
        final Store store = Store.open(device);
        failWritesOfAllSlotsBut(8);
        for (int commit = 1; commit <= 30; commit++) {
            put(store, commit);
            store.commit();
        }
        final long writes = device.writes();

        put(store, 31);
        store.commit();

        assertThat(device.writes() - writes).as("a leaf and two superblocks").isEqualTo(3);
    }

    @Test
    void slotsThatCannotBeReadAreNotWrittenByOpening() {
        Store.format(device, "test");
        Store.open(device).close();
        final SimBlockDevice next = device.kill();
        final List<Long> slots = slots();
        for (final long slot : slots.subList(12, 16)) { // The last group: far from where anything is announced.
            next.faults().failReadsWithin(slot * BLOCK_LENGTH, BLOCK_LENGTH);
            next.faults().failWritesWithin(slot * BLOCK_LENGTH, BLOCK_LENGTH);
        }

        final Store store = Store.open(next);
        for (int commit = 1; commit <= 30; commit++) {
            put(store, commit);
            store.commit();
        }

        assertThat(numberIn(store)).isEqualTo(30);
    }

    private List<Long> slots() {
        final SlotGeometry geometry = SlotGeometry.forNewStore(device.length() / BLOCK_LENGTH);
        final List<Long> slots = new ArrayList<>();
        for (int slot = 0; slot < geometry.slotBlocks(device.length() / BLOCK_LENGTH); slot++) {
            slots.add(geometry.slotBlock(slot));
        }
        return slots;
    }

    private void failWritesOfAllSlotsBut(final int good) {
        final List<Long> slots = slots();
        for (int slot = 0; slot < slots.size() - good; slot++) {
            device.faults().failWritesWithin(slots.get(slot) * BLOCK_LENGTH, BLOCK_LENGTH);
        }
    }

    private void put(final Store store, final long number) {
        value.putLong(0, number);
        store.lock();
        try {
            store.catalogue().put(1, 1, value, 0, Long.BYTES);
        } finally {
            store.unlock();
        }
    }

    private static long numberIn(final Store store) {
        final TreeEntry entry = new TreeEntry();
        return store.catalogue().get(1, 1, entry) ? entry.value.getLong(0) : 0;
    }
}
