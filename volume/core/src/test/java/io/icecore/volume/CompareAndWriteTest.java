package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.Store;
import io.icecore.store.sim.SimBlockDevice;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@link Export#compareAndWrite}: nobody comes between the look and the write, and power does not cut it in two. */
class CompareAndWriteTest {
    private static final int SIZE = 1 << 20;
    private static final int LENGTH = 24 << 10;
    private static final int OFFSET = 3 * 4096 + 512;

    private static Catalog format(final SimBlockDevice device) {
        Store.format(device, "test");
        final Catalog catalog = open(device);
        catalog.createVolume("vm", SIZE);
        return catalog;
    }

    private static Catalog open(final SimBlockDevice device) {
        return Catalog.open(Store.open(device), Clock.systemUTC());
    }

    private static UnsafeBuffer filled(final int expected, final int replacement, final int length) {
        final UnsafeBuffer both = new UnsafeBuffer(new byte[2 * length]);
        both.setMemory(0, length, (byte) expected);
        both.setMemory(length, length, (byte) replacement);
        return both;
    }

    @Test
    void replacesWhatIsAsExpectedAndNothingElse() {
        try (Catalog catalog = format(new SimBlockDevice(64 << 20))) {
            final Export export = catalog.exports().open("vm");
            final UnsafeBuffer found = new UnsafeBuffer(new byte[SIZE]);

            assertThat(export.compareAndWrite(OFFSET, filled(0, 1, LENGTH), 0, LENGTH, true))
                    .isEqualTo(-1);
            export.write(OFFSET + 5000, new UnsafeBuffer(new byte[] {9}), 0, 1, false);
            assertThat(export.compareAndWrite(OFFSET, filled(1, 2, LENGTH), 0, LENGTH, false))
                    .as("the first byte that differs")
                    .isEqualTo(5000);

            export.read(0, found, 0, SIZE);
            final byte[] expected = new byte[SIZE];
            Arrays.fill(expected, OFFSET, OFFSET + LENGTH, (byte) 1);
            expected[OFFSET + 5000] = 9;
            assertThat(found.byteArray()).isEqualTo(expected);
            catalog.createSnapshots(List.of("vm"), "s", Map.of());
            final Export snapshot = catalog.exports().open("vm@s");
            assertThatThrownBy(() -> snapshot.compareAndWrite(0, filled(0, 1, 512), 0, 512, false))
                    .isInstanceOf(ReadOnlyException.class);
            export.close();
            snapshot.close();
        }
    }

    /** Each thread counts in a number of its own kind, all within one chunk; whoever lost an update would count less. */
    @Test
    void losesNoUpdateToWritersOfTheSameChunk() throws Exception {
        final int rounds = 2_000;
        final ExecutorService threads = Executors.newCachedThreadPool();
        try (Catalog catalog = format(new SimBlockDevice(256 << 20))) {
            final Export export = catalog.exports().open("vm");
            final List<Future<Void>> running = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                running.add(threads.submit(comparing(export, rounds)));
            }
            running.add(threads.submit(writing(export, rounds)));
            for (final Future<Void> one : running) {
                one.get();
            }
            final UnsafeBuffer found = new UnsafeBuffer(new byte[16]);
            export.read(0, found, 0, 16);
            assertThat(found.getLong(0)).as("by comparing").isEqualTo(3L * rounds);
            assertThat(found.getLong(8)).as("by writing").isEqualTo(rounds);
            export.close();
        } finally {
            threads.shutdown();
        }
    }

    private static Callable<Void> comparing(final Export export, final int rounds) {
        return () -> {
            final UnsafeBuffer both = new UnsafeBuffer(new byte[16]);
            for (int done = 0; done < rounds; ) {
                export.read(0, both, 0, 8);
                both.putLong(8, both.getLong(0) + 1);
                done += export.compareAndWrite(0, both, 0, 8, false) < 0 ? 1 : 0;
            }
            return null;
        };
    }

    private static Callable<Void> writing(final Export export, final int rounds) {
        return () -> {
            final UnsafeBuffer number = new UnsafeBuffer(new byte[8]);
            for (long i = 1; i <= rounds; i++) {
                number.putLong(0, i);
                export.write(8, number, 0, 8, false);
            }
            return null;
        };
    }

    /** While others commit all the time, so that a commit falls between the parts if there are any. */
    @Test
    @Timeout(120)
    void isWholeOrNotThereAfterAPowerLoss() throws Exception {
        final SimBlockDevice device = new SimBlockDevice(256 << 20);
        final ExecutorService threads = Executors.newCachedThreadPool();
        final AtomicBoolean done = new AtomicBoolean();
        try (Catalog catalog = format(device)) {
            final Export export = catalog.exports().open("vm");
            final List<Future<Void>> running =
                    List.of(threads.submit(replacing(export, done)), threads.submit(committing(export, done)));
            final Set<Integer> seen = new HashSet<>();
            for (int i = 0; i < 200 || seen.size() <= 10; i++) { // The others may have had no processor yet.
                seen.add(contentAfter(device.fork().powerCycle(i)));
            }
            done.set(true);
            for (final Future<Void> one : running) {
                one.get();
            }
            export.close();
        } finally {
            done.set(true);
            threads.shutdown();
        }
    }

    private static Callable<Void> replacing(final Export export, final AtomicBoolean done) {
        return () -> {
            for (int i = 0; !done.get(); i++) {
                assertThat(export.compareAndWrite(OFFSET, filled(i, i + 1, LENGTH), 0, LENGTH, false))
                        .isEqualTo(-1);
            }
            return null;
        };
    }

    private static Callable<Void> committing(final Export export, final AtomicBoolean done) {
        return () -> {
            final UnsafeBuffer number = new UnsafeBuffer(new byte[8]);
            while (!done.get()) {
                export.write(8, number, 0, 8, true);
            }
            return null;
        };
    }

    private static int contentAfter(final SimBlockDevice device) {
        try (Catalog catalog = open(device)) {
            final Export export = catalog.exports().open("vm");
            final UnsafeBuffer found = new UnsafeBuffer(new byte[LENGTH]);
            export.read(OFFSET, found, 0, LENGTH);
            final byte first = found.getByte(0);
            final byte[] expected = new byte[LENGTH];
            Arrays.fill(expected, first);
            assertThat(found.byteArray()).isEqualTo(expected);
            export.close();
            return first;
        }
    }
}
