package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.Store;
import io.icecore.store.device.NoSpaceException;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** A store that is full, or nearly so, all the time: what was acknowledged stays, and there is always a way out. */
class FullStoreTest {
    private static final int CHUNK = 4096;
    private static final int STEPS = Integer.getInteger("full.steps", 1500);

    /** In the smallest store that there is, where the reserve is the least. */
    private final MemoryDevice device = new MemoryDevice(16 << 20);

    private final VolumeWorkers workers = new VolumeWorkers(2, 64);
    private Catalog catalog;

    @AfterEach
    void closeWorkers() {
        workers.close();
    }

    @Test
    void keepsWhatWasAcknowledgedHoweverFullItIs() {
        run(4711);
    }

    @Test
    void keepsWhatWasAcknowledgedHoweverFullItIsFromAFreshSeed() {
        run(System.nanoTime());
    }

    /** {@code -Dfull.seed=17}, with {@code -Dfull.seeds} and {@code -Dfull.steps} for more and longer runs. */
    @Test
    @EnabledIfSystemProperty(named = "full.seed", matches = "-?[0-9]+")
    void replay() {
        final long first = Long.getLong("full.seed");
        for (long seed = first; seed < first + Integer.getInteger("full.seeds", 1); seed++) {
            run(seed);
        }
    }

    private void run(final long seed) {
        System.out.println("FullStoreTest -Dfull.seed=" + seed);
        Store.format(device, "test");
        catalog = Catalog.open(Store.open(device), Clock.systemUTC());
        catalog.createVolume("vm", 1L << 30);
        final SplittableRandom random = new SplittableRandom(seed);
        final Map<Long, Long> head = new HashMap<>();
        final Deque<Map<Long, Long>> copies = new ArrayDeque<>();
        final int places = 1500 + random.nextInt(3000);
        final long stride = 1 + random.nextInt(60);
        int refused = 0;
        long version = 0;
        for (int step = 0; step < STEPS; step++) {
            try {
                final int dice = random.nextInt(100);
                if (dice < 70) {
                    for (int i = 0; i < 20; i++) {
                        final long chunk = random.nextInt(places) * stride;
                        write(chunk, ++version);
                        head.put(chunk, version);
                    }
                } else if (dice < 80) {
                    catalog.createSnapshots(List.of("vm"), null, Map.of());
                    copies.addLast(new HashMap<>(head));
                } else if (dice < 84 && refused > 0) {
                    trim(random.nextInt(places) * stride, head);
                } else if (dice < 90) {
                    catalog.store().commit();
                } else if (dice < 92) {
                    catalog = TestStores.reopen(catalog, device, Clock.systemUTC());
                } else {
                    catalog.reclaimStep();
                }
            } catch (final NoSpaceException ex) {
                refused++;
                assertThat(copies.isEmpty() && catalog.pendingBytes() == 0 && head.size() < 2000)
                        .as("refused though nearly empty: " + ex.getMessage())
                        .isFalse();
                makeRoom(random, copies, head);
            }
        }
        assertThat(refused).as("times the store was full").isPositive();
        verify("vm", head);
        while (catalog.reclaimStep()) {
            // Until nothing is left to do.
        }
        catalog = TestStores.reopen(catalog, device, Clock.systemUTC());
        int i = 0;
        for (final Map<Long, Long> copy : copies) {
            verify(catalog.snapshots("vm").get(i++).spec(), copy);
        }
        assertThat(catalog.snapshots("vm")).hasSize(copies.size());
        final Ownership ownership = Ownership.of(catalog);
        ownership.checkAllocated(catalog);
        catalog.close();
    }

    /** Whatever the way out is, it has to work: that is the point of the reserve. */
    private void makeRoom(
            final SplittableRandom random, final Deque<Map<Long, Long>> copies, final Map<Long, Long> head) {
        final List<Snapshot> all = catalog.snapshots("vm");
        if (!all.isEmpty()) {
            final int count = 1 + random.nextInt(all.size());
            catalog.deleteSnapshots(all.subList(0, count));
            for (int i = 0; i < count; i++) {
                copies.removeFirst();
            }
        } else {
            for (int i = 0; i < 20; i++) {
                trim(new ArrayList<>(head.keySet()).get(random.nextInt(head.size())), head);
            }
        }
        for (int i = random.nextInt(40); i > 0; i--) {
            catalog.reclaimStep();
        }
    }

    private void trim(final long chunk, final Map<Long, Long> head) {
        try (Export export = catalog.exports().open("vm")) {
            export.trim(chunk * CHUNK, 8 * CHUNK, false);
        }
        for (long at = chunk; at < chunk + 8; at++) {
            head.remove(at);
        }
    }

    private void write(final long chunk, final long version) {
        final UnsafeBuffer buffer = new UnsafeBuffer(new byte[CHUNK]);
        buffer.putLong(0, version);
        try (Export export = catalog.exports().open("vm")) {
            export.write(chunk * CHUNK, buffer, 0, CHUNK, false);
        }
    }

    private void verify(final String spec, final Map<Long, Long> content) {
        final UnsafeBuffer buffer = new UnsafeBuffer(new byte[8]);
        try (Export export = catalog.exports().open(spec)) {
            content.forEach((chunk, version) -> {
                export.read(chunk * CHUNK, buffer, 0, 8);
                assertThat(buffer.getLong(0))
                        .as("chunk " + chunk + " of " + spec)
                        .isEqualTo(version);
            });
        }
    }

