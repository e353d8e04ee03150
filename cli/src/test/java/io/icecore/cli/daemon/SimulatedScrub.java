package io.icecore.cli.daemon;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.recovery.scrub.DamagedChunk;
import io.icecore.recovery.scrub.Scrub;
import io.icecore.recovery.scrub.ScrubReport;
import io.icecore.recovery.scrub.ScrubState;
import io.icecore.store.Store;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.volume.map.Extent;
import io.icecore.volume.map.HeadMap;
import java.time.Clock;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
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

    private final Clock clock;
    private final SplittableRandom random;
    private final Consumer<String> seen;

    /** In a file beside the store: neither a crash nor a power loss takes it away. */
    private ScrubState state;

    SimulatedScrub(final Clock clock, final SplittableRandom random, final Consumer<String> seen) {
        this.clock = clock;
        this.random = random;
        this.seen = seen;
    }

    /** @param others what the others do between two batches */
    void scrub(final SimBlockDevice device, final Store store, final Runnable others) {
        final List<DamagedChunk> damage = run(device, () -> reading(store), random.nextInt(1, 20), others);
        if (!damage.isEmpty()) {
            throw new AssertionError("scrub: " + damage + " (expected: none)");
        }
    }

    /** A bit of some chunk of a head decays, is found and is put right. Nobody else does anything meanwhile. */
    void findDecay(final SimBlockDevice device, final Store store) {
        final Extent extent = new Extent();
        final HeadMap head = new HeadMap(store.head());
        if (!head.next(random.nextInt(6), random.nextInt(SimulatedDisks.CHUNKS), extent) || extent.zeroes()) {
            return;
        }
        final long block = extent.block() + random.nextInt(extent.length());
        final long position = block * BLOCK_LENGTH + random.nextInt(BLOCK_LENGTH);
        final int bit = random.nextInt(8);
        device.flipBit(position, bit);
        state = null; // From the beginning: the part that a stopped one has done is not looked at again.
        while (state == null || state.ended() == null) {
            run(device, () -> Scrub.Reading.NONE, random.nextInt(1, 8), () -> {});
        }
        device.flipBit(position, bit);
        final List<Long> found =
                state.damage().stream().map(DamagedChunk::block).toList();
        if (!found.equals(List.of(block))) {
            throw new AssertionError("scrub found " + state.damage() + " (expected: block " + block + ")");
        }
        state = null;
        seen.accept("scrub found decay");
    }

    private List<DamagedChunk> run(
            final SimBlockDevice device,
            final Supplier<Scrub.Reading> readings,
            final int batchesMax,
            final Runnable others) {
        final int[] batches = {0};
        try (BlockDevice beside = device.openReadOnly()) {
            final Scrub scrub = new Scrub(beside, clock, 0, readings);
            if (scrub.resume(state)) {
                seen.accept("scrub resumed");
            }
            final ScrubReport report = scrub.run((accounted, total) -> {}, (read, total) -> {}, saved -> {
                state = saved;
                seen.accept("scrub batch");
                if (saved.ended() == null) {
                    others.run();
                    if (++batches[0] == batchesMax) {
                        throw new StoppedException();
                    }
                }
            });
            seen.accept("scrub ended");
            if (!report.structure().ok()) {
                throw new AssertionError("scrub: " + report.structure().errors());
            }
        } catch (final StoppedException ex) {
            seen.accept("scrub stopped");
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
