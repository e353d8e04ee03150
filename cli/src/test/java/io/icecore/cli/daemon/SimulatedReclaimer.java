package io.icecore.cli.daemon;

import java.util.Collection;
import java.util.HashSet;
import java.util.Set;

/** The reclaimer, which is not always given the time to end what it is at. */
final class SimulatedReclaimer {
    private static final int STEPS_MAX = 100_000;

    private final SimulatedWorld world;
    private final SimulatedDeeds deeds;

    /** Clones whose origin is being deleted: they have none when that is over. */
    private final Set<String> orphans = new HashSet<>();

    private boolean resumesDeletion;

    SimulatedReclaimer(final SimulatedWorld world, final SimulatedDeeds deeds) {
        this.world = world;
        this.deeds = deeds;
    }

    /** A process has opened the store. */
    void begin() {
        resumesDeletion = busy();
    }

    /** Whether a deletion is under way. */
    boolean busy() {
        return world.catalog().reclaimStatus().records() > 0;
    }

    void someSteps() {
        deeds.perform("reclaim", () -> {
            for (int i = world.random.nextInt(6); i > 0 && world.catalog().reclaimStep(); i--) {
                world.see("reclaim step");
            }
        });
        lookAtDeletion();
    }

    void allSteps() {
        deeds.commit("reclaimed all", () -> {
            int steps = 0;
            while (world.catalog().reclaimStep()) {
                if (++steps > STEPS_MAX) {
                    throw new AssertionError("reclaiming does not end");
                }
            }
            world.store().commit();
        });
        lookAtDeletion();
        world.catalog().volumes().stream()
                .filter(volume -> volume.parent() == null && orphans.remove(volume.name()))
                .forEach(volume -> world.see("adopted"));
    }

    private void lookAtDeletion() {
        if (resumesDeletion && !busy()) {
            resumesDeletion = false;
            world.see("a deletion was resumed, and ended");
        }
    }

    /** The volume that these began as snapshots of was deleted. */
    void expectAdoption(final Collection<String> clones) {
        orphans.addAll(clones);
    }

    void expectNoAdoption(final String clone) {
        orphans.remove(clone);
    }
}
