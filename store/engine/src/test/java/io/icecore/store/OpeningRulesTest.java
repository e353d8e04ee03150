package io.icecore.store;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static io.icecore.store.device.BlockDevice.SECTOR_LENGTH;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.commit.CommitParticipant;
import io.icecore.store.commit.OpenedStore;
import io.icecore.store.commit.SuperblockSlots;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.Checksum;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.Superblock;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.sim.SimBlockDevice.Kind;
import io.icecore.store.sim.SimClock;
import io.icecore.store.sim.Survival;
import io.icecore.store.space.BlockRun;
import io.icecore.store.tree.TreeEntry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

/** What opening and reading make of things that no power loss leaves: decay, lost and misdirected writes, bad sectors. */
class OpeningRulesTest {
    private final SimBlockDevice device = new SimBlockDevice(16L << 20);
    private final SimClock clock = new SimClock(Instant.EPOCH);
    private final UnsafeBuffer block = new UnsafeBuffer(new byte[BLOCK_LENGTH]);

    /** The last of some commits is still without a successor, so opening has to verify it. */
    private Store storeWithCommits(final int commits) {
        Store.format(device, "rules");
        final Store store = Store.open(device, clock, 100);
        for (int commit = 1; commit <= commits; commit++) {
            put(store, commit);
            store.commit();
        }
        return store;
    }

    private void put(final Store store, final long number) {
        block.setMemory(0, BLOCK_LENGTH, (byte) number);
        store.lock();
        try {
            final long data = BlockRun.block(store.allocate(1));
            store.write(data, block, 0, 1);
            final UnsafeBuffer checksum = new UnsafeBuffer(new byte[4]);
            checksum.putInt(0, Checksum.of(block, 0, BLOCK_LENGTH), LITTLE_ENDIAN);
            store.settle(data, 1, checksum, 0);
            final UnsafeBuffer value = new UnsafeBuffer(new byte[16]);
            value.putLong(0, number);
            value.putLong(8, data);
            store.head().put(1, 1, value, 0, 16);
        } finally {
            store.unlock();
        }
    }

    private static long numberIn(final Store store) {
        final TreeEntry entry = new TreeEntry();
        return store.head().get(1, 1, entry) ? entry.value.getLong(0) : 0;
    }

    private static long dataBlockIn(final Store store) {
        final TreeEntry entry = new TreeEntry();
        assertThat(store.head().get(1, 1, entry)).isTrue();
        return entry.value.getLong(8);
    }

    private static List<Superblock> copies(final SimBlockDevice device) {
        return new SuperblockSlots(device, SuperblockSlots.find(device))
                .readAll(true)
                .copies();
    }

    private static List<Superblock> newest(final SimBlockDevice device) {
        final List<Superblock> copies = copies(device);
        final long top =
                copies.stream().mapToLong(copy -> copy.generation).max().getAsLong();
        return copies.stream().filter(copy -> copy.generation == top).toList();
    }

    private static void copyBlock(
            final SimBlockDevice from, final long source, final SimBlockDevice to, final long target) {
        final UnsafeBuffer image = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
        from.read(source * BLOCK_LENGTH, image, 0, BLOCK_LENGTH);
        to.write(target * BLOCK_LENGTH, image, 0, BLOCK_LENGTH);
    }

    // ---- sectors that cannot be read

    @Test
    void aBlockOfTheNewestCommitThatCannotBeReadIsNoEvidenceOfATornCommit() {
        storeWithCommits(3);
        for (int run = 0; run < newest(device).get(0).runs.length; run += 3) {
            final SimBlockDevice found = device.kill();
            found.faults().failReadsWithin(newest(device).get(0).runs[run] * BLOCK_LENGTH, BLOCK_LENGTH);

            assertThatThrownBy(() -> Store.open(found))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("planned failure of read");
        }
    }

    @Test
    void aSlotThatCannotBeReadAndWasNextMayHoldANewerCommit() {
        final Store store = storeWithCommits(3);
        for (final long slot : store.opened().current.nextSlots) {
            final SimBlockDevice found = device.kill();
            found.faults().failReadsWithin(slot * BLOCK_LENGTH, BLOCK_LENGTH);

            assertThatThrownBy(() -> Store.open(found))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("superblock slot at block " + slot + " cannot be read");
        }
    }

