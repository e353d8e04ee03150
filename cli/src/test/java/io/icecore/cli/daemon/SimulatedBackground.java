package io.icecore.cli.daemon;

import io.icecore.store.space.SegmentUsage;
import java.time.Duration;

/** What a daemon does when nobody asks for anything: it commits, cleans, puts in order and scrubs; and what fills its store. */
final class SimulatedBackground {
    private static final int CLEAN_STEPS_MAX = 400;

    private final SimulatedWorld world;
    private final SimulatedDeeds deeds;
    private final SimulatedContents contents;
    private final SimulatedReclaimer reclaimer;
    private final SimulatedBallast ballast;
    private final SimulatedScrub scrub;

    SimulatedBackground(
            final SimulatedWorld world,
            final SimulatedDeeds deeds,
            final SimulatedContents contents,
            final SimulatedReclaimer reclaimer,
            final SimulatedBallast ballast) {
        this.world = world;
        this.deeds = deeds;
        this.contents = contents;
        this.reclaimer = reclaimer;
        this.ballast = ballast;
        scrub = new SimulatedScrub(world);
    }

    void step() {
        for (int i = world.random.nextInt(3); i > 0; i--) {
            deeds.perform("idle", () -> world.store().idle());
            world.clock.advance(Duration.ofMillis(600));
        }
        if (!world.oneIn(3)) {
            reclaimer.someSteps();
        }
        if (ballast.exists()) {
            for (int i = world.random.nextInt(6); i > 0; i--) {
                deeds.perform("rewrite ballast", ballast::rewriteSome);
            }
        }
        if (world.oneIn(6)) {
            deeds.perform("drain", this::drain);
        }
        if (world.oneIn(6)) {
            deeds.perform("clean", this::clean);
        }
        if (world.oneIn(6)) {
            deeds.perform("defragment", this::defragment);
        }
    }

    /** Steps of the cleaner, which is not always given the time for a whole pass, and what the daemon does after them. */
    private void clean() {
        world.during("cleaning", () -> {
            for (int i = world.random.nextInt(CLEAN_STEPS_MAX); i > 0; i--) {
                final long moved = world.catalog().movedBytes();
                final int empty = emptySegments();
                if (!world.catalog().cleanStep()) {
                    break;
                }
                if (world.catalog().movedBytes() > moved) {
                    world.see("cleaner moved data");
                    if (emptySegments() > empty) {
                        world.see("cleaner emptied a segment");
                    }
                }
            }
        });
        if (world.store().discardFree(4, 1) > 0) {
            world.see("discarded a segment");
        }
    }

    /** Moves what left the head lately on, sooner than a daemon would. */
    private void drain() {
        for (int i = world.random.nextInt(8); i > 0 && world.catalog().drainStep(); i--) {
            world.see("drained");
        }
    }

    private int emptySegments() {
        final SegmentUsage usage = world.store().opened().space.usage();
        int empty = 0;
        for (int segment = 0; segment < usage.segments(); segment++) {
            empty += usage.of(segment) == 0 ? 1 : 0;
        }
        return empty;
    }

    /** Reads a head in long stretches, and puts in order what was found scattered. */
    private void defragment() {
        final String volume = deeds.someVolume();
        contents.prove(world.catalog(), volume, deeds.now().volume(volume).chunks);
        final long moved = world.catalog().movedBytes();
        world.during("defragmenting", () -> {
            while (world.catalog().defragmentStep()) {
                // Until nothing is left to do.
            }
        });
        if (world.catalog().movedBytes() > moved) {
            world.see("defragmented");
        }
    }

    // ---- scrubbing

    /** @param others what the others do between two batches */
    void scrub(final Runnable others) {
        if (world.oneIn(4)) {
            deeds.commit("scrub drill", () -> {
                seal(); // Else the decay of what was written last looks like a torn commit, as it should.
                scrub.findDecay();
            });
        } else {
            world.during("scrubbing", () -> {
                if (world.oneIn(4)) {
                    world.losePowerWithin(60);
                }
                scrub.scrub(others);
            });
        }
    }

    private void seal() {
        world.store().commit();
        while (!world.store().atRest()) {
            world.store().idle();
            world.clock.advance(Duration.ofSeconds(1));
        }
    }
}
