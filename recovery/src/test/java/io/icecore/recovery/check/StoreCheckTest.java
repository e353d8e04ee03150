package io.icecore.recovery.check;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.Store;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.StoreException;
import io.icecore.store.sim.SimBlockDevice;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sound stores are sound, whatever was done to them. {@code -Dcheck.seed=N} replays one history. */
class StoreCheckTest {
    private static final int CHECKS_BESIDE_A_WRITER = 40;
    private static final int STEPS = Integer.getInteger("check.steps", 600);

    @Test
    void findsNothingInAnEmptyStore() {
        final SimBlockDevice device = new SimBlockDevice(16 << 20);
        Store.format(device, "test");

        final CheckReport report = check(device, "");

        assertThat(report.generation()).isEqualTo(1);
        assertThat(report.blocks()).isEqualTo(new CheckReport.Blocks(16, 16, 0, 0));
    }

    @Test
    void findsNothingInStoresOfRandomHistories() {
        history(1);
        history(2);
        history(Long.getLong("check.seed", System.nanoTime()));
    }

    private static void history(final long seed) {
        final String replay = "-Dcheck.seed=" + seed;
        System.out.println("StoreCheckTest " + replay);
        final RandomHistory history = new RandomHistory(seed);
        for (int part = 0; part < 6; part++) {
            history.steps(STEPS / 6);
            check(history.device().openReadOnly(), replay); // Beside the writer, whatever it has not committed.
        }
        history.churn();
        history.steps(STEPS / 6);
        final SimBlockDevice device = history.finish();
        final CheckReport whole = check(device, replay);
        assertThat(new StoreCheck(device, CheckProgress.NONE, () -> false, 1000).run())
                .as(replay)
                .isEqualTo(whole);
    }

    /** The blocks that the check stands on are reused under it, after it has read the root of the first tree. */
    @Test
    void startsOverWhenItsBlocksHaveBeenReused() {
        final RandomHistory history = new RandomHistory(3, 24 << 20);
        history.steps(60);
        history.catalog().store().commit();
        final long before = history.catalog().store().info().generation();
        final int[] begun = {0};

        final CheckReport report = new StoreCheck(history.device().openReadOnly(), (accounted, total) -> {
                    if (accounted == 0 && begun[0]++ == 0) {
                        for (int i = 0; i < 600; i++) {
                            history.overwriteAndCommit();
                        }
                    }
                })
                .run();

        assertThat(report.errors()).isEmpty();
        assertThat(begun[0]).as("times begun").isEqualTo(2);
        assertThat(report.generation()).isGreaterThan(before + 100);
        history.close();
    }

    /** Where the writer knows of the check, that never has to start over. */
    @Test
    void endsAtOnceWhenTheWriterReusesNothingMeanwhile() {
        final RandomHistory history = new RandomHistory(3, 24 << 20);
        history.steps(60);
        final BlockDevice device = history.device().openReadOnly();
        final int[] begun = {0};
        final CheckProgress busy = busy(history, begun, 70);
        for (int round = 0; round < 24; round++) {
            try (Store.Reading reading = history.catalog().store().beginReading()) {
                final long before = history.catalog().store().info().generation();

                final CheckReport report = new StoreCheck(device, busy, reading::undisturbed).run();

                assertThat(report.errors()).isEmpty();
                assertThat(report.generation()).isEqualTo(before);
                assertThat(reading.undisturbed()).isTrue();
            }
        }
        assertThat(begun[0]).isEqualTo(24);

        final CheckProgress busier = busy(history, begun, 200);
        for (int round = 0; round < 24; round++) {
            new StoreCheck(device, busier).run();
        }
        assertThat(begun[0]).as("without").isGreaterThan(48);
        history.close();
    }

    private static CheckProgress busy(final RandomHistory history, final int[] begun, final int overwrites) {
        return (accounted, total) -> {
            if (accounted == 0) {
                begun[0]++;
                for (int i = 0; i < overwrites; i++) {
                    history.overwriteAndCommit();
                }
            }
        };
    }

    @Test
    void aReaderNeverFillsTheStore() {
        final RandomHistory history = new RandomHistory(3, 24 << 20);
        history.steps(60);
        final Store store = history.catalog().store();
        final Store.Reading first = store.beginReading();
        for (int i = 0; i < 3000; i++) {
            history.overwriteAndCommit();
        }
        assertThat(first.undisturbed()).isFalse();

        final Store.Reading second = store.beginReading();
        assertThat(second.undisturbed()).isTrue();
        first.close();
        assertThat(second.undisturbed()).isTrue();
        second.close();
        assertThat(second.undisturbed()).isFalse();
        history.close();
    }

    /** What a busy writer reuses meanwhile is never called damage. */
    @Test
    @Timeout(60)
    void findsNothingBesideABusyWriter() throws Exception {
        final long seed = Long.getLong("check.seed", System.nanoTime());
        final RandomHistory history = new RandomHistory(seed);
        history.steps(100);
        final AtomicBoolean stop = new AtomicBoolean();
        final FutureTask<Boolean> writer = new FutureTask<>(
                () -> {
                    while (!stop.get()) {
                        history.overwriteAndCommit();
                    }
                },
                true);
        final BlockDevice reader = history.device().openReadOnly();
        final Set<Long> generations = new HashSet<>();
        final Thread thread = new Thread(writer, "writer");
        thread.start();
        try {
            for (int i = 0; i < CHECKS_BESIDE_A_WRITER; i++) {
                try {
                    final CheckReport report = new StoreCheck(reader, CheckProgress.NONE).run();
                    assertThat(report.errors()).as("-Dcheck.seed=" + seed).isEmpty();
                    generations.add(report.generation());
                } catch (final StoreException ex) {
                    assertThat(ex).hasMessageContaining("store changes faster than it can be checked");
                }
            }
        } finally {
            stop.set(true);
        }
        writer.get();
        history.close();
        assertThat(generations).as("of %s checks", CHECKS_BESIDE_A_WRITER).hasSizeGreaterThan(1);
    }

    private static CheckReport check(final BlockDevice device, final String replay) {
        final CheckReport report = new StoreCheck(device, CheckProgress.NONE).run();
        assertThat(report.errors()).as(replay).isEmpty();
        assertThat(report.ok()).as(replay).isTrue();
        assertThat(report.blocks().allocated())
                .as(replay)
                .isEqualTo(report.blocks().referenced());
        return report;
    }
}
