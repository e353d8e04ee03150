package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.Store;
import io.icecore.store.sim.SimBlockDevice;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

/**
 * Power fails while segments are emptied and the device is told what is free: the head and the snapshots are what they were,
 * every block has its one owner, and cleaning begins anew. {@code -Dcleaner.seed=N -Dcleaner.crashes=N} for others and more.
 */
class CleanerCrashTest {
    private static final int CHUNK = 4096;
    private static final int CHUNKS = 30_016;
    private static final int CRASHES = Integer.getInteger("cleaner.crashes", 12);

    /** Chunks that a client writes and flushes all the time. */
    private static final int BUSY_CHUNKS = 64;

    private final long seed = Long.getLong("cleaner.seed", 4711);
    private final SplittableRandom random = new SplittableRandom(seed);
    private final UnsafeBuffer buffer = new UnsafeBuffer(new byte[56 * CHUNK]);
    private final long[] head = new long[CHUNKS];
    private long[] snapshot;
    private long version;
    private long acknowledged;

    /** What the device was after some operation, and the last version that had been flushed by then. */
    private record Moment(long operation, SimBlockDevice device, long acknowledged) {}

    @Test
    void losesNothingAtWhateverOperationThePowerFails() {
        final SimBlockDevice device = new SimBlockDevice(160L << 20, seed);
        Store.format(device, "test");
        final Catalog catalog = Catalog.open(Store.open(device), Clock.systemUTC());
        leaveHoles(catalog);
        final List<Moment> moments = new ArrayList<>();
        final long first = device.operations();
        device.onOperation(operation -> {
            if (random.nextInt(4) == 0 && moments.size() < CRASHES) {
                moments.add(new Moment(operation.ordinal() - first, device.fork(), acknowledged));
            }
        });
        cleanUnderLoad(catalog);
        device.onOperation(operation -> {});
        assertThat(moments).hasSizeGreaterThan(CRASHES / 2);
        assertThat(catalog.movedBytes()).isPositive();
        verify(catalog, acknowledged);
        catalog.close();
        for (final Moment moment : moments) {
            recover(moment);
        }
    }

    private void leaveHoles(final Catalog catalog) {
        catalog.createVolume("vm", (long) CHUNKS * CHUNK);
        for (int chunk = 0; chunk < CHUNKS; chunk += 56) {
            write(catalog, chunk, 56);
        }
        catalog.createSnapshots(List.of("vm"), "s", Map.of());
        snapshot = head.clone();
        for (int chunk = BUSY_CHUNKS; chunk + 8 <= CHUNKS; chunk += 28) {
            write(catalog, chunk, 8);
        }
        catalog.store().commit();
        try (Export export = catalog.exports().open("vm")) {
            for (int chunk = BUSY_CHUNKS + 8; chunk + 6 <= CHUNKS; chunk += 14) {
                export.trim((long) chunk * CHUNK, 6 * CHUNK, false);
                Arrays.fill(head, chunk, chunk + 6, 0);
            }
        }
        catalog.deleteSnapshots(catalog.snapshots("vm"));
        catalog.createSnapshots(List.of("vm"), "t", Map.of());
        snapshot = head.clone();
        while (catalog.reclaimStep()) {
            // Until nothing is left to do.
        }
        catalog.store().releasePinned();
    }

    private void write(final Catalog catalog, final int chunk, final int count) {
        for (int i = 0; i < count; i++) {
            head[chunk + i] = ++version;
            buffer.putLong(i * CHUNK, version);
        }
        try (Export export = catalog.exports().open("vm")) {
            export.write((long) chunk * CHUNK, buffer, 0, count * CHUNK, false);
        }
    }

    private void cleanUnderLoad(final Catalog catalog) {
        while (catalog.cleanStep()) {
            write(catalog, random.nextInt(BUSY_CHUNKS), 1);
            catalog.store().commit();
            acknowledged = version;
            catalog.store().discardFree(4, 1);
        }
        catalog.store().commit();
        acknowledged = version;
    }

    private void recover(final Moment moment) {
        final long outcome = random.nextLong();
        final String name = "-Dcleaner.seed=" + seed + ", operation " + moment.operation + ", outcome " + outcome;
        try {
            final SimBlockDevice device = moment.device.powerCycle(outcome);
            final Catalog catalog = Catalog.open(Store.open(device), Clock.systemUTC());
            verify(catalog, moment.acknowledged);
            Ownership.of(catalog).checkAllocated(catalog);
            while (catalog.cleanStep()) {
                // All over again.
            }
            catalog.store().commit();
            verify(catalog, moment.acknowledged);
            Ownership.of(catalog).checkAllocated(catalog);
            catalog.close();
        } catch (final RuntimeException | Error ex) {
            throw new AssertionError(name, ex);
        }
    }

    private void verify(final Catalog catalog, final long flushed) {
        final UnsafeBuffer found = new UnsafeBuffer(new byte[CHUNK]);
        try (Export export = catalog.exports().open("vm");
                Export past = catalog.exports().open("vm@t")) {
            long newest = 0;
            for (int chunk = 0; chunk < CHUNKS; chunk++) {
                past.read((long) chunk * CHUNK, found, 0, CHUNK);
                assertThat(found.getLong(0))
                        .as("chunk " + chunk + " of the snapshot")
                        .isEqualTo(snapshot[chunk]);
                export.read((long) chunk * CHUNK, found, 0, CHUNK);
                if (chunk >= BUSY_CHUNKS) {
                    assertThat(found.getLong(0)).as("chunk " + chunk).isEqualTo(head[chunk]);
                }
                newest = Math.max(newest, found.getLong(0));
            }
            assertThat(newest).as("the newest version").isGreaterThanOrEqualTo(flushed);
        }
    }
}
