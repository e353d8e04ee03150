package io.icecore.recovery.check;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.Store;
import io.icecore.store.sim.SimBlockDevice;
import org.junit.jupiter.api.Test;

/** Sound stores are sound, whatever was done to them. {@code -Dcheck.seed=N} replays one history. */
class StoreCheckTest {
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
        assertThat(new StoreCheck(device, CheckProgress.NONE, 1000).run())
                .as(replay)
                .isEqualTo(whole);
    }

    private static CheckReport check(final io.icecore.store.device.BlockDevice device, final String replay) {
        final CheckReport report = new StoreCheck(device, CheckProgress.NONE).run();
        assertThat(report.errors()).as(replay).isEmpty();
        assertThat(report.ok()).as(replay).isTrue();
        assertThat(report.blocks().allocated())
                .as(replay)
                .isEqualTo(report.blocks().referenced());
        return report;
    }
}
