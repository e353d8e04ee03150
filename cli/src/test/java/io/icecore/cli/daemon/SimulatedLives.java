package io.icecore.cli.daemon;

import io.icecore.store.sim.mutant.Mutant;
import io.icecore.store.sim.mutant.Probes;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Lives of simulated daemons, one after the other, in a program that counts what cannot be seen from outside. Some of its
 * limits are so small that a store of a few segments is cleaned, and that a scrub of some thousand chunks has many batches.
 */
final class SimulatedLives {
    /** Among what {@link #live} counts. */
    static final String HOURS = "simulated hours";

    private static final Mutant PROGRAM = new Mutant("as it is, with small limits")
            .in("store.clean.SegmentCleaner.begin")
            .constant(32, 4)
            .in("store.clean.SegmentCleaner.doom")
            .constant(16, 3)
            .in("recovery.scrub.Scrub.<init>")
            .constant(2048, 64)
            .in("volume.CommitNotes.beforeCommit")
            .constant(16, 4)
            .in("volume.CommitNotes.beforeCommit")
            .constant(1536, 300)
            .in("volume.Catalog.reclaimStep/0")
            .constant(512, 24)
            .in("volume.Reclaimer.step")
            .constant(64, 8)
            .in("volume.CommitNotes.beforeCommit")
            .count("foldAll", "region log folded")
            .in("volume.CommitNotes.beforeCommit")
            .count("settleAll", "counters brought to the catalogue")
            .in("volume.Reclaimer.marked")
            .count("leaveContainer", "reclaimer began a container anew")
            .in("volume.ChunkReader.readPiece")
            .count("refreshed", "looked up again after reuse")
            .in("recovery.scrub.Scrub.step")
            .count("newest", "scrub moved on to a newer commit");

    private final Map<String, Long> seen = new TreeMap<>();
    private final int beats;

    private SimulatedLives(final int beats) {
        this.beats = beats;
    }

    /**
     * Lives with the seeds from 1 on until all that is wanted was met, and then with others until the time is over.
     *
     * @return how often each thing was met
     */
    @SuppressWarnings("unchecked")
    static Map<String, Long> live(
            final Set<String> wanted, final long fixedMax, final long first, final long seconds, final int beats) {
        return (Map<String, Long>)
                PROGRAM.run(SimulatedLives.class, "inThatProgram", wanted, fixedMax, first, seconds, beats);
    }

    private static Map<String, Long> inThatProgram(
            final Set<String> wanted, final long fixedMax, final long first, final long seconds, final int beats) {
        final SimulatedLives lives = new SimulatedLives(beats);
        final long end = System.nanoTime() + seconds * 1_000_000_000L;
        for (long seed = 1; seed <= fixedMax && !lives.met().keySet().containsAll(wanted); seed++) {
            lives.live(seed);
        }
        for (long seed = first; System.nanoTime() < end; seed++) {
            lives.live(seed);
        }
        return lives.met();
    }

    private Map<String, Long> met() {
        final Map<String, Long> met = new TreeMap<>(seen);
        met.putAll(Probes.counts());
        return met;
    }

    private void live(final long seed) {
        final DaemonSimulation daemon = new DaemonSimulation(seed, seen);
        int beat = 0;
        try {
            for (; beat < beats; beat++) {
                daemon.beat();
            }
            daemon.audit();
        } catch (final RuntimeException | AssertionError ex) {
            throw new AssertionError(
                    ex.getMessage() + "\n  at beat " + beat + ", after "
                            + daemon.elapsed().toDays() + " days\n  replay: "
                            + "-Dtest=DaemonSimulationTest#replay -Dexcluded.tags= -Dsimulation.seed=" + seed
                            + " -Dsimulation.beats=" + beats + "\n  before: " + daemon.latest(),
                    ex);
        } finally {
            daemon.close();
        }
        final Duration elapsed = daemon.elapsed();
        seen.merge(HOURS, elapsed.toHours(), Long::sum);
    }
}
