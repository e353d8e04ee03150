package io.icecore.recovery.check;

import io.icecore.store.Store;
import io.icecore.store.commit.OpenedStore;
import io.icecore.store.format.Superblock;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.volume.Catalog;
import io.icecore.volume.Export;
import io.icecore.volume.Snapshot;
import io.icecore.volume.Spec;
import io.icecore.volume.VolumeInfo;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;

/** A store with a past: volumes written, trimmed, resized, snapshot, thinned, cloned, rolled back, and partly reclaimed. */
public final class RandomHistory implements AutoCloseable {
    private static final int CHUNK = 4096;
    private static final long VOLUME_BYTES = (3L << 16) * CHUNK;

    /** Written places: at the start, over the border of two containers of regions, far away. */
    private static final long[] ISLANDS = {0, (1 << 16) - 70, (2L << 16) + 5};

    private static final int ISLAND_CHUNKS = 150;
    private static final int VOLUMES_MAX = 5;
    private static final int SNAPSHOTS_MAX = 15;

    private final SplittableRandom random;
    private final UnsafeBuffer bytes = new UnsafeBuffer(new byte[400_000]);
    private SimBlockDevice device;
    private Catalog catalog;
    private int names;

    public RandomHistory(final long seed) {
        this(seed, 96 << 20);
    }

    public RandomHistory(final long seed, final long deviceBytes) {
        random = new SplittableRandom(seed);
        device = new SimBlockDevice(deviceBytes, seed);
        Store.format(device, "test");
        open();
    }

    private void open() {
        catalog = Catalog.open(Store.open(device), Clock.systemUTC());
    }

    public Catalog catalog() {
        return catalog;
    }

    /** The device as it is now, with what this process has written. */
    public SimBlockDevice device() {
        return device;
    }

    public void reopen() {
        catalog.close();
        device = device.kill();
        open();
    }

    /** Closes the store and returns its device, to be opened again. */
    public SimBlockDevice finish() {
        catalog.close();
        return device.kill();
    }

    @Override
    public void close() {
        catalog.close();
    }

    public void steps(final int count) {
        for (int i = 0; i < count; i++) {
            step();
        }
    }

    /** Allocates and frees until the space log has been folded into the space tree, and has spilled again. */
    public void churn() {
        churn(catalog.store());
    }

    static void churn(final Store store) {
        final UnsafeBuffer checksum = new UnsafeBuffer(new byte[Integer.BYTES]);
        for (int round = 0; !foldedAndSpilled(store.opened().current); round++) {
            store.lock();
            final long block = store.allocate(1) >>> 16;
            store.settle(block, 1, checksum, 0); // Nothing is written: the block belongs to nobody in a moment.
            store.free(block, 1);
            store.unlock();
            if (round % 1000 == 0) {
                store.commit();
            }
        }
    }

    private static boolean foldedAndSpilled(final Superblock superblock) {
        return superblock.rootBlocks[OpenedStore.SPACE] != 0 && superblock.spillBlock != 0;
    }

    /** A version that two snapshots stood around is dead, and still there. */
    public void deleteWithoutReclaiming() {
        catalog.createVolume("dead", 1 << 20);
        try (Export export = catalog.exports().open("dead")) {
            for (int i = 0; i < 4; i++) {
                export.write(0, bytes, 0, 10 * CHUNK, false);
                catalog.createSnapshots(List.of("dead"), "s" + i, Map.of());
            }
            export.write(0, bytes, 0, 10 * CHUNK, false);
        }
        catalog.deleteSnapshots(List.of(catalog.snapshots("dead").get(1)));
    }

    /** Much is freed and reused, commit after commit. */
    public void overwriteAndCommit() {
        if (catalog.volumes().stream().noneMatch(volume -> volume.name().equals("busy"))) {
            catalog.createVolume("busy", VOLUME_BYTES);
        }
        write(catalog.volume("busy"), random.nextInt(4) == 0);
        catalog.store().commit();
        catalog.reclaimStep();
    }

