package io.icecore.cli.daemon;

import static io.icecore.cli.daemon.SimulatedVolumes.CHUNK;
import static io.icecore.cli.daemon.SimulatedVolumes.CHUNKS;

import io.icecore.volume.Export;
import io.icecore.volume.IoRequest;
import io.icecore.volume.VolumeWorkers;
import io.icecore.volume.WhenFull;
import java.util.concurrent.CountDownLatch;
import org.agrona.concurrent.UnsafeBuffer;

/** Clients of volumes: their requests are those that servers make, carried out on this thread. Reads see the last write. */
final class SimulatedClients implements AutoCloseable {
    private static final int WAITED_MAX = 50;
    private static final int CHUNKS_AT_ONCE_MAX = 40;
    private static final int SCATTERED_CHUNKS = 90;

    private final SimulatedWorld world;
    private final SimulatedDeeds deeds;
    private final SimulatedContents contents;
    private final SimulatedPeople people;
    private final SimulatedTimer timer;
    private final SimulatedReclaimer reclaimer;

    private final VolumeWorkers workers = new VolumeWorkers(1, 1);
    private final UnsafeBuffer bytes = new UnsafeBuffer(new byte[CHUNKS_AT_ONCE_MAX * CHUNK]);
    private long writes;

    SimulatedClients(
            final SimulatedWorld world,
            final SimulatedDeeds deeds,
            final SimulatedContents contents,
            final SimulatedPeople people,
            final SimulatedTimer timer,
            final SimulatedReclaimer reclaimer) {
        this.world = world;
        this.deeds = deeds;
        this.contents = contents;
        this.people = people;
        this.timer = timer;
        this.reclaimer = reclaimer;
    }

    @Override
    public void close() {
        workers.close();
    }

    /** Some client wants something. */
    void step() {
        final String volume = deeds.someVolume();
        final int chunk = world.random.nextInt(CHUNKS);
        final int countMax = Math.min(world.oneIn(6) ? CHUNKS_AT_ONCE_MAX : 4, SimulatedVolumes.adjacent(chunk));
        final int count = 1 + world.random.nextInt(countMax);
        final int dice = world.random.nextInt(10);
        if (dice < 6) {
            write(volume, chunk, count, world.oneIn(4));
        } else if (dice < 7) {
            zero(volume, chunk, count, world.random.nextBoolean() ? IoRequest.Op.TRIM : IoRequest.Op.WRITE_ZEROES);
        } else if (dice < 8 && world.oneIn(8)) {
            scatter(volume);
        } else if (dice < 8) {
            deeds.commit("flush", () -> request(volume, IoRequest.Op.FLUSH, 0, 0, false));
        } else {
            contents.prove(world.catalog(), volume, deeds.now().volume(volume).chunks);
        }
    }

    private void write(final String volume, final int chunk, final int count, final boolean fua) {
        final long write = ++writes;
        for (int i = 0; i < count; i++) {
            SimulatedVolumes.fill(bytes, i * CHUNK, write);
        }
        deeds.perform(
                "write",
                volumes -> volumes.write(volume, chunk, count, write),
                fua,
                () -> request(volume, IoRequest.Op.WRITE, chunk, count, fua));
    }

    private void zero(final String volume, final int chunk, final int count, final IoRequest.Op op) {
        deeds.perform(
                "zero",
                volumes -> volumes.write(volume, chunk, count, 0),
                false,
                () -> request(volume, op, chunk, count, false));
    }

    /** Overwrites single chunks apart from each other: more runs than a superblock can name. */
    private void scatter(final String volume) {
        for (int i = 0; i < SCATTERED_CHUNKS; i++) {
            write(volume, i & -2, 1, false);
        }
    }

    // ---- requests

    private static final class Request extends IoRequest {
        private final CountDownLatch answered = new CountDownLatch(1);
        private volatile Throwable failure;

        @Override
        protected void completed(final Throwable failureOrNull) {
            failure = failureOrNull;
            answered.countDown();
        }

        boolean waits() {
            return answered.getCount() > 0;
        }

        void await() {
            try {
                answered.await();
            } catch (final InterruptedException ex) {
                throw new AssertionError("nobody interrupts this thread", ex);
            }
        }
    }

    private void request(
            final String volume, final IoRequest.Op op, final int chunk, final int count, final boolean fua) {
        final Request request = new Request();
        try (Export export = world.catalog().exports().open(volume)) {
            request.export = export;
            request.op = op;
            request.offset = SimulatedVolumes.offsetOf(chunk);
            request.length = count * CHUNK;
            request.buffer = bytes;
            request.fua = fua;
            workers.execute(request);
            if (request.waits()) {
                if (world.device().faults().refusesWrites()) {
                    if (world.catalog().freeBytes() >= request.length) {
                        throw new AssertionError("a write waits for room in the store, but there is none below it");
                    }
                    world.endFaults(); // Both are full. Somebody makes room below first.
                }
                world.see("waited for room: "
                        + world.catalog().storePolicy().whenFull().word());
                awaitRoom(request);
            }
        }
        if (request.failure instanceof RuntimeException failure) {
            throw failure;
        }
    }

    /** What goes on while a write waits. It is executed again by another thread, while this one does nothing. */
    private void awaitRoom(final Request request) {
        for (int waited = 0; request.waits(); waited++) {
            if (waited > WAITED_MAX) {
                throw new AssertionError(
                        "a write waits for ever, policy " + world.catalog().storePolicy());
            }
            timer.tick();
            reclaimer.allSteps();
            if (waited > 2 && world.catalog().storePolicy().whenFull() == WhenFull.WAIT) {
                people.makeRoom();
                people.grow();
            }
            final int waiting = world.catalog().waitingWrites();
            world.catalog().waitingStep();
            if (world.catalog().waitingWrites() < waiting) {
                request.await();
            }
        }
    }
}
