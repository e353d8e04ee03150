package io.icecore.cli.daemon;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.recovery.scrub.DamagedChunk;
import io.icecore.recovery.scrub.Scrub;
import io.icecore.recovery.scrub.ScrubReport;
import io.icecore.recovery.scrub.ScrubState;
import io.icecore.store.Store;
import io.icecore.store.device.BlockDevice;
import io.icecore.volume.map.Extent;
import io.icecore.volume.map.HeadMap;
import java.util.List;
import java.util.function.Supplier;

/**
 * Somebody who scrubs the store now and then, beside the daemon, and does not always wait for the end: the next one goes on
 * where the last was stopped, also after the power has failed. On a device that does not decay it finds nothing; of a bit
 * that is turned on purpose it finds exactly that.
 */
final class SimulatedScrub {
    /** The person's patience is over. */
    private static final class StoppedException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        StoppedException() {
            super(null, null, false, false);
        }
    }

    private final SimulatedWorld world;

    /** In a file beside the store: neither a crash nor a power loss takes it away. */
    private ScrubState state;

    SimulatedScrub(final SimulatedWorld world) {
        this.world = world;
    }

    /** @param others what the others do between two batches */
    void scrub(final Runnable others) {
        final List<DamagedChunk> damage = run(() -> reading(world.store()), world.random.nextInt(1, 20), others);
        if (!damage.isEmpty()) {
            throw new AssertionError("scrub: " + damage + " (expected: none)");
        }
    }

    /** A bit of some chunk of a head decays, is found and is put right. Nobody else does anything meanwhile. */
    void findDecay() {
        final Extent extent = new Extent();
        final HeadMap head = new HeadMap(world.store().head());
        if (!head.next(world.random.nextInt(6), world.random.nextInt(SimulatedVolumes.CHUNKS), extent)
                || extent.zeroes()) {
            return;
        }
        final long block = extent.block() + world.random.nextInt(extent.length());
        final long position = block * BLOCK_LENGTH + world.random.nextInt(BLOCK_LENGTH);
        final int bit = world.random.nextInt(8);
        world.device().flipBit(position, bit);
        state = null; // From the beginning: the part that a stopped one has done is not looked at again.
        while (state == null || state.ended() == null) {
            run(() -> Scrub.Reading.NONE, world.random.nextInt(1, 8), () -> {});
        }
        world.device().flipBit(position, bit);
        final List<Long> found =
                state.damage().stream().map(DamagedChunk::block).toList();
        if (!found.equals(List.of(block))) {
            throw new AssertionError("scrub found " + state.damage() + " (expected: block " + block + ")");
        }
        state = null;
        world.see("scrub found decay");
    }

    private List<DamagedChunk> run(
            final Supplier<Scrub.Reading> readings, final int batchesMax, final Runnable others) {
        final int[] batches = {0};
        try (BlockDevice beside = world.device().openReadOnly()) {
            final Scrub scrub = new Scrub(beside, world.clock, 0, readings);
            if (scrub.resume(state)) {
                world.see("scrub resumed");
            }
            final ScrubReport report = scrub.run((accounted, total) -> {}, (read, total) -> {}, saved -> {
                state = saved;
                world.see("scrub batch");
                if (saved.ended() == null) {
                    others.run();
                    if (++batches[0] == batchesMax) {
                        throw new StoppedException();
                    }
                }
            });
            world.see("scrub ended");
            if (!report.structure().ok()) {
                throw new AssertionError("scrub: " + report.structure().errors());
            }
        } catch (final StoppedException ex) {
            world.see("scrub stopped");
        }
        return state.damage();
    }

    /** What the daemon promises to whoever asks for it over its control socket. */
    private static Scrub.Reading reading(final Store store) {
        final Store.Reading reading = store.beginReading();
        return new Scrub.Reading() {
            @Override
            public boolean undisturbed() {
                return reading.undisturbed();
            }

            @Override
            public void close() {
                reading.close();
            }
        };
    }
}
