package io.icecore.cli.daemon;

import io.icecore.recovery.point.RollingPolicy;
import io.icecore.volume.BusyException;
import io.icecore.volume.Export;
import io.icecore.volume.Snapshot;
import io.icecore.volume.Spec;
import io.icecore.volume.StorePolicy;
import io.icecore.volume.VolumeInfo;
import io.icecore.volume.WhenFull;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** People at the command line, and clients of theirs that stay connected to a snapshot. */
final class SimulatedPeople {
    private static final int VOLUMES_MAX = 4;
    private static final int EXPORTS_MAX = 3;
    private static final long GROWTH_BYTES = 1L << 20;
    private static final long STORE_BYTES_MAX = 64L << 20;

    /** Policies as people have them, from a snapshot every quarter of an hour on. */
    private static final String[][] POLICIES = {
        {"15m", "6h:all,2d:2h"}, {"1h", "1d:all,7d:6h,60d:2d"}, {"1h", "12h:all"}, {"4h", "3d:all,30d:1d,365d:30d"}
    };

    private final SimulatedWorld world;
    private final SimulatedDeeds deeds;
    private final SimulatedReclaimer reclaimer;
    private final List<Export> exports = new ArrayList<>();
    private int names;

    SimulatedPeople(final SimulatedWorld world, final SimulatedDeeds deeds, final SimulatedReclaimer reclaimer) {
        this.world = world;
        this.deeds = deeds;
        this.reclaimer = reclaimer;
        deeds.whenFull(this::makeRoom);
    }

    /** The process is gone, and with it what clients had open. */
    void end() {
        exports.clear();
    }

    /** Somebody does something. */
    void step() {
        switch (world.random.nextInt(17)) {
            case 0 -> createVolume();
            case 1 -> setPolicy(deeds.someVolume());
            case 2, 3 -> takeSnapshots();
            case 4, 5 -> deleteSnapshots();
            case 6 -> holdOrRelease();
            case 7, 14 -> cloneVolume();
            case 8 -> rollBack();
            case 9 -> flatten();
            case 10 -> deleteVolume();
            case 11, 12 -> openOrCloseExport();
            case 13 -> deleteExported();
            case 15 -> setStorePolicy();
            default -> {
                if (world.store().info().sizeBytes() < STORE_BYTES_MAX) {
                    grow();
                }
            }
        }
    }

    // ---- the store

    void setStorePolicy() {
        final WhenFull whenFull = world.oneOf(List.of(WhenFull.values()));
        deeds.commit(
                "set store policy",
                volumes -> volumes.whenFull = whenFull,
                () -> world.catalog().setStorePolicy(new StorePolicy(whenFull, 0)));
    }

    void grow() {
        final long size = world.store().info().sizeBytes() + GROWTH_BYTES;
        deeds.commit("grow", () -> world.store().grow(size));
    }

    /** What an operator does when the store is full. */
    void makeRoom() {
        exports.forEach(Export::close);
        exports.clear();
        for (final String volume : List.copyOf(deeds.now().names())) {
            final List<Snapshot> all = deletable(volume);
            if (!all.isEmpty()) {
                delete(volume, all.subList(0, (all.size() + 1) / 2));
            }
        }
        reclaimer.allSteps();
    }

    // ---- volumes

    void createVolume() {
        if (deeds.now().names().size() < VOLUMES_MAX) {
            final String name = "vm" + names++;
            deeds.commit(
                    "create volume",
                    volumes -> volumes.create(name),
                    () -> world.catalog().createVolume(name, SimulatedVolumes.SIZE_BYTES));
            if (deeds.now().names().contains(name)) {
                setPolicy(name);
            }
        }
    }

    private void setPolicy(final String volume) {
        final String[] policy = world.oneOf(List.of(POLICIES));
        final String text = world.oneIn(10)
                ? null
                : RollingPolicy.parse(policy[0], policy[1], world.random.nextInt(4))
                        .encode();
        deeds.commit(
                "set policy",
                volumes -> volumes.volume(volume).policy = text,
                () -> world.catalog().setPolicy(volume, text));
    }

    private void cloneVolume() {
        final String volume = deeds.someVolume();
        final List<Snapshot> all = snapshots(volume);
        if (!all.isEmpty() && deeds.now().names().size() < VOLUMES_MAX) {
            final String origin = world.oneOf(all).name();
            final String clone = "vm" + names++;
            deeds.commit(
                    "clone",
                    volumes -> volumes.clone(clone, volume, origin),
                    () -> world.catalog().cloneVolume(spec(volume, origin), clone));
        }
    }

    private void flatten() {
        final String volume = deeds.someVolume();
        reclaimer.expectNoAdoption(volume);
        deeds.commit("flatten", () -> world.catalog().flatten(volume));
    }

