package io.icecore.volume;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.sim.SimBlockDevice;
import io.icecore.volume.Moment.Content;
import io.icecore.volume.Moment.Taken;
import io.icecore.volume.Moment.Volume;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * Uses volumes as clients, timer and reclaimer do, by seeded throws, in a {@link CrashStore}, and says of each operation which
 * moments it takes the store through.
 *
 * <p>Writes are also made while a commit flushes, from the device's own operations: what another client would do, but the
 * same every time.
 */
final class CrashVolumes {
    private static final int CHUNK = Moment.CHUNK;
    private static final long SIZE = (2L << 16) * CHUNK;
    private static final int VOLUMES_MAX = 4;
    private static final int SNAPSHOTS_MAX = 7;
    private static final int RECLAIM_STEPS_MAX = 20_000;
    private static final String BALLAST = Moment.BALLAST;
    private static final int FREE_WHEN_FULL = 80;

    final CrashStore store;
    private final SplittableRandom random;
    final CrashClients clients;
    private final NeededVersions needed;
    private int names;

    private CrashVolumes(
            final CrashStore store, final CrashClients clients, final NeededVersions needed, final int names) {
        this.store = store;
        random = store.random;
        this.clients = clients;
        this.needed = needed;
        this.names = names;
    }

    /** In a store just formatted. */
    static CrashVolumes format(final long length, final long seed) {
        final CrashStore store = new CrashStore(length, seed);
        return new CrashVolumes(store, new CrashClients(store, new ChunkWrites()), new NeededVersions(), 0);
    }

    /** Goes on with what a crash of this one left. */
    CrashVolumes after(final SimBlockDevice image, final long seed) {
        final CrashStore left = store.after(image, seed);
        return new CrashVolumes(left, clients.after(left), needed.after(), names);
    }

    private Catalog catalog() {
        return store.catalog();
    }

    private Moment now() {
        return store.now();
    }

    /** Opens the store and proves that it stands at a moment where a crash may have left it. */
    void open() {
        store.open();
        lookAround();
    }

    private void lookAround() {
        needed.learnAll(catalog(), now());
        Ownership.of(catalog()).checkAllocated(catalog());
    }

    // ---- steps

    void run(final int steps) {
        for (int step = 0; step < steps; step++) {
            step();
        }
    }

    void step() {
        store.clock.advance(Duration.ofSeconds(1));
        final int dice = random.nextInt(100);
        if (now().volumes().size() < 2) {
            create();
        } else if (dice < 30) {
            clients.write(someVolume());
        } else if (dice < 38) {
            clients.zeroOrTrim(someVolume());
        } else if (dice < 52) {
            snapshot();
        } else if (dice < 66) {
            delete();
        } else if (dice < 75) {
            reclaim();
        } else if (dice < 78) {
            drain();
        } else if (dice < 83) {
            branch();
        } else if (dice < 87) {
            clients.commit();
        } else {
            rare();
        }
    }

    /** One of each of the less frequent things. */
    void rare() {
        switch (random.nextInt(12)) {
            case 0 -> holdOrRelease();
            case 1 -> resize();
            case 2 -> setPolicy();
            case 3 -> deleteVolume();
            case 4 -> create();
            case 5 -> grow();
            case 6 -> reopen();
            case 7 -> die();
            case 8 -> releasePinned();
            case 9 -> idle();
            case 10 -> clients.defragment(someVolume());
            default -> clients.scatter(someVolume());
        }
    }

    String someVolume() {
        final List<String> all = now().volumes().keySet().stream()
                .filter(name -> !name.equals(BALLAST))
                .toList();
        return all.get(random.nextInt(all.size()));
    }

    private Volume volume(final String name) {
        return now().volumes().get(name);
    }

    void create() {
        if (now().volumes().size() >= VOLUMES_MAX) {
            return;
        }
        final String name = "vm" + names++;
        final Content empty = new Content(new TreeMap<>(), SIZE);
        store.performShared(
                "create volume",
                now().with(name, new Volume(empty, List.of(), null)),
                () -> catalog().createVolume(name, SIZE));
    }

