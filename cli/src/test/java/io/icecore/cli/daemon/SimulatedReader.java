package io.icecore.cli.daemon;

import io.icecore.store.Store;
import io.icecore.store.device.StoreException;
import io.icecore.store.sim.PowerLoss;
import io.icecore.volume.Catalog;
import io.icecore.volume.NoSuchException;
import io.icecore.volume.Snapshot;
import io.icecore.volume.VolumeInfo;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A process that reads snapshots beside the writer. It sees every one as it was taken, be it of an older generation, and none
 * that is not there any more when it has just moved on.
 */
final class SimulatedReader {
    private static final int ATTEMPTS = 3;

    private final SimulatedWorld world;
    private final SimulatedDeeds deeds;
    private final SimulatedContents contents;
    private Catalog catalog;
    private boolean inMidst;

    SimulatedReader(final SimulatedWorld world, final SimulatedDeeds deeds) {
        this.world = world;
        this.deeds = deeds;
        contents = new SimulatedContents(world); // Its own: it takes its steps in the midst of others'.
    }

    void begin() {
        catalog = Catalog.open(Store.openReadOnly(world.device().openReadOnly()), world.clock);
    }

    void end() {
        catalog = null;
    }

    /** The writer is in the midst of an operation of the device: now and then takes a step. */
    void inMidstOfOperation() {
        if (!inMidst && catalog != null && world.oneIn(60)) {
            inMidst = true;
            try {
                step();
            } finally {
                inMidst = false;
            }
        }
    }

    void step() {
        for (int attempt = 1; ; attempt++) {
            try {
                if (world.oneIn(4) && catalog.refresh()) {
                    world.see("reader refreshed");
                    forgetUnseen();
                }
                readSome();
                return;
            } catch (final NoSuchException ex) {
                world.see("reader: deleted meanwhile");
                return;
            } catch (final StoreException ex) {
                if (PowerLoss.isCauseOf(ex) || attempt == ATTEMPTS && !world.faulty()) {
                    throw ex;
                }
                world.see("reader tried again");
                if (attempt == ATTEMPTS) {
                    return;
                }
                catalog.refresh();
            }
        }
    }

    private void readSome() {
        final List<VolumeInfo> volumes = catalog.volumes();
        if (volumes.isEmpty()) {
            return;
        }
        final List<Snapshot> all = catalog.snapshots(world.oneOf(volumes).name());
        if (all.isEmpty()) {
            return;
        }
        final String spec = world.oneOf(all).spec();
        final List<long[]> possible = deeds.contents(spec);
        if (possible == null) {
            world.see("reader saw a snapshot before its taker did");
            return;
        }
        String difference = null;
        for (final long[] content : possible) {
            difference = contents.difference(catalog, spec, content);
            if (difference == null) {
                world.see("reader proved a snapshot");
                return;
            }
        }
        throw new AssertionError("reader: " + difference);
    }

    private void forgetUnseen() {
        if (deeds.remembersMany()) {
            final Set<String> visible = new HashSet<>();
            catalog.volumes()
                    .forEach(volume ->
                            catalog.snapshots(volume.name()).forEach(snapshot -> visible.add(snapshot.spec())));
            deeds.forgetAllBut(visible);
        }
    }
}
