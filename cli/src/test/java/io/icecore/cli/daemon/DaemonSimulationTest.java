package io.icecore.cli.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
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
        "no space",
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
        "audited"
    };

    private static final int SECONDS = Integer.getInteger("simulation.seconds", 10);
    private static final int BEATS = Integer.getInteger("simulation.beats", 1000);

    /** The same in every build: as many as it takes to have met everything. */
    private static final int FIXED_SEEDS_MAX = 16;

    private final Map<String, Long> seen = new TreeMap<>();
    private Duration simulated = Duration.ZERO;

    @Test
    void livesThroughEverythingThatHappens() {
        final long start = System.nanoTime();
        for (long seed = 1; seed <= FIXED_SEEDS_MAX && !seen.keySet().containsAll(Set.of(RARE)); seed++) {
            live(seed);
        }
        final long first = System.nanoTime() & 0xFFFF_FFFFL;
        for (long seed = first; System.nanoTime() - start < SECONDS * 1_000_000_000L; seed++) {
            live(seed);
        }
        report(start);
        assertThat(seen).containsKeys(RARE);
    }

    @Test
    @Tag("nightly")
    void livesThroughManyMoreYears() {
        final long start = System.nanoTime();
        final long first = Long.getLong("simulation.first", System.nanoTime() & 0xFFFF_FFFFL);
        final long minutes = Long.getLong("simulation.minutes", 30);
        for (long seed = first; System.nanoTime() - start < minutes * 60_000_000_000L; seed++) {
            live(seed);
        }
        report(start);
        assertThat(seen).containsKeys(RARE);
    }

    @Test
    @Tag("nightly")
    void replay() {
        if (System.getProperty("simulation.seed") != null) {
            live(Long.getLong("simulation.seed"));
        }
    }

    private void live(final long seed) {
        final DaemonSimulation daemon = new DaemonSimulation(seed, seen);
        int beat = 0;
        try {
            for (; beat < BEATS; beat++) {
                daemon.beat();
            }
            daemon.audit();
        } catch (final RuntimeException | AssertionError ex) {
            throw new AssertionError(
                    ex.getMessage() + "\n  at beat " + beat + ", after "
                            + daemon.elapsed().toDays() + " days\n  replay: "
                            + "-Dtest=DaemonSimulationTest#replay -Dexcluded.tags= -Dsimulation.seed=" + seed
                            + " -Dsimulation.beats=" + BEATS,
                    ex);
        }
        simulated = simulated.plus(daemon.elapsed());
    }

    private void report(final long start) {
        final double seconds = (System.nanoTime() - start) / 1e9;
        System.out.printf(
                "DaemonSimulationTest: %d days, %.0f a second; %s%n",
                simulated.toDays(), simulated.toHours() / 24.0 / seconds, seen);
    }
}
