package io.icecore.cli.daemon;

import io.icecore.store.device.StoreException;
import java.time.Duration;
import java.util.Map;

/**
 * The daemon on one thread, in no time: clients, commit timer, snapshot timer, reclaimer, cleaner, people at the command line,
 * a scrub and a reader beside it take their steps by seeded throws, on a simulated device and by a clock that moves when it is
 * told to. The power fails, the process is killed, the device reports errors, the clock is set.
 *
 * <p>The reader also takes steps in the midst of the writer's device operations, as another process would.
 *
 * <p>Same seed, same life, to the last throw. Who lives it:
 * <pre>
 *   SimulatedWorld        throws, clock, device, and the process that has the store open
 *   SimulatedDeeds        what was done and what of it is durable: SimulatedVolumes, at two moments
 *   SimulatedClients      write, zero, flush and read, and wait for room
 *   SimulatedPeople       create, delete, clone, roll back, hold, set policies, make room
 *   SimulatedTimer        takes and thins rolling snapshots
 *   SimulatedReclaimer    gives back what deleted snapshots saw
 *   SimulatedBackground   commits, cleans, defragments, and has SimulatedScrub scrub
 *   SimulatedReader       reads snapshots beside the writer
 *   SimulatedTrouble      what happens to them all, and how they go on
 *   SimulatedProof        where the store stands after a crash, and that it is whole at rest
 * </pre>
 */
final class DaemonSimulation implements AutoCloseable {
    private final Sightings sightings;
    private final SimulatedWorld world;
    private final SimulatedClients clients;
    private final SimulatedPeople people;
    private final SimulatedTimer timer;
    private final SimulatedBackground background;
    private final SimulatedReader reader;
    private final SimulatedProof proof;
    private final SimulatedTrouble trouble;

    /** @param seen how often each thing was met: the rare paths that a run must have gone */
    DaemonSimulation(final long seed, final Map<String, Long> seen) {
        sightings = new Sightings(seen);
        world = new SimulatedWorld(seed, sightings);
        final SimulatedDeeds deeds = new SimulatedDeeds(world);
        final SimulatedContents contents = new SimulatedContents(world);
        final SimulatedBallast ballast = new SimulatedBallast(world);
        final SimulatedReclaimer reclaimer = new SimulatedReclaimer(world, deeds);
        people = new SimulatedPeople(world, deeds, reclaimer);
        timer = new SimulatedTimer(world, deeds, contents);
        clients = new SimulatedClients(world, deeds, contents, people, timer, reclaimer);
        background = new SimulatedBackground(world, deeds, contents, reclaimer, ballast);
        reader = new SimulatedReader(world, deeds);
        proof = new SimulatedProof(world, deeds, contents, reclaimer, timer, ballast);
        trouble = new SimulatedTrouble(world, deeds, people, reclaimer, timer, reader, proof);

        trouble.open();
        ballast.fillOrNot();
        deeds.standAt(new SimulatedVolumes());
        people.setStorePolicy();
        people.createVolume();
    }

    @Override
    public void close() {
        clients.close();
    }

    /** Simulated time since the beginning. */
    Duration elapsed() {
        return world.elapsed();
    }

    /** What was met last, for whoever looks for the cause of a failure. */
    String latest() {
        return sightings.latest();
    }

    /** At rest: all deletion done, every block owned once, every byte of every snapshot right. */
    void audit() {
        proof.audit();
    }

    /** Some minutes of a life. */
    void beat() {
        world.clock.advance(Duration.ofSeconds(60 + world.random.nextInt(50 * 60)));
        try {
            trouble.step();
            timer.tick();
            for (int i = world.random.nextInt(4); i > 0; i--) {
                clients.step();
            }
            if (world.oneIn(8)) {
                people.step();
            }
            background.step();
            if (world.oneIn(4)) {
                reader.step();
            }
            if (world.oneIn(30) && !world.faulty()) {
                background.scrub(this::betweenBatches);
            }
            world.probePower();
        } catch (final StoreException ex) {
            trouble.overcome(ex);
        }
        world.lookAtCommit();
    }

    /** What goes on beside a scrub. */
    private void betweenBatches() {
        world.clock.advance(Duration.ofSeconds(world.random.nextInt(20)));
        clients.step();
        if (world.oneIn(3)) {
            background.step();
        }
    }
}
