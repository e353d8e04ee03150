package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.Store;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Readers beside a writer, deletion and adoption. Each chunk carries the round in which it was written, in every word:
 * a reader of a snapshot must find the round of the snapshot, a reader of the head a round that is not older than the
 * last one it saw; never zeroes, never a mixture.
 */
class ConcurrentReadTest {
    private static final int CHUNK = 4096;
    private static final int CHUNKS = 200;
    private static final int ROUNDS = 60;

    private final MemoryDevice device = new MemoryDevice(256 << 20);
    private final AtomicBoolean done = new AtomicBoolean();
    private final AtomicLong reads = new AtomicLong();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private Catalog catalog;

    @BeforeEach
    void openCatalog() {
        Store.format(device, "test");
        catalog = Catalog.open(Store.open(device), Clock.systemUTC());
        catalog.createVolume("vm", CHUNKS * CHUNK);
    }

    @AfterEach
    void closeCatalog() {
        done.set(true);
        threads.shutdown();
        catalog.close();
    }

    @Test
    void findTheirSnapshotWhileTheHeadIsOverwrittenAndOtherSnapshotsGo() throws Exception {
        writeRound(1);
        catalog.createSnapshots(List.of("vm"), "fixed", Map.of());
        final List<Future<Void>> readers = new ArrayList<>();
        readers.add(threads.submit(snapshotReader("vm@fixed", 1)));
        readers.add(threads.submit(headReader("vm")));
        for (int round = 2; round <= ROUNDS; round++) {
            writeRound(round);
            catalog.createSnapshots(List.of("vm"), "round" + round, Map.of());
            final List<Snapshot> all = catalog.snapshots("vm");
            if (all.size() > 4) {
                catalog.deleteSnapshots(all.subList(1, 3));
            }
            catalog.reclaimStep();
            while (catalog.drainStep()) {
                Thread.yield();
            }
        }
        finish(readers);
    }

    @Test
    void findTheirDataWhileItMovesToTheChild() throws Exception {
        for (int round = 1; round <= 12; round++) {
            final String volume = "vm" + round;
            catalog.createVolume(volume, CHUNKS * CHUNK);
            write(volume, round, 0, CHUNKS);
            catalog.createSnapshots(List.of(volume), "base", Map.of());
            catalog.cloneVolume(new Spec(volume, Spec.Kind.NAME, "base", null, null, null, null), volume + "c");
            write(volume + "c", round, 10, 20);
            catalog.createSnapshots(List.of(volume + "c"), "s", Map.of());
            write(volume + "c", round, 15, 40);
            done.set(false);
            final List<Future<Void>> readers = new ArrayList<>();
            readers.add(threads.submit(snapshotReader(volume + "c@s", round)));
            readers.add(threads.submit(snapshotReader(volume + "c", round)));
            if (round % 2 == 0) {
                catalog.flatten(volume + "c");
                catalog.deleteVolume(volume);
            } else {
                catalog.deleteVolume(volume);
            }
            while (catalog.reclaimStep(8)) {
                catalog.drainStep();
                Thread.yield();
            }
            finish(readers);
            assertThat(catalog.volume(volume + "c").parent()).isNull();
        }
    }

    private void finish(final List<Future<Void>> readers) throws Exception {
        done.set(true);
        for (final Future<Void> reader : readers) {
            reader.get(30, TimeUnit.SECONDS);
        }
        assertThat(reads.get()).isPositive();
    }

    private Callable<Void> snapshotReader(final String spec, final long round) {
        return () -> {
            try (Export export = catalog.exports().open(spec)) {
                final UnsafeBuffer buffer = new UnsafeBuffer(new byte[CHUNKS * CHUNK]);
                do {
                    export.read(0, buffer, 0, CHUNKS * CHUNK);
                    for (int chunk = 0; chunk < CHUNKS; chunk++) {
                        assertThat(roundOf(buffer, chunk))
                                .as(spec + " chunk " + chunk)
                                .isEqualTo(round);
                    }
                    reads.incrementAndGet();
                } while (!done.get());
            }
            return null;
        };
    }

    private Callable<Void> headReader(final String spec) {
        return () -> {
            final long[] seen = new long[CHUNKS];
            try (Export export = catalog.exports().open(spec)) {
                final UnsafeBuffer buffer = new UnsafeBuffer(new byte[CHUNKS * CHUNK]);
                do {
                    export.read(0, buffer, 0, CHUNKS * CHUNK);
                    for (int chunk = 0; chunk < CHUNKS; chunk++) {
                        final long round = roundOf(buffer, chunk);
                        assertThat(round).as("head chunk " + chunk).isGreaterThanOrEqualTo(Math.max(1, seen[chunk]));
                        seen[chunk] = round;
                    }
                    reads.incrementAndGet();
                } while (!done.get());
            }
            return null;
        };
    }

    /** The round that all words of the chunk carry, or -1. */
    private static long roundOf(final UnsafeBuffer buffer, final int chunk) {
        final long round = buffer.getLong(chunk * CHUNK);
        for (int at = 8; at < CHUNK; at += 8) {
            if (buffer.getLong(chunk * CHUNK + at) != round) {
                return -1;
            }
        }
        return round;
    }

    /** Overwrites everything, in pieces that cut the extents of the round before. */
    private void writeRound(final long round) {
        for (int from = 0; from < CHUNKS; ) {
            final int count = Math.min(CHUNKS - from, 1 + (int) (round * 7 + from) % 90);
            write("vm", round, from, count);
            from += count;
        }
    }

    private void write(final String volume, final long round, final int from, final int count) {
        final UnsafeBuffer buffer = new UnsafeBuffer(new byte[count * CHUNK]);
        for (int at = 0; at < count * CHUNK; at += 8) {
            buffer.putLong(at, round);
        }
        try (Export export = catalog.exports().open(volume)) {
            export.write((long) from * CHUNK, buffer, 0, count * CHUNK, false);
        }
    }
}
