package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.Store;
import io.icecore.store.commit.OpenedStore;
import io.icecore.store.format.NodePage;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where the reclaimer and predictions read a history that is not in memory: clients wait while they hold the lock. */
class ReclaimerReadsTest {
    private static final int CHUNK = 4096;
    private static final int CHUNKS = 1 << 15;

    private final SparseDevice device = new SparseDevice(1L << 30);
    private final UnsafeBuffer chunk = new UnsafeBuffer(new byte[CHUNK]);
    private Catalog catalog;
    private int historyLeavesRead;
    private int historyLeavesReadLocked;

    /** A history of some 24,000 versions on some 90 leaves, none of them in memory. */
    private void open(final int cacheNodes) {
        Store.format(device, "test");
        catalog = Catalog.open(Store.open(device), Clock.systemUTC());
        catalog.createVolume("vm", (long) CHUNKS * CHUNK);
        final SplittableRandom random = new SplittableRandom(4711);
        try (Export export = catalog.exports().open("vm")) {
            for (int snapshot = 0; snapshot < 4; snapshot++) {
                for (int i = 0; i < 8000; i++) {
                    export.write((long) random.nextInt(CHUNKS) * CHUNK, chunk, 0, CHUNK, false);
                }
                catalog.createSnapshots(List.of("vm"), "s" + snapshot, Map.of());
                for (int i = 0; i < 100; i++) { // Some of it is drained, and some is not.
                    catalog.drainStep();
                }
            }
        }
        catalog.close();
        catalog = Catalog.open(Store.open(device, Clock.systemUTC(), cacheNodes), Clock.systemUTC());
        device.onRead = this::look;
    }

    private void look(final DirectBuffer block) {
        final NodePage page = new NodePage(new UnsafeBuffer(block));
        if (OpenedStore.holdsHistory(page.tree()) && page.level() == 0) {
            historyLeavesRead++;
            historyLeavesReadLocked += catalog.store().lockedByCurrentThread() ? 1 : 0;
        }
    }

    private void reclaimAll() {
        for (int steps = 0; catalog.reclaimStep(); steps++) {
            assertThat(steps).as("steps").isLessThan(100_000);
        }
        assertThat(catalog.reclaimStatus().records()).isZero();
        device.onRead = block -> {};
        Ownership.of(catalog); // Which asserts that nothing leaks.
        catalog.close();
    }

    @Test
    void visitsCandidatesWithoutReadingUnderTheLock() {
        open(4096);
        catalog.deleteSnapshots(List.of(catalog.snapshots("vm").get(1)));
        reclaimAll();
        assertThat(historyLeavesRead).isGreaterThan(50);
        assertThat(historyLeavesReadLocked).isZero();
    }

    @Test
    void scansADeletedVolumeWithoutReadingUnderTheLock() {
        open(4096);
        catalog.deleteVolume("vm");
        reclaimAll();
        assertThat(historyLeavesRead).isGreaterThan(50);
        assertThat(historyLeavesReadLocked).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 40})
    void comesToAnEndWhenMemoryHoldsNextToNothing(final int cacheNodes) {
        open(cacheNodes);
        catalog.deleteSnapshots(List.of(catalog.snapshots("vm").get(1)));
        reclaimAll();
        assertThat(historyLeavesRead).isGreaterThan(50);
    }

    @Test
    void predictsWithoutReadingUnderTheLock() {
        open(4096);
        assertThat(catalog.predictFreed(List.of(catalog.snapshots("vm").get(1))))
                .isPositive();
        assertThat(historyLeavesRead).isGreaterThan(50);
        assertThat(historyLeavesReadLocked).isZero();
        reclaimAll();
    }

    @Test
    void remembersWhatDeletingASnapshotWouldFreeUntilANeighbourGoes() {
        open(1);
        final Snapshot third = catalog.snapshots("vm").get(2);
        final long alone = catalog.predictFreed(List.of(third));
        assertThat(historyLeavesRead).isGreaterThan(50);
        historyLeavesRead = 0;
        assertThat(catalog.predictFreed(List.of(third))).isEqualTo(alone);
        assertThat(historyLeavesRead).isZero();

        catalog.deleteSnapshots(List.of(catalog.snapshots("vm").get(1)));
        assertThat(catalog.predictFreed(List.of(third))).isGreaterThan(alone);
        reclaimAll();
    }

    @Test
    void changesFewLeavesForTheCommitOfAClient() {
        open(4096);
        catalog.deleteSnapshots(List.of(catalog.snapshots("vm").get(1)));
        final Reclaimer reclaimer = new Reclaimer(catalog.parts());
        int changedMost = 0;
        for (boolean more = true; more; ) {
            catalog.store().commit();
            more = reclaimer.step(64, 2);
            changedMost = Math.max(
                    changedMost, catalog.parts().look(() -> catalog.store().dirtyNodes()));
        }
        assertThat(changedMost)
                .as("two leaves of the history, and what is changed once a step")
                .isBetween(3, 7);
        reclaimAll();
    }
}
