package io.icecore.cli.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Years of a daemon's life in minutes, with all that can happen to it: see {@link DaemonSimulation}.
 *
 * <p>Proved all the while: reads see the last write; after every crash the store stands at one moment, of all volumes together,
 * that is not before the last acknowledged commit; the timer takes what is due and thins only what the policy has no use
 * for; readers beside the writer see every snapshot as it was taken; and at rest every block is owned once. A failure prints
 * the seed that replays it.
 */
class DaemonSimulationTest {
    /** What a run must have met: else it has become easy. */
    private static final String[] RARE = {
        "opened the parent of a torn commit",
        "opened without the last",
        "power lost",
        "power lost while opening",
        "killed",
        "poisoned",
        "read error",
        "clock jumps ahead",
        "clock steps back",
        "rolling snapshot",
        "thinned",
        "interrupted timer had taken",
        "refused: exported",
        "deleted while reclaiming",
        "deleted the origin of a clone",
        "adopted",
        "rollback",
        "flatten",
        "sealed",
        "flush first",
        "spill",
        "fold",
        "space fold",
        "reader refreshed",
        "reader proved a snapshot",
        "closed",
        "audited",
        "region log folded",
        "counters brought to the catalogue",
        "a deletion was resumed, and ended",
        "reclaimer began a container anew",
        "looked up again after reuse",
        "no space: error",
        "waited for room: wait",
        "expired",
        "went on when there was room below",
        "holes filled",
        "drained",
        "cleaner moved data",
        "cleaner emptied a segment",
        "power lost while cleaning",
        "defragmented",
        "power lost while defragmenting",
        "discarded a segment",
        "scrub batch",
        "scrub ended",
        "scrub resumed",
        "scrub moved on to a newer commit",
        "scrub found decay",
        "power lost while scrubbing"
    };

    private static final int SECONDS = Integer.getInteger("simulation.seconds", 10);
    private static final int BEATS = Integer.getInteger("simulation.beats", 1000);

    /** The same in every build: as many as it takes to have met everything. */
    private static final int FIXED_SEEDS_MAX = 16;

    private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    private final long cpuAtStart = threads.getCurrentThreadCpuTime();

    @Test
    void livesThroughEverythingThatHappens() {
        final long fresh = System.nanoTime() & 0xFFFF_FFFFL;
        require(SimulatedLives.live(Set.of(RARE), FIXED_SEEDS_MAX, fresh, SECONDS, BEATS));
    }

    @Test
    @Tag("nightly")
    void livesThroughManyMoreYears() {
        final long first = Long.getLong("simulation.first", System.nanoTime() & 0xFFFF_FFFFL);
        final long minutes = Long.getLong("simulation.minutes", 30);
        require(SimulatedLives.live(Set.of(RARE), 0, first, minutes * 60, BEATS));
    }

    @Test
    @Tag("nightly")
    void replay() {
        final Long seed = Long.getLong("simulation.seed");
        if (seed != null) {
            SimulatedLives.live(Set.of(), 0, seed, 1, BEATS); // One life, unless it is a very short one.
        }
    }

    private void require(final Map<String, Long> seen) {
        final double days = seen.get(SimulatedLives.HOURS) / 24.0;
        final double cpuSeconds = (threads.getCurrentThreadCpuTime() - cpuAtStart) / 1e9;
        System.out.printf("DaemonSimulationTest: %.0f days, %.0f a CPU second; %s%n", days, days / cpuSeconds, seen);
        assertThat(seen).containsKeys(RARE);
    }
}