    void snapshot() {
        final List<String> chosen = new ArrayList<>();
        if (random.nextInt(3) == 0) {
            chosen.addAll(now().volumes().keySet());
        } else {
            chosen.add(someVolume());
        }
        chosen.removeIf(name -> name.equals(BALLAST) || volume(name).snapshots().size() >= SNAPSHOTS_MAX);
        if (chosen.isEmpty()) {
            return;
        }
        final String name = "s" + names++;
        final Map<String, String> labels = random.nextBoolean() ? Map.of() : Map.of("by", name);
        final Moment after = withTaken(chosen, name, labels);
        store.performShared(
                chosen.size() > 1 ? "group snapshot" : "snapshot",
                after,
                () -> catalog()
                        .createSnapshots(chosen, name, labels)
                        .forEach(snapshot -> needed.learn(snapshot, after)));
    }

    private Moment withTaken(final List<String> names, final String snapshot, final Map<String, String> labels) {
        Moment after = now();
        for (final String name : names) {
            after = after.with(name, volume -> volume.withTaken(new Taken(snapshot, volume.head(), labels, Set.of())));
        }
        return after;
    }

    void delete() {
        final String name = someVolume();
        final List<Snapshot> all = catalog().snapshots(name).stream()
                .filter(snapshot -> snapshot.holds().isEmpty())
                .toList();
        if (all.isEmpty()) {
            return;
        }
        final int at = random.nextInt(all.size());
        final List<Snapshot> chosen = switch (random.nextInt(6)) {
            case 0 -> List.of(all.get(0));
            case 1 -> List.of(all.get(all.size() - 1));
            case 2 -> all.subList(0, at);
            case 3 -> all.stream().filter(snapshot -> random.nextBoolean()).toList(); // As thinning does.
            case 4 -> random.nextInt(3) == 0 ? all : all.subList(at, Math.min(all.size(), at + 3));
            default -> List.of(all.get(at));
        };
        if (chosen.isEmpty()) {
            return;
        }
        final Set<String> gone =
                new HashSet<>(chosen.stream().map(Snapshot::name).toList());
        store.performShared(
                chosen.size() > 1 ? "delete several" : "delete",
                now().with(name, volume -> volume.without(gone)),
                () -> catalog().deleteSnapshots(chosen));
    }

    void reclaim() {
        store.perform("reclaim", List.of(), () -> {
            for (int i = 1 + random.nextInt(6); i > 0; i--) {
                catalog().reclaimStep(1 + random.nextInt(16));
            }
        });
        if (random.nextBoolean()) {
            clients.commit();
        }
    }

    /** Moves what left the head lately on, or some of it. */
    void drain() {
        store.perform("drain", List.of(), () -> {
            for (int i = random.nextInt(4); i >= 0 && catalog().drainStep(); i--) {
                // Then some of it.
            }
            catalog().store().commit();
        });
    }

    void branch() {
        final String name = someVolume();
        final List<Taken> all = volume(name).snapshots();
        if (all.isEmpty()) {
            return;
        }
        final Taken origin = all.get(random.nextInt(all.size()));
        final Spec spec = new Spec(name, Spec.Kind.NAME, origin.name(), null, null, null, null);
        needed.relate(name);
        store.clock.advance(Duration.ofSeconds(1)); // A name is given by the second.
        final int dice = random.nextInt(10);
        if (dice < 4) {
            cloneVolume(spec, origin);
        } else if (dice < 7) {
            final String before = "before-rollback-"
                    + store.clock.instant().toString().replace(":", "-").replace("Z", "");
            final Moment after = now().with(
                            name,
                            volume -> volume.withTaken(new Taken(before, volume.head(), Map.of(), Set.of()))
                                    .withHead(origin.content()));
            store.performShared("rollback", after, () -> needed.learn(catalog().rollback(spec), after));
        } else {
            store.perform("flatten", List.of(), true, () -> catalog().flatten(name));
        }
    }

    private void cloneVolume(final Spec spec, final Taken origin) {
        if (now().volumes().size() < VOLUMES_MAX) {
            final String clone = "vm" + names++;
            needed.relate(clone);
            store.performShared(
                    "clone",
                    now().with(clone, new Volume(origin.content(), List.of(), null)),
                    () -> catalog().cloneVolume(spec, clone));
        }
    }

    // ---- rare steps

