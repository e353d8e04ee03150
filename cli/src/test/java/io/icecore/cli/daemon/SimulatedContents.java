package io.icecore.cli.daemon;

import static io.icecore.cli.daemon.SimulatedVolumes.CHUNK;
import static io.icecore.cli.daemon.SimulatedVolumes.CHUNKS;

import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.sim.PowerLoss;
import io.icecore.volume.Catalog;
import io.icecore.volume.Export;
import org.agrona.concurrent.UnsafeBuffer;

/** Reads heads and snapshots to the last chunk and compares them. Planned errors of the device are read over. */
final class SimulatedContents {
    private final SimulatedWorld world;
    private final UnsafeBuffer bytes = new UnsafeBuffer(new byte[CHUNKS * CHUNK]);

    SimulatedContents(final SimulatedWorld world) {
        this.world = world;
    }

    void prove(final Catalog catalog, final String spec, final long[] expected) {
        requireNone(difference(catalog, spec, expected));
    }

    static void requireNone(final String difference) {
        if (difference != null) {
            throw new AssertionError(difference);
        }
    }

    /** What is not as it must be, or null. */
    String difference(final Catalog catalog, final String spec, final long[] expected) {
        try (Export export = catalog.exports().open(spec)) {
            for (int chunk = 0; chunk < CHUNKS; chunk += SimulatedVolumes.adjacent(chunk)) {
                final int count = SimulatedVolumes.adjacent(chunk);
                readPatiently(export, chunk, count);
                for (int i = 0; i < count; i++) {
                    final String difference = SimulatedVolumes.difference(bytes, i * CHUNK, expected[chunk + i]);
                    if (difference != null) {
                        return spec + " chunk " + (chunk + i) + ": " + difference;
                    }
                }
            }
            return null;
        }
    }

    private void readPatiently(final Export export, final int chunk, final int count) {
        try {
            export.read(SimulatedVolumes.offsetOf(chunk), bytes, 0, count * CHUNK);
        } catch (final StoreException ex) {
            if (!world.faulty() || PowerLoss.isCauseOf(ex) || ex instanceof CorruptStoreException) {
                throw ex;
            }
            world.see("read error");
            world.device().faults().clear();
            export.read(SimulatedVolumes.offsetOf(chunk), bytes, 0, count * CHUNK);
        }
    }
}
