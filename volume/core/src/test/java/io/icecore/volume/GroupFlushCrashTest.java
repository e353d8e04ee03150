package io.icecore.volume;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.Store;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.sim.mutant.Mutant;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Clients on threads of their own share commits, and power fails under them. Each writes its numbers, in order, to chunk
 * after chunk of its own, round and round. So what is found of a client must be what it had written up to some number; and
 * that is not below the last one that was acknowledged before the power failed.
 *
 * <p>Threads are not repeatable: {@code -Dflush.seed} repeats what the power loss makes of the device, not the moment.
 */
class GroupFlushCrashTest {
    private static final int CLIENTS = 6;
    private static final int CHUNKS = 8;
    private static final int CHUNK = 4096;
    private static final int SNAPSHOTS_MAX = 12;
    private static final int CRASHES = Integer.getInteger("flush.crashes", 200);

    private final long seed = Long.getLong("flush.seed", System.nanoTime() & 0xFFFF_FFFFL);
    private final SimBlockDevice device = new SimBlockDevice(64 << 20);
    private final AtomicBoolean done = new AtomicBoolean();
    private final List<Client> clients = new ArrayList<>();

    /** How a client makes its writes durable. */
    private enum Manner {
        FLUSH,
        FLUSH_FORETOLD,
        WRITE_DURABLE,
        FLUSH_NOW_AND_THEN
    }

    private final class Client implements Callable<Void> {
        private final Export export;
        private final int first;
        private final Manner manner;
        private volatile int sent;
        private volatile int acknowledged;

        private Client(final Export export, final int number) {
            this.export = export;
            first = number * CHUNKS;
            manner = Manner.values()[number % Manner.values().length];
        }

        @Override
        public Void call() {
            final UnsafeBuffer chunk = new UnsafeBuffer(new byte[CHUNK]);
            for (int number = 1; !done.get(); number++) {
                chunk.setMemory(0, CHUNK, (byte) number);
                chunk.putInt(0, number, LITTLE_ENDIAN);
                sent = number;
                export.write((long) (first + number % CHUNKS) * CHUNK, chunk, 0, CHUNK, manner == Manner.WRITE_DURABLE);
                if (manner == Manner.FLUSH_FORETOLD) {
                    export.flushAhead();
                }
                if (manner != Manner.WRITE_DURABLE && (manner != Manner.FLUSH_NOW_AND_THEN || number % 5 == 0)) {
                    export.flush();
                }
                if (manner != Manner.FLUSH_NOW_AND_THEN || number % 5 == 0) {
                    acknowledged = number;
                }
            }
            return null;
        }

        /** The number up to which all its writes are there, and none after. */
        private int foundIn(final Export found, final String replay) {
            final UnsafeBuffer all = new UnsafeBuffer(new byte[CHUNKS * CHUNK]);
            found.read((long) first * CHUNK, all, 0, CHUNKS * CHUNK);
            int newest = 0;
            for (int i = 0; i < CHUNKS; i++) {
                newest = Math.max(newest, all.getInt(i * CHUNK, LITTLE_ENDIAN));
            }
            final UnsafeBuffer expected = new UnsafeBuffer(new byte[CHUNKS * CHUNK]);
            for (int number = Math.max(1, newest - CHUNKS + 1); number <= newest; number++) {
                final int at = number % CHUNKS * CHUNK;
                expected.setMemory(at, CHUNK, (byte) number);
                expected.putInt(at, number, LITTLE_ENDIAN);
            }
            assertThat(all.byteArray())
                    .as("client %d, up to number %d: %s", first / CHUNKS, newest, replay)
                    .isEqualTo(expected.byteArray());
            return newest;
        }
    }

    /** Who came after the cut is told of a commit that does not hold his write. */
    public static final class WrongSharing {
        /** By those who wait, of which every store has its own. */
        private static final Map<Object, List<Object>> COVERED = new ConcurrentHashMap<>();