    @Test
    void aSlotThatCannotBeReadAndWasNotNextIsOfNoConsequence() {
        final Store store = storeWithCommits(3);
        final List<Long> next = List.of(store.opened().current.nextSlots[0], store.opened().current.nextSlots[1]);
        for (final Superblock copy : copies(device)) {
            if (!next.contains(copy.block)) {
                final SimBlockDevice found = device.kill();
                found.faults().failReadsWithin(copy.block * BLOCK_LENGTH, BLOCK_LENGTH);

                assertThat(numberIn(Store.open(found))).isEqualTo(3);
            }
        }
    }

    // ---- two writers

    @Test
    void twoWritersUnderOneGenerationAreRefused() {
        storeWithCommits(3);
        final Superblock copy = newest(device).get(0);
        copy.nonce++;
        copy.encode(block, 0, copy.block);
        device.write(copy.block * BLOCK_LENGTH, block, 0, BLOCK_LENGTH);

        assertThatThrownBy(() -> Store.open(device.kill()))
                .isInstanceOf(CorruptStoreException.class)
                .hasMessageContaining("written by two writers");
    }

    // ---- decay

    @Test
    void decayAfterACleanCloseIsNeverTakenForATornCommit() {
        final Store store = storeWithCommits(3);
        final Superblock last = store.opened().current;
        final long data = dataBlockIn(store);
        store.close();
        for (int run = 0; run < last.runs.length; run += 3) {
            final SimBlockDevice found = device.kill();
            found.flipBit(last.runs[run] * BLOCK_LENGTH + 100, 3);

            final Store opened = Store.open(found);
            if (last.runs[run] == data) {
                assertThat(numberIn(opened)).isEqualTo(3);
            } else {
                assertThatThrownBy(() -> numberIn(opened)).isInstanceOf(CorruptStoreException.class);
            }
        }
    }

    @Test
    void decayAfterASecondOfRestIsNeverTakenForATornCommit() {
        final Store store = storeWithCommits(3);
        final Superblock last = store.opened().current;
        store.idle();
        clock.advance(Duration.ofSeconds(1));
        store.idle();
        final SimBlockDevice found = device.kill();
        found.flipBit(last.runs[0] * BLOCK_LENGTH + 100, 3);

        final Store opened = Store.open(found);
        assertThat(opened.info().generation()).isGreaterThan(last.generation + 1);
    }

    @Test
    void anyWrongBitOfANodeIsFound() {
        storeWithCommits(3).close();
        final long leaf = leafOfHead(device.kill());
        for (int bit = 0; bit < BLOCK_LENGTH * 8; bit += 7) {
            final SimBlockDevice found = device.kill();
            found.flipBit(leaf * BLOCK_LENGTH + bit / 8, bit % 8);
            final Store opened = Store.open(found);

            assertThatThrownBy(() -> numberIn(opened)).isInstanceOf(CorruptStoreException.class);
        }
    }

    @Test
    void anyWrongBitOfASuperblockMakesItNone() {
        storeWithCommits(3).close();
        final SimBlockDevice closed = device.kill();
        final List<Superblock> newest = newest(closed);
        assertThat(newest).hasSize(2);
        for (int bit = 0; bit < BLOCK_LENGTH * 8; bit += 11) {
            final SimBlockDevice found = closed.kill();
            found.flipBit(newest.get(bit % 2).block * BLOCK_LENGTH + bit / 8, bit % 8);

            assertThat(newest(found).stream().map(copy -> copy.block))
                    .as("bit %d", bit)
                    .containsExactly(newest.get(1 - bit % 2).block);
        }
    }

    private static long leafOfHead(final SimBlockDevice closed) {
        final Store store = Store.openReadOnly(closed.openReadOnly());
        final long[] leaf = {0};
        store.forest().walk((tree, level, home, page) -> leaf[0] = tree == 2 && level == 0 ? page.block() : leaf[0]);
        return leaf[0];
    }

    // ---- writes that were lost, or went elsewhere