    private void rollBack() {
        final String volume = deeds.someVolume();
        final List<Snapshot> all = snapshots(volume);
        if (all.isEmpty()) {
            return;
        }
        world.clock.advance(Duration.ofSeconds(1)); // The name is given by the second.
        final String target = world.oneOf(all).name();
        final Instant instant = Instant.ofEpochSecond(world.clock.instant().getEpochSecond());
        final String before =
                "before-rollback-" + instant.toString().replace(":", "-").replace("Z", "");
        if (deeds.now().volume(volume).snapshots.containsKey(before)) {
            return; // The clock was set back.
        }
        deeds.commit(
                "rollback",
                volumes -> volumes.rollBack(volume, target, before),
                () -> world.catalog().rollback(spec(volume, target)));
        deeds.remember(volume, before);
    }

    private void deleteVolume() {
        final List<String> origins = world.catalog().volumes().stream()
                .filter(volume -> volume.parent() != null)
                .map(volume -> volumeOf(volume.parent()))
                .filter(deeds.now().names()::contains)
                .toList();
        final String chosen = origins.isEmpty() ? deeds.someVolume() : origins.get(0);
        if (deeds.now().names().size() < 2 || deeds.now().volume(chosen).held()) {
            return;
        }
        final List<String> clones = world.catalog().volumes().stream()
                .filter(volume ->
                        volume.parent() != null && volumeOf(volume.parent()).equals(chosen))
                .map(VolumeInfo::name)
                .toList();
        try {
            deeds.commit(
                    "delete volume",
                    volumes -> volumes.delete(chosen),
                    () -> world.catalog().deleteVolume(chosen));
            world.see(clones.isEmpty() ? "deleted a volume" : "deleted the origin of a clone");
            reclaimer.expectAdoption(clones);
        } catch (final BusyException ex) {
            seeRefusal();
        }
    }

    // ---- snapshots

    private List<Snapshot> snapshots(final String volume) {
        return world.catalog().snapshots(volume);
    }

    private List<Snapshot> deletable(final String volume) {
        return snapshots(volume).stream()
                .filter(snapshot -> snapshot.holds().isEmpty())
                .toList();
    }

    private static Spec spec(final String volume, final String snapshot) {
        return new Spec(volume, Spec.Kind.NAME, snapshot, null, null, null, null);
    }

    private static String volumeOf(final String spec) {
        return spec.substring(0, spec.indexOf('@'));
    }

    private void takeSnapshots() {
        final List<String> chosen = world.random.nextBoolean()
                ? List.of(deeds.someVolume())
                : List.copyOf(deeds.now().names());
        final String name = "hand" + names++;
        deeds.commit(
                "snapshot by hand",
                volumes -> volumes.take(chosen, name),
                () -> world.catalog().createSnapshots(chosen, name, Map.of()));
        chosen.forEach(volume -> deeds.remember(volume, name));
    }

    private void deleteSnapshots() {
        final String volume = deeds.someVolume();
        final List<Snapshot> all = deletable(volume);
        if (all.isEmpty()) {
            return;
        }
        final int from = world.random.nextInt(all.size());
        final int count = 1 + world.random.nextInt(6);
        if (reclaimer.busy()) {
            world.see("deleted while reclaiming");
        }
        delete(volume, all.subList(from, Math.min(all.size(), from + count)));
    }

    private void delete(final String volume, final List<Snapshot> chosen) {
        final List<String> gone = chosen.stream().map(Snapshot::name).toList();
        try {
            deeds.commit(
                    "delete",
                    volumes -> volumes.delete(volume, gone),
                    () -> world.catalog().deleteSnapshots(chosen));
        } catch (final BusyException ex) {
            seeRefusal();
        }
    }

    private void seeRefusal() {
        world.see("refused: exported");
    }

    private void holdOrRelease() {
        final String volume = deeds.someVolume();
        final List<Snapshot> all = snapshots(volume);
        if (all.isEmpty()) {
            return;
        }
        final Snapshot chosen = world.oneOf(all);
        final boolean hold = chosen.holds().isEmpty() && world.oneIn(3);
        if (hold || !chosen.holds().isEmpty()) {
            deeds.commit("hold or release", volumes -> volumes.hold(volume, chosen.name(), hold), () -> {
                if (hold) {
                    world.catalog().hold(chosen, "tag");
                } else {
                    world.catalog().release(chosen, "tag");
                }
            });
        }
    }

    // ---- clients that stay connected

    /** To a snapshot, so that retention has to leave it alone. */
    private void openOrCloseExport() {
        if (exports.size() == EXPORTS_MAX) {
            exports.remove(0).close();
            return;
        }
        final List<Snapshot> all = snapshots(deeds.someVolume());
        if (!all.isEmpty()) {
            exports.add(world.catalog().exports().open(world.oneOf(all).spec()));
        }
    }

    /** Somebody tries to delete what a client has open. */
    private void deleteExported() {
        for (final Export export : exports) {
            final String volume = volumeOf(export.name());
            final List<Snapshot> exported = deletable(volume).stream()
                    .filter(snapshot -> snapshot.spec().equals(export.name()))
                    .toList();
            if (!exported.isEmpty()) {
                delete(volume, exported);
                if (deeds.now().volume(volume).snapshots.get(exported.get(0).name()) == null) {
                    throw new AssertionError("deleted while exported: " + export.name());
                }
            }
        }
    }
}
