package io.icecore.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.commit.OpenedStore;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.space.BlockRun;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

class StoreSpaceFoldTest {
    private static final UnsafeBuffer NO_CHECKSUMS = new UnsafeBuffer(new byte[4 << 10]);

    /** Where the dropped node stands among the segments, and when its own is stored, depends on what was there before. */
    @Test
    void aFoldThatDropsNodesOfTheSpaceTreeFreesTheirBlocksForTheNextOpeningToo() {
        for (int segments = 60; segments <= 120; segments += 10) {
            foldAway(segments);
        }
    }

    private static void foldAway(final int segments) {
        final SimBlockDevice device = new SimBlockDevice(512L << 20);
        Store.format(device, "fold");
        final Store store = Store.open(device);
        final List<Long> blocks = new ArrayList<>();
        for (int segment = 0; segment < segments; segment++) {
            final long run = allocate(store, BlockRun.COUNT_MAX);
            blocks.add(BlockRun.block(run));
            if (BlockRun.count(run) > 1) { // A block of each segment: allocation goes on behind what is abandoned.
                locked(store, () -> store.abandon(BlockRun.block(run) + 1, BlockRun.count(run) - 1));
            }
            locked(store, () -> store.settle(BlockRun.block(run), 1, NO_CHECKSUMS, 0));
        }
        churnUntilFolded(store);
        assertThat(store.opened().current.rootLevels[OpenedStore.SPACE]).isPositive();
        StoreAudit.check(store, new HashSet<>(blocks), "");

        blocks.forEach(block -> locked(store, () -> store.free(block, 1)));
        churnUntilFolded(store);

        StoreAudit.check(store, new HashSet<>(), "");
        store.close();
        StoreAudit.check(Store.open(device.kill()), new HashSet<>(), "reopened");
    }

    /** Fills the space log, one entry a block, until the chain of spill nodes is cut. */
    private static void churnUntilFolded(final Store store) {
        int before;
        do {
            before = store.opened().space.log().spillCount();
            final List<Long> blocks = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                final long block = BlockRun.block(allocate(store, 1));
                locked(store, () -> store.settle(block, 1, NO_CHECKSUMS, 0));
                blocks.add(0, block);
            }
            blocks.forEach(block -> locked(store, () -> store.free(block, 1)));
            store.commit();
        } while (store.opened().space.log().spillCount() >= before);
    }

    private static long allocate(final Store store, final int countMax) {
        store.lock();
        try {
            return store.allocate(countMax);
        } finally {
            store.unlock();
        }
    }

    private static void locked(final Store store, final Runnable change) {
        store.lock();
        try {
            change.run();
        } finally {
            store.unlock();
        }
    }
}