    @Test
    void anOlderImageOfANodeIsNotTakenForTheNewOne() {
        final Store store = storeWithCommits(1);
        final Map<Long, SimBlockDevice> images = new TreeMap<>();
        long leaf = store.opened().current.rootBlocks[OpenedStore.HEAD];
        for (int commit = 2; images.putIfAbsent(leaf, device.kill()) == null; commit++) { // Around the whole store.
            put(store, commit);
            store.commit();
            leaf = store.opened().current.rootBlocks[OpenedStore.HEAD];
        }
        store.close(); // Sealed, or opening would take the commit for a torn one and say nothing.
        final SimBlockDevice lost = device.kill();
        copyBlock(images.get(leaf), leaf, lost, leaf);

        assertThatThrownBy(() -> numberIn(Store.openReadOnly(lost.openReadOnly())))
                .isInstanceOf(CorruptStoreException.class)
                .hasMessageContaining("generation");
    }

    @Test
    void aSuperblockThatWentToAnotherSlotIsNone() {
        final Store store = storeWithCommits(3);
        final Superblock copy = newest(device).get(0);
        final long other = store.opened().current.nextSlots[0];
        copyBlock(device, copy.block, device, other);

        assertThat(newest(device)).hasSize(2).noneMatch(found -> found.block == other);
    }

    @Test
    void aNodeThatWentToAnotherBlockIsNotThere() {
        storeWithCommits(3).close();
        final SimBlockDevice closed = device.kill();
        final long leaf = leafOfHead(closed);
        final Store store = Store.openReadOnly(closed.openReadOnly());
        copyBlock(closed, leaf, closed, leaf + 200);

        assertThatThrownBy(() -> store.opened()
                        .reader
                        .readNode(leaf + 200)
                        .verifyIdentity("node", store.opened().current.storeId, leaf + 200))
                .isInstanceOf(CorruptStoreException.class)
                .hasMessageContaining("own block");
    }

    // ---- one number, one commit

    @Test
    void theNumberOfACommitThatACrashCutOffDoesNotComeBack() {
        final Store store = storeWithCommits(3);
        final long[] cutOff = {0};
        final List<SimBlockDevice> left = new ArrayList<>();
        store.join(new CommitParticipant() {
            @Override
            public int beforeCommit(final MutableDirectBuffer notes) {
                cutOff[0] = store.opened().current.generation + 1;
                return 0;
            }

            @Override
            public void loadNotes(final DirectBuffer notes, final int length) {
                // None.
            }
        });
        device.onOperation(operation -> left.add(device.powerCycle(1, Survival.NOTHING)));
        put(store, 4);
        store.commit();
        device.onOperation(operation -> {});

        for (final SimBlockDevice found : left) {
            assertThat(Store.open(found).info().generation()).isGreaterThan(cutOff[0]);
        }
    }

    /** Two openings under one number, both cut off: the first one's copy misses a sector, which the second one's lends it. */
    @Test
    void whatAnOpeningHalfWroteIsNotMadeWholeByTheNextOne() {
        storeWithCommits(3).close();
        final SimBlockDevice first = device.kill();
        Store.open(first, clock, 100);
        final long slot = newest(first).get(1).block;
        final long lastSector = (slot + 1) * BLOCK_LENGTH - SECTOR_LENGTH;
        final SimBlockDevice second = device.kill();
        copyBlock(first, slot, second, slot);
        second.flipBit(lastSector, 0);

        final SimBlockDevice[] cutOff = {null};
        second.onOperation(operation -> cutOff[0] = operation.kind() == Kind.FLUSH_START ? second.kill() : cutOff[0]);
        Store.open(second, clock, 100);
        final SimBlockDevice found = cutOff[0].powerCycle(0, Survival.NOTHING);
        copyBlock(second, newest(second).get(0).block, found, newest(second).get(0).block);
        final UnsafeBuffer sector = new UnsafeBuffer(new byte[SECTOR_LENGTH]);
        second.read(lastSector, sector, 0, SECTOR_LENGTH);
        found.write(lastSector, sector, 0, SECTOR_LENGTH);

        assertThat(numberIn(Store.open(found))).isEqualTo(3);
    }
}