    void holdOrRelease() {
        final String name = someVolume();
        final List<Snapshot> all = catalog().snapshots(name);
        if (all.isEmpty()) {
            return;
        }
        final Snapshot chosen = all.get(random.nextInt(all.size()));
        final boolean hold = chosen.holds().isEmpty();
        store.performShared(
                hold ? "hold" : "release",
                now().with(name, volume -> volume.withHolds(chosen.name(), hold ? Set.of("tag") : Set.of())),
                () -> {
                    if (hold) {
                        catalog().hold(chosen, "tag");
                    } else {
                        catalog().release(chosen, "tag");
                    }
                });
    }

    void resize() {
        final String name = someVolume();
        final long[] sizes = {SIZE, SIZE / 2 - 10 * CHUNK, 50 * CHUNK};
        final long size = sizes[random.nextInt(sizes.length)];
        store.perform(
                "resize volume",
                List.of(now().with(name, volume -> volume.withHead(volume.head().resized(size)))),
                true,
                () -> catalog().resizeVolume(name, size));
    }

    void setPolicy() {
        final String name = someVolume();
        final String policy = random.nextBoolean() ? "every=" + names++ : null;
        store.performShared(
                "policy",
                now().with(name, volume -> new Volume(volume.head(), volume.snapshots(), policy)),
                () -> catalog().setPolicy(name, policy));
    }

    void deleteVolume() {
        final String name = random.nextInt(3) > 0 && volume(BALLAST) != null ? BALLAST : someVolume();
        if (volume(name).snapshots().stream().allMatch(taken -> taken.holds().isEmpty())) {
            store.performShared(
                    "delete volume", now().without(name), () -> catalog().deleteVolume(name));
        }
    }

    void grow() {
        final long size = now().storeBytes() + (1 + random.nextInt(1500)) * (long) BLOCK_LENGTH;
        store.perform(
                "grow",
                List.of(new Moment(now().volumes(), size)),
                () -> catalog().store().grow(size));
    }

    /** Ends in good order and begins anew. */
    void reopen() {
        store.perform("close", List.of(), true, () -> catalog().close());
        store.kill();
        lookAround();
        store.see("reopen");
    }

    /** The process is killed; what it had not committed is gone. */
    void die() {
        store.kill();
        lookAround();
        store.see("killed");
    }

    void releasePinned() {
        store.perform("release pinned", List.of(), () -> catalog().store().releasePinned());
    }

    /** The store is left alone for a while: it commits, then it is sealed. */
    void idle() {
        store.perform("idle", List.of(), () -> {
            for (int i = 0; i < 4; i++) {
                catalog().store().idle();
                store.clock.advance(Duration.ofSeconds(1));
            }
        });
    }

    /** Takes nearly all that is free, and goes on in what is left. */
    void full(final int steps) {
        final long size = 4096L * CHUNK;
        final Content empty = new Content(new TreeMap<>(), size);
        store.perform(
                "create volume",
                List.of(now().with(BALLAST, new Volume(empty, List.of(), null))),
                () -> catalog().createVolume(BALLAST, size));
        for (long offset = 0; catalog().store().freeBlocks() > FREE_WHEN_FULL && offset < size; ) {
            final long length =
                    Math.min(Math.min(300, catalog().store().freeBlocks() - FREE_WHEN_FULL / 2) * CHUNK, size - offset);
            clients.write(BALLAST, offset, (int) length, false);
            offset += length;
        }
        run(steps);
    }

    // ---- at rest

    /** Deletion goes on where it was and ends; then every block has the owner that it should. */
    void finish() {
        store.perform("reclaim", List.of(), () -> {
            int steps = 0;
            while (catalog().reclaimStep(1 + random.nextInt(64))) {
                if (++steps > RECLAIM_STEPS_MAX) {
                    throw new AssertionError("reclaiming does not end");
                }
            }
            catalog().store().commit();
        });
        if (catalog().reclaimStatus().records() != 0
                || catalog().reclaimStatus().pendingBytes() != 0) {
            throw new AssertionError("left after reclaiming: " + catalog().reclaimStatus());
        }
        store.requireShowing(now());
        needed.checkAtRest(catalog(), now(), store::see);
        store.see("finished");
    }
}