    private void step() {
        final List<VolumeInfo> volumes = catalog.volumes();
        final int dice = random.nextInt(1000);
        if (volumes.isEmpty() || dice < 10 && volumes.size() < VOLUMES_MAX) {
            catalog.createVolume("vm" + names++, VOLUME_BYTES);
            return;
        }
        final VolumeInfo volume = volumes.get(random.nextInt(volumes.size()));
        final List<Snapshot> snapshots = catalog.snapshots(volume.name());
        if (dice < 500) {
            write(volume, dice < 120);
        } else if (dice < 600) {
            snapshot(volumes, volume);
        } else if (dice < 700) {
            delete(snapshots);
        } else if (dice < 715) {
            final long[] sizes = {VOLUME_BYTES, VOLUME_BYTES / 2, 40 * CHUNK, ((1 << 16) - 20) * (long) CHUNK};
            catalog.resizeVolume(volume.name(), sizes[random.nextInt(sizes.length)]);
        } else if (dice < 745) {
            branch(volume, snapshots, volumes.size());
        } else if (dice < 750) {
            catalog.deleteVolume(volume.name());
        } else if (dice < 770) {
            reopen();
        } else if (dice < 840) {
            catalog.store().commit();
        } else if (dice < 844) {
            catalog.drainStep();
        } else {
            catalog.reclaimStep();
        }
    }

    private void write(final VolumeInfo volume, final boolean trim) {
        final long first = ISLANDS[random.nextInt(ISLANDS.length)] * CHUNK;
        long offset = first + random.nextInt(ISLAND_CHUNKS * CHUNK);
        long length = 1 + random.nextInt(random.nextBoolean() ? 20_000 : bytes.capacity() - 1);
        if (random.nextInt(3) > 0) {
            offset &= -CHUNK;
        }
        length = Math.min(length, volume.sizeBytes() - offset);
        if (length <= 0) {
            return;
        }
        bytes.putLong(random.nextInt(bytes.capacity() - Long.BYTES), random.nextLong());
        try (Export export = catalog.exports().open(volume.name())) {
            if (trim) {
                export.trim(offset, length, false);
            } else {
                export.write(offset, bytes, 0, (int) length, random.nextInt(20) == 0);
            }
        }
    }

    private void snapshot(final List<VolumeInfo> volumes, final VolumeInfo volume) {
        final List<String> chosen = new ArrayList<>();
        for (final VolumeInfo info : random.nextInt(4) == 0 ? volumes : List.of(volume)) {
            if (info.snapshots() < SNAPSHOTS_MAX) {
                chosen.add(info.name());
            }
        }
        if (!chosen.isEmpty()) {
            catalog.createSnapshots(chosen, "s" + names++, Map.of("k", "v"));
        }
    }

    private void delete(final List<Snapshot> snapshots) {
        if (snapshots.isEmpty()) {
            return;
        }
        final int at = random.nextInt(snapshots.size());
        catalog.deleteSnapshots(
                switch (random.nextInt(4)) {
                    case 0 -> snapshots.subList(0, at);
                    case 1 -> snapshots.subList(at, snapshots.size());
                    case 2 ->
                        snapshots.stream().filter(s -> random.nextBoolean()).toList();
                    default -> List.of(snapshots.get(at));
                });
    }

    private void branch(final VolumeInfo volume, final List<Snapshot> snapshots, final int volumes) {
        if (snapshots.isEmpty()) {
            return;
        }
        final Snapshot origin = snapshots.get(random.nextInt(snapshots.size()));
        final Spec spec = new Spec(volume.name(), Spec.Kind.NAME, origin.name(), null, null, null, null);
        final int dice = random.nextInt(10);
        if (dice < 4 && volumes < VOLUMES_MAX) {
            catalog.cloneVolume(spec, "vm" + names++);
        } else if (dice < 8) {
            catalog.rollback(spec);
        } else {
            catalog.flatten(volume.name());
        }
    }
}