    @Test
    void takesNoSnapshotsOutOfWhatDeletionsNeed() {
        fill(WhenFull.ERROR);

        int taken = 0;
        try {
            for (; taken < 100_000; taken++) {
                catalog.createSnapshots(List.of("vm"), "s" + taken, Map.of());
            }
        } catch (final NoSpaceException expected) {
            // Long before the reserve is used up.
        }
        assertThat(taken).isLessThan(100_000);
        catalog.deleteSnapshots(catalog.snapshots("vm"));
        catalog.deleteVolume("vm");
        while (catalog.reclaimStep()) {
            // Until nothing is left to do.
        }
        catalog.store().commit();
        assertThat(catalog.freeBytes()).isGreaterThan(12 << 20);
        catalog.close();
    }

    /** One write of a client. */
    private final class Write extends IoRequest {
        private Throwable failure;
        private boolean completed;
        private boolean abandoned;

        Write(final Export export, final long chunk) {
            this.export = export;
            op = Op.WRITE;
            offset = chunk * CHUNK;
            length = CHUNK;
            buffer = new UnsafeBuffer(new byte[CHUNK]);
        }

        @Override
        protected void completed(final Throwable failureOrNull) {
            assertThat(completed).isFalse();
            completed = true;
            failure = failureOrNull;
        }

        @Override
        protected boolean abandoned() {
            return abandoned;
        }
    }

    private void fill(final WhenFull whenFull) {
        Store.format(device, "test");
        catalog = Catalog.open(Store.open(device), Clock.systemUTC());
        catalog.setStorePolicy(new StorePolicy(whenFull, 0));
        catalog.letWritesWait();
        catalog.createVolume("vm", 1L << 30);
        assertThatThrownBy(() -> {
                    for (long chunk = 0; ; chunk++) {
                        write(chunk, chunk);
                    }
                })
                .isInstanceOf(NoSpaceException.class);
    }

    private Write written(final Export export, final long chunk) {
        final Write write = new Write(export, chunk);
        workers.execute(write);
        return write;
    }

    @Test
    void failsWritesAtOnceWhereNothingWillComeBack() {
        fill(WhenFull.ERROR);
        try (Export export = catalog.exports().open("vm")) {
            assertThat(written(export, 100_000).failure).isInstanceOf(NoSpaceException.class);
        }
        catalog.close();
    }

    @Test
    void letsWritesWaitUntilRoomReturns() throws Exception {
        fill(WhenFull.WAIT);
        try (Export export = catalog.exports().open("vm")) {
            final Write write = written(export, 100_000);
            final Write given = written(export, 100_001);
            catalog.waitingStep();
            assertThat(catalog.waitingWrites()).isEqualTo(2);
            assertThat(write.completed).isFalse();
            export.read(0, new UnsafeBuffer(new byte[CHUNK]), 0, CHUNK); // Reads go on.

            given.abandoned = true;
            catalog.waitingStep();
            assertThat(given.failure).isInstanceOf(NoSpaceException.class);

            export.trim(0, 100 * CHUNK, false);
            finish(write);
            assertThat(write.failure).isNull();
        }
        catalog.close();
    }

    private void finish(final Write write) throws InterruptedException {
        for (int i = 0; i < 2000 && !write.completed; i++) {
            catalog.waitingStep();
            Thread.sleep(1);
        }
        assertThat(write.completed).isTrue();
    }

    @Test
    void letsWritesGoOnWhenTheStoreGrows() throws Exception {
        fill(WhenFull.WAIT);
        try (Export export = catalog.exports().open("vm")) {
            final Write write = written(export, 100_000);
            assertThat(write.completed).isFalse();
            catalog.store().grow(32 << 20);
            finish(write);
            assertThat(write.failure).isNull();
        }
        catalog.close();
    }

    @Test
    void letsWritesWaitForDeletionsUnderWayWhateverThePolicy() throws Exception {
        fill(WhenFull.ERROR);
        catalog.createSnapshots(List.of("vm"), "s", Map.of());
        try (Export export = catalog.exports().open("vm")) {
            export.trim(0, 400 * CHUNK, false);
            catalog.deleteSnapshots(catalog.snapshots("vm"));
            final Write write = written(export, 100_000);
            assertThat(write.completed).isFalse();
            while (catalog.reclaimStep()) {
                // Until nothing is left to do.
            }
            finish(write);
            assertThat(write.failure).isNull();
        }
        catalog.close();
    }

    @Test
    void endsWaitingWhenItIsClosed() {
        fill(WhenFull.WAIT);
        final Export export = catalog.exports().open("vm");
        final Write write = written(export, 100_000);
        catalog.endWaiting();
        assertThat(write.failure).isInstanceOf(NoSpaceException.class);
        assertThat(written(export, 100_000).failure).isInstanceOf(NoSpaceException.class);
        export.close();
        catalog.close();
    }

    @Test
    void remembersItsPolicy() {
        Store.format(device, "test");
        catalog = Catalog.open(Store.open(device), Clock.systemUTC());
        assertThat(catalog.storePolicy()).isEqualTo(StorePolicy.DEFAULT);
        catalog.setStorePolicy(new StorePolicy(WhenFull.EXPIRE, 123_456));
        catalog = TestStores.reopen(catalog, device, Clock.systemUTC());
        assertThat(catalog.storePolicy()).isEqualTo(new StorePolicy(WhenFull.EXPIRE, 123_456));
        catalog.close();
    }
}