        private WrongSharing() {}

        public static List<Object> remember(final Collection<?> waiting) {
            final List<Object> covered = new ArrayList<>(waiting);
            COVERED.put(waiting, covered);
            return covered;
        }

        public static Object coverThemToo(final ArrayDeque<?> waiting) {
            COVERED.remove(waiting).addAll(waiting);
            waiting.clear();
            return null;
        }
    }

    @Test
    @Timeout(600)
    void nothingAcknowledgedIsLostAndNoWriteComesBeforeAnEarlierOne() throws Exception {
        survive(CRASHES);
    }

    @Test
    @Timeout(600)
    void noticesWhenACommitCoversThoseWhoCameAfterItsCut() {
        final Mutant mutant = new Mutant("a commit covers those who came after its cut")
                .in("store.commit.GroupCommit.lead")
                .instead("copyOf", WrongSharing.class, "remember")
                .in("store.commit.GroupCommit.end")
                .instead("poll", WrongSharing.class, "coverThemToo");
        assertThatThrownBy(() -> mutant.run(GroupFlushCrashTest.class, "surviveSome"))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("flush.seed");
    }

    static void surviveSome() throws Exception {
        new GroupFlushCrashTest().survive(CRASHES);
    }

    private void survive(final int crashes) throws Exception {
        Store.format(device, "test");
        final ExecutorService threads = Executors.newCachedThreadPool();
        try (Catalog catalog = Catalog.open(Store.open(device), Clock.systemUTC())) {
            catalog.createVolume("vm", (long) CLIENTS * CHUNKS * CHUNK);
            final List<Future<Void>> running = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                clients.add(new Client(catalog.exports().open("vm"), i));
                running.add(threads.submit(clients.get(i)));
            }
            try {
                for (int crash = 0; crash < crashes; crash++) {
                    if (crash % 10 == 0) {
                        takeSnapshot(catalog, "s" + crash);
                    }
                    crash(seed + crash);
                }
            } finally {
                done.set(true); // Before the store is closed.
                for (final Future<Void> one : running) {
                    one.get();
                }
            }
            final long commits = catalog.store().info().generation();
            final long flushes = clients.stream()
                    .mapToLong(client -> client.acknowledged / (client.manner == Manner.FLUSH_NOW_AND_THEN ? 5 : 1))
                    .sum();
            System.out.println(
                    "GroupFlushCrashTest: " + crashes + " crashes, " + flushes + " flushes in " + commits + " commits");
            assertThat(flushes).as("some share a commit").isGreaterThan(commits);
            clients.forEach(client -> client.export.close());
        } finally {
            threads.shutdown();
        }
    }

    private static void takeSnapshot(final Catalog catalog, final String name) {
        catalog.createSnapshots(List.of("vm"), name, Map.of());
        final List<Snapshot> all = catalog.snapshots("vm");
        if (all.size() > SNAPSHOTS_MAX) {
            catalog.deleteSnapshots(all.subList(0, all.size() / 2));
            while (catalog.reclaimStep()) {
                // Until nothing is left to do.
            }
        }
    }

    private void crash(final long outcome) {
        final String replay = "-Dflush.seed=" + outcome;
        final int[] acknowledged =
                clients.stream().mapToInt(client -> client.acknowledged).toArray();
        final SimBlockDevice moment = device.fork();
        final int[] sent = clients.stream().mapToInt(client -> client.sent).toArray();

        try (Catalog catalog = Catalog.open(Store.open(moment.powerCycle(outcome)), Clock.systemUTC());
                Export found = catalog.exports().open("vm")) {
            for (int i = 0; i < CLIENTS; i++) {
                assertThat(clients.get(i).foundIn(found, replay))
                        .as("client %d: %s", i, replay)
                        .isBetween(acknowledged[i], sent[i]);
            }
            Ownership.of(catalog).checkAllocated(catalog);
        }
    }
}
