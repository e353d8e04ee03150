package io.icecore.cli.daemon;

import static io.icecore.cli.daemon.SimulatedDisks.CHUNK;
import static io.icecore.cli.daemon.SimulatedDisks.CHUNKS;

import io.icecore.cli.daemon.SimulatedDisks.Disk;
import io.icecore.cli.daemon.SimulatedDisks.Kept;
import io.icecore.recovery.check.CheckReport;
import io.icecore.recovery.check.StoreCheck;
import io.icecore.recovery.point.RetentionPlan;
import io.icecore.recovery.point.RollingPolicy;
import io.icecore.recovery.point.RollingSnapshots;
import io.icecore.store.Store;
import io.icecore.store.device.NoSpaceException;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.Superblock;
import io.icecore.store.sim.PowerLoss;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.sim.SimClock;
import io.icecore.store.space.BlockRun;
import io.icecore.store.space.SegmentUsage;
import io.icecore.volume.BusyException;
import io.icecore.volume.Catalog;
import io.icecore.volume.Export;
import io.icecore.volume.IoRequest;
import io.icecore.volume.NoSuchException;
import io.icecore.volume.Snapshot;
import io.icecore.volume.Spec;
import io.icecore.volume.StorePolicy;
import io.icecore.volume.VolumeInfo;
import io.icecore.volume.VolumeWorkers;
import io.icecore.volume.WhenFull;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * The daemon on one thread, in no time: clients, commit timer, snapshot timer, reclaimer, cleaner, people at the command line,
 * a scrub and a reader beside it take their steps by seeded throws, on a simulated device and by a clock that moves when it is
 * told to. The power fails, the process is killed, the device reports errors, the clock is set.
 *
 * <p>The reader also takes steps in the midst of the writer's device operations, as another process would.
 */
final class DaemonSimulation implements AutoCloseable {
    private static final int DISKS_MAX = 4;
    private static final int SNAPSHOTS_BY_HAND_MAX = 12;
    private static final int STEPS_TO_RECLAIM_MAX = 100_000;
    private static final int SAMPLES = 12;
    private static final String CLOSING = "closing";
    private static final int CHURN_ROUNDS = 17_000;
    private static final int ROOM_MIN = 150;
    private static final int BALLAST_SAMPLES = 4;
    private static final int CLEAN_STEPS_MAX = 400;
    private static final int WAITED_MAX = 50;
    private static final int LATEST_MAX = 60;

    /** Policies as people have them, from a snapshot every quarter of an hour on. */
    private static final String[][] POLICIES = {
        {"15m", "6h:all,2d:2h"}, {"1h", "1d:all,7d:6h,60d:2d"}, {"1h", "12h:all"}, {"4h", "3d:all,30d:1d,365d:30d"}
    };

    /** How often each thing was met: the rare paths that a run must have gone. */
    final Map<String, Long> seen;

    private final Deque<String> latest = new ArrayDeque<>();

    private final SplittableRandom random;
    private final SimClock clock = new SimClock(Instant.parse("2026-11-23T10:00:00Z"));
    private final VolumeWorkers workers = new VolumeWorkers(1, 1);
    private final UnsafeBuffer bytes = new UnsafeBuffer(new byte[CHUNKS * CHUNK]);

    /** The reader beside takes its steps in the midst of others'. */
    private final UnsafeBuffer bytesBeside = new UnsafeBuffer(new byte[CHUNKS * CHUNK]);

    private SimBlockDevice device;
    private Catalog catalog;
    private RollingSnapshots rolling;
    private Catalog reader;
    private final SimulatedScrub scrub;
    private SimulatedBallast ballast;
    private final Set<String> orphans = new HashSet<>();
    private final List<Export> openExports = new ArrayList<>();

    /** As of the newest commit that somebody was told of; what was done since; and both together. */
    private SimulatedDisks durable = new SimulatedDisks();

    private final List<Consumer<SimulatedDisks>> since = new ArrayList<>();
    private SimulatedDisks now = new SimulatedDisks();

    /** What the operation under way does: a crash may leave it done or not. */
    private Consumer<SimulatedDisks> underWay;

    private boolean ticking;
    private boolean faulty;
    private boolean inListener;
    private boolean resumesDeletion;

    /** What the background is at that takes many steps, or null. */
    private String doing;

    private long acknowledged;

    /** Every content that a snapshot of this name had, for readers that see an older generation. */
    private final Map<String, List<long[]>> taken = new TreeMap<>();

    private long writes;
    private int names;
    private Superblock lastSeen;

    DaemonSimulation(final long seed, final Map<String, Long> seen) {
        random = new SplittableRandom(seed);
        this.seen = seen;
        scrub = new SimulatedScrub(clock, random, this::see);
        device = new SimBlockDevice((16L + 8 * random.nextInt(4)) << 20, seed);
        Store.format(device, "sim");
        open();
        crowd();
        setStorePolicy();
        createDisk();
    }

    /** Some stores are nearly full, some are worn, and some have room. */
    private void crowd() {
        final int kind = random.nextInt(3);
        final long free = catalog.store().freeBlocks();
        if (kind == 0) {
            ballast = new SimulatedBallast(catalog, false, ROOM_MIN + random.nextInt(ROOM_MIN));
        } else if (kind == 1) {
            ballast = new SimulatedBallast(catalog, true, (int) (free / 16 + random.nextLong(free / 8)));
        }
        acknowledged = catalog.store().info().generation();
    }

    @Override
    public void close() {
        workers.close();
    }

    /** Simulated time since the beginning. */
    Duration elapsed() {
        return Duration.between(Instant.parse("2026-11-23T10:00:00Z"), clock.instant());
    }

    // ---- one beat

    void beat() {
        clock.advance(Duration.ofSeconds(60 + random.nextInt(50 * 60)));
        try {
            planTrouble();
            tick();
            for (int i = random.nextInt(4); i > 0; i--) {
                client();
            }
            if (random.nextInt(8) == 0) {
                person();
            }
            background();
            if (random.nextInt(4) == 0) {
                readBeside();
            }
            if (random.nextInt(30) == 0 && !faulty) {
                scrub();
            }
            probePower();
        } catch (final StoreException ex) {
            if (!PowerLoss.isCauseOf(ex) && !faulty) {
                throw ex;
            }
            final boolean goesOn = catalog.store().noRoomBelow() != null && !poisoned() && !CLOSING.equals(doing);
            if (goesOn && !ticking && random.nextInt(4) > 0) {
                findRoomBelow();
            } else {
                recover(PowerLoss.isCauseOf(ex));
            }
        }
        lookAtCommit();
    }

    private void background() {
        for (int i = random.nextInt(3); i > 0; i--) {
            perform("idle", null, false, () -> catalog.store().idle());
            clock.advance(Duration.ofMillis(600));
        }
        if (random.nextInt(3) > 0) {
            perform("reclaim", null, false, () -> {
                for (int i = random.nextInt(6); i > 0 && catalog.reclaimStep(); i--) {
                    see("reclaim step");
                }
            });
            lookAtDeletion();
        }
        if (ballast != null) {
            for (int i = random.nextInt(6); i > 0; i--) {
                perform("rewrite ballast", null, false, () -> ballast.rewrite(catalog, random));
            }
        }
        if (random.nextInt(6) == 0) {
            perform("clean", null, false, this::clean);
        }
        if (random.nextInt(6) == 0) {
            perform("defragment", null, false, this::defragment);
        }
    }

    private void lookAtDeletion() {
        if (resumesDeletion && catalog.reclaimStatus().records() == 0) {
            resumesDeletion = false;
            see("a deletion was resumed, and ended");
        }
    }

    /** Steps of the cleaner, which is not always given the time for a whole pass, and what the daemon does after them. */
    private void clean() {
        doing = "cleaning";
        for (int i = random.nextInt(CLEAN_STEPS_MAX); i > 0; i--) {
            final long moved = catalog.movedBytes();
            final int empty = emptySegments();
            if (!catalog.cleanStep()) {
                break;
            }
            if (catalog.movedBytes() > moved) {
                see("cleaner moved data");
                if (emptySegments() > empty) {
                    see("cleaner emptied a segment");
                }
            }
        }
        doing = null;
        if (catalog.store().discardFree(4, 1) > 0) {
            see("discarded a segment");
        }
    }

    /** Reads a head in long stretches, and puts in order what was found scattered. */
    private void defragment() {
        final String disk = someDisk();
        prove(catalog, disk, now.disks.get(disk).chunks);
        doing = "defragmenting";
        final long moved = catalog.movedBytes();
        while (catalog.defragmentStep()) {
            // Until nothing is left to do.
        }
        doing = null;
        if (catalog.movedBytes() > moved) {
            see("defragmented");
        }
    }

    private void seal() {
        catalog.store().commit();
        while (!catalog.store().atRest()) {
            catalog.store().idle();
            clock.advance(Duration.ofSeconds(1));
        }
    }

    private int emptySegments() {
        final SegmentUsage usage = catalog.store().opened().space.usage();
        int empty = 0;
        for (int segment = 0; segment < usage.segments(); segment++) {
            empty += usage.of(segment) == 0 ? 1 : 0;
        }
        return empty;
    }

    private void scrub() {
        if (random.nextInt(4) == 0) {
            perform("scrub drill", null, true, () -> {
                seal(); // Else the decay of what was written last looks like a torn commit, as it should.
                scrub.findDecay(device, catalog.store());
            });
        } else {
            doing = "scrubbing";
            if (random.nextInt(4) == 0) {
                device.losePowerAt(device.operations() + random.nextInt(60));
            }
            scrub.scrub(device, catalog.store(), () -> {
                clock.advance(Duration.ofSeconds(random.nextInt(20)));
                client();
                if (random.nextInt(3) == 0) {
                    background();
                }
            });
            doing = null;
        }
    }

    // ---- doing, and knowing what was done

    /** @param commits whether all that was done is durable when it returns */
    private void perform(
            final String what, final Consumer<SimulatedDisks> effect, final boolean commits, final Runnable action) {
        final Consumer<SimulatedDisks> outer = underWay; // Waits for room, and is not done before this is.
        underWay = effect;
        try {
            action.run();
        } catch (final NoSpaceException full) {
            if (faulty) {
                throw full; // From the file system below, and perhaps in the midst of a commit.
            }
            see("no space: " + now.whenFull.word());
            underWay = outer;
            makeRoom();
            return;
        } catch (final BusyException ex) {
            underWay = outer;
            throw ex;
        }
        see(what);
        settle(commits);
        if (effect != null) {
            effect.accept(now);
            (commits ? List.of(durable) : List.<SimulatedDisks>of()).forEach(effect);
            if (!commits) {
                since.add(effect);
            }
        }
        underWay = outer;
    }

    /** A commit has returned: what was done before it is durable. */
    private void settle(final boolean commits) {
        final long generation = catalog.store().info().generation();
        if (commits || generation > acknowledged) {
            since.forEach(effect -> effect.accept(durable));
            since.clear();
        }
        acknowledged = generation;
    }

    private String someDisk() {
        return new ArrayList<>(now.disks.keySet()).get(random.nextInt(now.disks.size()));
    }

    private static Spec spec(final String disk, final String snapshot) {
        return new Spec(disk, Spec.Kind.NAME, snapshot, null, null, null, null);
    }

    // ---- clients

    /** A request as servers make it, carried out on this thread. */
    private static final class Request extends IoRequest {
        private final CountDownLatch answered = new CountDownLatch(1);
        private volatile Throwable failure;

        @Override
        protected void completed(final Throwable failureOrNull) {
            failure = failureOrNull;
            answered.countDown();
        }
    }

    private void request(
            final String spec, final IoRequest.Op op, final long offset, final int length, final boolean fua) {
        final Request request = new Request();
        try (Export export = catalog.exports().open(spec)) {
            request.export = export;
            request.op = op;
            request.offset = offset;
            request.length = length;
            request.buffer = bytes;
            request.fua = fua;
            workers.execute(request);
            if (request.answered.getCount() > 0) {
                if (device.faults().refusesWrites()) {
                    if (catalog.freeBytes() >= length) {
                        throw new AssertionError("a write waits for room in the store, but there is none below it");
                    }
                    device.faults().clear(); // Both are full. Somebody makes room below first.
                    faulty = false;
                }
                see("waited for room: " + catalog.storePolicy().whenFull().word());
                awaitRoom(request);
            }
        }
        if (request.failure instanceof RuntimeException failure) {
            throw failure;
        }
    }

    /** What goes on while a write waits. It is executed again by another thread, while this one does nothing. */
    private void awaitRoom(final Request request) {
        final UnsafeBuffer given = new UnsafeBuffer(new byte[bytes.capacity()]);
        given.putBytes(0, bytes, 0, bytes.capacity());
        request.buffer = given; // The others read and write meanwhile.
        for (int waited = 0; request.answered.getCount() > 0; waited++) {
            if (waited > WAITED_MAX) {
                throw new AssertionError("a write waits for ever, policy " + catalog.storePolicy());
            }
            tick();
            reclaimAll();
            if (waited > 2 && catalog.storePolicy().whenFull() == WhenFull.WAIT) {
                makeRoom();
                final long size = catalog.store().info().sizeBytes() + (1L << 20);
                perform("grow", null, true, () -> catalog.store().grow(size));
            }
            final int waiting = catalog.waitingWrites();
            catalog.waitingStep();
            if (catalog.waitingWrites() < waiting) {
                awaitAnswer(request);
            }
        }
    }

    private static void awaitAnswer(final Request request) {
        try {
            request.answered.await();
        } catch (final InterruptedException ex) {
            throw new AssertionError("nobody interrupts this thread", ex);
        }
    }

    private void client() {
        final String disk = someDisk();
        final int chunk = random.nextInt(CHUNKS);
        final int count = 1 + random.nextInt(Math.min(random.nextInt(6) == 0 ? 40 : 4, SimulatedDisks.adjacent(chunk)));
        final int dice = random.nextInt(10);
        if (dice < 6) {
            final long write = ++writes;
            final boolean fua = random.nextInt(4) == 0;
            for (int i = 0; i < count; i++) {
                SimulatedDisks.fill(bytes, i * CHUNK, write);
            }
            perform(
                    "write",
                    disks -> disks.write(disk, chunk, count, write),
                    fua,
                    () -> request(disk, IoRequest.Op.WRITE, SimulatedDisks.offsetOf(chunk), count * CHUNK, fua));
        } else if (dice < 7) {
            final IoRequest.Op op = random.nextBoolean() ? IoRequest.Op.TRIM : IoRequest.Op.WRITE_ZEROES;
            perform(
                    "zero",
                    disks -> disks.write(disk, chunk, count, 0),
                    false,
                    () -> request(disk, op, SimulatedDisks.offsetOf(chunk), count * CHUNK, false));
        } else if (dice < 8 && random.nextInt(8) == 0) {
            scatter(disk);
        } else if (dice < 8) {
            perform("flush", null, true, () -> request(disk, IoRequest.Op.FLUSH, 0, 0, false));
        } else {
            prove(catalog, disk, now.disks.get(disk).chunks);
        }
    }

    /** Overwrites single chunks apart from each other: more runs than a superblock can name. */
    private void scatter(final String disk) {
        for (int i = 0; i < 90; i++) {
            final int chunk = i & -2;
            final long write = ++writes;
            SimulatedDisks.fill(bytes, 0, write);
            perform(
                    "write",
                    disks -> disks.write(disk, chunk, 1, write),
                    false,
                    () -> request(disk, IoRequest.Op.WRITE, SimulatedDisks.offsetOf(chunk), CHUNK, false));
        }
    }

    /** Reads all chunks of a head or snapshot and compares them. Errors of the device are tried again when it is well. */
    private void prove(final Catalog from, final String spec, final long[] expected) {
        requireNoDifference(difference(from, spec, expected));
    }

    private static void requireNoDifference(final String difference) {
        if (difference != null) {
            throw new AssertionError(difference);
        }
    }

    private String difference(final Catalog from, final String spec, final long[] expected) {
        final UnsafeBuffer found = from == reader ? bytesBeside : bytes;
        try (Export export = from.exports().open(spec)) {
            for (int chunk = 0; chunk < CHUNKS; chunk += SimulatedDisks.adjacent(chunk)) {
                final int count = SimulatedDisks.adjacent(chunk);
                readPatiently(export, chunk, count, found);
                for (int i = 0; i < count; i++) {
                    final String difference = SimulatedDisks.difference(found, i * CHUNK, expected[chunk + i]);
                    if (difference != null) {
                        return spec + " chunk " + (chunk + i) + ": " + difference;
                    }
                }
            }
            return null;
        }
    }

    private void readPatiently(final Export export, final int chunk, final int count, final UnsafeBuffer target) {
        try {
            export.read(SimulatedDisks.offsetOf(chunk), target, 0, count * CHUNK);
        } catch (final StoreException ex) {
            if (!faulty || PowerLoss.isCauseOf(ex) || ex instanceof CorruptStoreException) {
                throw ex;
            }
            see("read error");
            device.faults().clear();
            export.read(SimulatedDisks.offsetOf(chunk), target, 0, count * CHUNK);
        }
    }

    // ---- people

    private void person() {
        switch (random.nextInt(17)) {
            case 0 -> createDisk();
            case 1 -> setPolicy(someDisk());
            case 2, 3 -> snapshotByHand();
            case 4, 5 -> delete();
            case 6 -> holdOrRelease();
            case 7 -> cloneDisk();
            case 8 -> rollback();
            case 9 -> {
                final String disk = someDisk();
                orphans.remove(disk);
                perform("flatten", null, true, () -> catalog.flatten(disk));
            }
            case 10 -> deleteDisk();
            case 15 -> setStorePolicy();
            case 11, 12 -> openOrCloseExport();
            case 13 -> deleteExported();
            case 14 -> cloneDisk();
            default -> grow();
        }
    }

    private void createDisk() {
        if (now.disks.size() < DISKS_MAX) {
            final String name = "vm" + names++;
            perform(
                    "create volume",
                    disks -> disks.disks.put(name, new Disk()),
                    true,
                    () -> catalog.createVolume(name, SimulatedDisks.SIZE_BYTES));
            if (now.disks.containsKey(name)) {
                setPolicy(name);
            }
        }
    }

    private void setPolicy(final String disk) {
        final String[] policy = POLICIES[random.nextInt(POLICIES.length)];
        final String text = random.nextInt(10) == 0
                ? null
                : RollingPolicy.parse(policy[0], policy[1], random.nextInt(4)).encode();
        perform("set policy", disks -> disks.disks.get(disk).policy = text, true, () -> catalog.setPolicy(disk, text));
    }

    private void setStorePolicy() {
        final WhenFull whenFull = WhenFull.values()[random.nextInt(WhenFull.values().length)];
        perform(
                "set store policy",
                disks -> disks.whenFull = whenFull,
                true,
                () -> catalog.setStorePolicy(new StorePolicy(whenFull, 0)));
    }

    private void snapshotByHand() {
        final List<String> chosen = random.nextBoolean() ? List.of(someDisk()) : List.copyOf(now.disks.keySet());
        final String name = "hand" + names++;
        perform(
                "snapshot by hand",
                disks -> disks.take(chosen, name, false),
                true,
                () -> catalog.createSnapshots(chosen, name, Map.of()));
        chosen.forEach(disk -> remember(disk, name, now));
    }

    private void remember(final String disk, final String snapshot, final SimulatedDisks model) {
        final Kept kept =
                model.disks.containsKey(disk) ? model.disks.get(disk).snapshots.get(snapshot) : null;
        if (kept != null) {
            taken.computeIfAbsent(disk + "@" + snapshot, spec -> new ArrayList<>())
                    .add(kept.chunks());
        }
    }

    private void delete() {
        final String disk = someDisk();
        final List<Snapshot> all = catalog.snapshots(disk).stream()
                .filter(snapshot -> snapshot.holds().isEmpty())
                .toList();
        if (all.isEmpty()) {
            return;
        }
        final int from = random.nextInt(all.size());
        final List<Snapshot> chosen = all.subList(from, Math.min(all.size(), from + 1 + random.nextInt(6)));
        if (catalog.reclaimStatus().records() > 0) {
            see("deleted while reclaiming");
        }
        delete(disk, chosen);
    }

    private void delete(final String disk, final List<Snapshot> chosen) {
        final List<String> gone = chosen.stream().map(Snapshot::name).toList();
        try {
            perform(
                    "delete",
                    disks -> disks.disks.get(disk).snapshots.keySet().removeAll(gone),
                    true,
                    () -> catalog.deleteSnapshots(chosen));
        } catch (final BusyException ex) {
            see("refused: exported");
        }
    }

    /** Somebody tries to delete what a client has open. */
    private void deleteExported() {
        for (final Export export : openExports) {
            final String disk = export.name().substring(0, export.name().indexOf('@'));
            final List<Snapshot> exported = catalog.snapshots(disk).stream()
                    .filter(snapshot -> snapshot.spec().equals(export.name()))
                    .filter(snapshot -> snapshot.holds().isEmpty())
                    .toList();
            if (!exported.isEmpty()) {
                delete(disk, exported);
                if (now.disks.get(disk).snapshots.get(exported.get(0).name()) == null) {
                    throw new AssertionError("deleted while exported: " + export.name());
                }
            }
        }
    }

    private void holdOrRelease() {
        final String disk = someDisk();
        final List<Snapshot> all = catalog.snapshots(disk);
        if (!all.isEmpty()) {
            final Snapshot chosen = all.get(random.nextInt(all.size()));
            final boolean hold = chosen.holds().isEmpty() && random.nextInt(3) == 0;
            if (hold || !chosen.holds().isEmpty()) {
                perform("hold or release", disks -> disks.hold(disk, chosen.name(), hold), true, () -> {
                    if (hold) {
                        catalog.hold(chosen, "tag");
                    } else {
                        catalog.release(chosen, "tag");
                    }
                });
            }
        }
    }

    private void cloneDisk() {
        final String disk = someDisk();
        final List<Snapshot> all = catalog.snapshots(disk);
        if (!all.isEmpty() && now.disks.size() < DISKS_MAX) {
            final String origin = all.get(random.nextInt(all.size())).name();
            final String clone = "vm" + names++;
            perform(
                    "clone",
                    disks -> {
                        final Disk added = new Disk();
                        added.chunks = disks.disks
                                .get(disk)
                                .snapshots
                                .get(origin)
                                .chunks()
                                .clone();
                        disks.disks.put(clone, added);
                    },
                    true,
                    () -> catalog.cloneVolume(spec(disk, origin), clone));
        }
    }

    private void rollback() {
        final String disk = someDisk();
        final List<Snapshot> all = catalog.snapshots(disk);
        if (all.isEmpty()) {
            return;
        }
        clock.advance(Duration.ofSeconds(1)); // The name is given by the second.
        final String target = all.get(random.nextInt(all.size())).name();
        final Instant instant = Instant.ofEpochSecond(clock.instant().getEpochSecond());
        final String before =
                "before-rollback-" + instant.toString().replace(":", "-").replace("Z", "");
        if (now.disks.get(disk).snapshots.containsKey(before)) {
            return; // The clock was set back.
        }
        perform(
                "rollback",
                disks -> {
                    disks.take(List.of(disk), before, false);
                    disks.disks.get(disk).chunks =
                            disks.disks.get(disk).snapshots.get(target).chunks().clone();
                },
                true,
                () -> catalog.rollback(spec(disk, target)));
        remember(disk, before, now);
    }

    private void deleteDisk() {
        final List<String> origins = catalog.volumes().stream()
                .filter(volume -> volume.parent() != null)
                .map(volume -> volume.parent().substring(0, volume.parent().indexOf('@')))
                .filter(now.disks::containsKey)
                .toList();
        final String disk = origins.isEmpty() ? someDisk() : origins.get(0);
        if (now.disks.size() < 2
                || now.disks.get(disk).snapshots.values().stream()
                        .anyMatch(kept -> !kept.holds().isEmpty())) {
            return;
        }
        final List<String> clones = catalog.volumes().stream()
                .filter(volume -> volume.parent() != null && volume.parent().startsWith(disk + "@"))
                .map(VolumeInfo::name)
                .toList();
        try {
            perform("delete volume", disks -> disks.disks.remove(disk), true, () -> catalog.deleteVolume(disk));
            see(clones.isEmpty() ? "deleted a volume" : "deleted the origin of a clone");
            orphans.addAll(clones);
        } catch (final BusyException ex) {
            see("refused: exported");
        }
    }

    /** A client that stays connected to a snapshot, so that retention has to leave it alone. */
    private void openOrCloseExport() {
        if (openExports.size() > 2) {
            openExports.remove(0).close();
            return;
        }
        final String disk = someDisk();
        final List<Snapshot> all = catalog.snapshots(disk);
        if (!all.isEmpty()) {
            openExports.add(
                    catalog.exports().open(all.get(random.nextInt(all.size())).spec()));
        }
    }

    private void grow() {
        final long size = catalog.store().info().sizeBytes();
        if (size < 64L << 20) {
            perform("grow", null, true, () -> catalog.store().grow(size + (1L << 20)));
        }
    }

    /** What an operator does when the store is full. */
    private void makeRoom() {
        openExports.forEach(Export::close);
        openExports.clear();
        for (final String disk : List.copyOf(now.disks.keySet())) {
            final List<Snapshot> all = catalog.snapshots(disk).stream()
                    .filter(snapshot -> snapshot.holds().isEmpty())
                    .toList();
            if (!all.isEmpty()) {
                delete(disk, all.subList(0, (all.size() + 1) / 2));
            }
        }
        reclaimAll();
    }

    private void reclaimAll() {
        perform("reclaimed all", null, true, () -> {
            int steps = 0;
            while (catalog.reclaimStep()) {
                if (++steps > STEPS_TO_RECLAIM_MAX) {
                    throw new AssertionError("reclaiming does not end");
                }
            }
            catalog.store().commit();
        });
        lookAtDeletion();
        catalog.volumes().stream()
                .filter(volume -> volume.parent() == null && orphans.remove(volume.name()))
                .forEach(volume -> see("adopted"));
    }

    // ---- the timer

    private void tick() {
        final Map<String, List<Snapshot>> before = new TreeMap<>();
        now.disks.keySet().forEach(disk -> before.put(disk, catalog.snapshots(disk)));
        ticking = true;
        rolling.tick(clock.instant());
        probePower();
        final boolean failed = poisoned() || catalog.store().noRoomBelow() != null;
        if (failed || rolling.status().stream().anyMatch(status -> status.lastError() != null)) {
            see("timer reports an error");
            if (faulty) {
                throw new StoreException("the timer met a planned failure");
            }
        }
        settle(catalog.store().info().generation() > acknowledged);
        before.forEach(this::learnFromTick);
        ticking = false;
    }

    /** What the timer took holds what the disk holds now; what it thinned the policy has no use for. */
    private void learnFromTick(final String disk, final List<Snapshot> before) {
        final List<Snapshot> after = catalog.snapshots(disk);
        final Set<String> there =
                new HashSet<>(after.stream().map(Snapshot::name).toList());
        final List<Snapshot> all = new ArrayList<>(before);
        for (final Snapshot snapshot : after) {
            if (!now.disks.get(disk).snapshots.containsKey(snapshot.name())) {
                all.add(snapshot);
                learn(disk, snapshot);
                see("rolling snapshot");
            }
        }
        final List<Snapshot> gone = all.stream()
                .filter(snapshot -> !there.contains(snapshot.name()))
                .toList();
        if (!gone.isEmpty()) {
            final RollingPolicy policy = RollingPolicy.decode(now.disks.get(disk).policy);
            final Set<Snapshot> dropped =
                    new HashSet<>(RetentionPlan.of(policy, all, clock.instant()).dropped());
            for (final Snapshot snapshot : gone) {
                see(dropped.contains(snapshot) ? "thinned" : "expired");
                if (!dropped.contains(snapshot)) {
                    requireExpendable(snapshot, policy, all.subList(all.indexOf(snapshot) + 1, all.size()), there);
                }
                now.disks.get(disk).snapshots.remove(snapshot.name());
                durable.disks.get(disk).snapshots.remove(snapshot.name());
            }
        }
    }

    /** Gone to make room: allowed by the store's policy, no hold on it, and not of the last ones that are to stay. */
    private void requireExpendable(
            final Snapshot snapshot, final RollingPolicy policy, final List<Snapshot> newer, final Set<String> there) {
        final long kept = newer.stream()
                .filter(other -> other.rolling() && there.contains(other.name()))
                .count();
        if (now.whenFull != WhenFull.EXPIRE
                || !snapshot.rolling()
                || !snapshot.holds().isEmpty()
                || kept < Math.max(1, policy.keepLast())) {
            throw new AssertionError("gone: " + snapshot + ", and " + kept + " newer ones stay; policy " + policy
                    + ", when full: " + now.whenFull.word());
        }
    }

    private void learn(final String disk, final Snapshot snapshot) {
        if (!snapshot.rolling()) {
            throw new AssertionError("nobody took " + snapshot.spec());
        }
        now.take(List.of(disk), snapshot.name(), true);
        prove(catalog, snapshot.spec(), now.disks.get(disk).chunks);
        durable.disks
                .get(disk)
                .snapshots
                .put(snapshot.name(), now.disks.get(disk).snapshots.get(snapshot.name()));
        remember(disk, snapshot.name(), now);
    }

    // ---- the reader beside

    private void readBeside() {
        for (int attempt = 1; ; attempt++) {
            try {
                if (random.nextInt(4) == 0 && reader.refresh()) {
                    see("reader refreshed");
                    forgetUnseen();
                }
                readOneBeside();
                return;
            } catch (final NoSuchException ex) {
                see("reader: deleted meanwhile");
                return;
            } catch (final StoreException ex) {
                if (PowerLoss.isCauseOf(ex) || attempt == 3 && !faulty) {
                    throw ex;
                }
                see("reader tried again");
                if (attempt == 3) {
                    return;
                }
                reader.refresh();
            }
        }
    }

    private void readOneBeside() {
        final List<VolumeInfo> volumes = reader.volumes();
        if (volumes.isEmpty()) {
            return;
        }
        final String disk = volumes.get(random.nextInt(volumes.size())).name();
        final List<Snapshot> all = reader.snapshots(disk);
        if (all.isEmpty()) {
            return;
        }
        final String spec = all.get(random.nextInt(all.size())).spec();
        final List<long[]> contents = taken.get(spec);
        if (contents == null) {
            see("reader saw a snapshot before its taker did");
            return;
        }
        String difference = null;
        for (final long[] content : contents) {
            difference = difference(reader, spec, content);
            if (difference == null) {
                see("reader proved a snapshot");
                return;
            }
        }
        throw new AssertionError("reader: " + difference);
    }

    /** A reader that has just moved on sees none that is not there any more. */
    private void forgetUnseen() {
        if (taken.size() > 4000) {
            final Set<String> visible = new HashSet<>();
            now.disks.forEach((name, disk) -> disk.snapshots.keySet().forEach(s -> visible.add(name + "@" + s)));
            reader.volumes().forEach(volume -> reader.snapshots(volume.name()).forEach(s -> visible.add(s.spec())));
            taken.keySet().retainAll(visible);
        }
    }

    // ---- trouble

    private void planTrouble() {
        if (faulty && random.nextInt(3) == 0) {
            device.faults().clear();
            faulty = false;
        }
        switch (random.nextInt(120)) {
            case 0, 1 -> device.losePowerAt(device.operations() + random.nextInt(120));
            case 2 -> {
                see("killed");
                recover(false);
            }
            case 3 -> fail("write fails", () -> device.faults().failWrite(device.writes() + random.nextInt(12)));
            case 4 -> fail("flush fails", () -> device.faults().failFlush(device.flushes() + random.nextInt(2)));
            case 5 -> fail("read fails", () -> device.faults().failRead(device.reads() + random.nextInt(60)));
            case 6 ->
                fail("no space below", () -> device.faults().refuseWritesFrom(device.writes() + random.nextInt(12)));
            case 7 -> {
                see("clock jumps ahead");
                clock.advance(Duration.ofHours(1 + random.nextInt(24 * 20)));
            }
            case 8 -> {
                see("clock steps back");
                clock.advance(Duration.ofSeconds(-random.nextInt(2 * 3600)));
            }
            case 9 -> endInGoodOrder();
            case 10 -> audit();
            case 11 -> {
                if (random.nextInt(4) == 0) {
                    churn();
                }
            }
            default -> {
                // Most of the time all is well.
            }
        }
    }

    private void fail(final String what, final Runnable plan) {
        see("planned: " + what);
        faulty = true;
        plan.run();
    }

    /** So much is allocated and freed that the space log has to be brought to the space tree. */
    private void churn() {
        final Store store = catalog.store();
        final UnsafeBuffer checksum = new UnsafeBuffer(new byte[Integer.BYTES]);
        perform("churned", null, true, () -> {
            for (int round = 1; round <= CHURN_ROUNDS; round++) {
                store.lock();
                try {
                    final long block = BlockRun.block(store.allocate(1));
                    store.settle(
                            block, 1, checksum, 0); // Belongs to nobody in a moment, so nothing needs to be written.
                    store.free(block, 1);
                } finally {
                    store.unlock();
                }
                if (round % 64 == 0) {
                    store.commit();
                    lookAtCommit();
                }
            }
            store.commit();
        });
    }

    private void endInGoodOrder() {
        closeAll();
        doing = CLOSING;
        perform("closed", null, true, () -> catalog.close());
        doing = null;
        device = device.kill();
        open();
        match();
    }

    /** Throws where the power is gone, whoever has noticed. */
    private void probePower() {
        device.read(0, new UnsafeBuffer(new byte[512]), 0, 512);
    }

    private boolean poisoned() {
        return !catalog.store().info().health().equals("ok");
    }

    private void closeAll() {
        openExports.clear(); // They end with their process.
        reader = null;
    }

    /** Somebody makes room in the file system below: the daemon goes on, and what failed for want of it was done or not. */
    private void findRoomBelow() {
        device.faults().clear();
        faulty = false;
        try {
            catalog.store().commit();
            see("went on when there was room below");
            match();
        } catch (final StoreException ex) {
            if (!PowerLoss.isCauseOf(ex)) {
                throw ex;
            }
            recover(true);
        }
    }

    /** The process is gone, and perhaps the power: opens what is left, as often as it takes, and finds out where it is. */
    private void recover(final boolean powerLost) {
        if (powerLost && doing != null) {
            see("power lost while " + doing);
        }
        doing = null;
        see(powerLost ? "power lost" : faulty ? "failed and reopened" : "opened after a kill");
        if (poisoned()) {
            see("poisoned");
        }
        closeAll();
        boolean lost = powerLost;
        while (true) {
            device = lost ? device.powerCycle(random.nextLong()) : device.kill();
            faulty = false;
            if (random.nextInt(4) == 0) {
                device.losePowerAt(random.nextInt(30));
            }
            try {
                open();
                match();
                return;
            } catch (final StoreException ex) {
                if (!PowerLoss.isCauseOf(ex)) {
                    throw ex;
                }
                see("power lost while opening");
                reader = null;
                lost = true;
            }
        }
    }

    private void open() {
        reader = null;
        device.onOperation(operation -> {
            if (!inListener && reader != null && random.nextInt(60) == 0) {
                inListener = true;
                try {
                    readBeside();
                } finally {
                    inListener = false;
                }
            }
        });
        catalog = Catalog.open(Store.open(device, clock, random.nextBoolean() ? 4 : 1000), clock);
        catalog.letWritesWait();
        resumesDeletion = catalog.reclaimStatus().records() > 0;
        final Superblock opening = catalog.store().opened().current;
        if (opening.generation - opening.parentGeneration > 16) {
            see("opened the parent of a torn commit");
        }
        lastSeen = opening;
        rolling = new RollingSnapshots(catalog);
        reader = Catalog.open(Store.openReadOnly(device.openReadOnly()), clock);
    }

    // ---- proof

    /** Which of the moments since the last acknowledged commit the store stands at: one of them, as a whole. */
    private void match() {
        final List<Consumer<SimulatedDisks>> effects = new ArrayList<>(since);
        if (underWay != null) {
            effects.add(underWay);
        }
        final StringBuilder differences = new StringBuilder();
        for (int count = effects.size(); count >= 0; count--) {
            final SimulatedDisks candidate = durable.copy();
            effects.subList(0, count).forEach(effect -> effect.accept(candidate));
            final String difference = difference(candidate);
            if (difference == null) {
                see(count == effects.size() ? "opened with all that was done" : "opened without the last");
                adopt(candidate);
                return;
            }
            differences.append("\n  with ").append(count).append(": ").append(difference);
        }
        throw new AssertionError("the store stands at none of " + (effects.size() + 1) + " moments:" + differences);
    }

    private void adopt(final SimulatedDisks candidate) {
        if (ballast != null) {
            requireNoDifference(ballast.differenceInSome(catalog, random, BALLAST_SAMPLES));
        }
        now = candidate;
        durable = candidate.copy();
        since.clear();
        underWay = null;
        ticking = false;
        acknowledged = catalog.store().info().generation();
        now.disks.forEach((disk, model) -> model.snapshots.keySet().forEach(s -> {
            if (!taken.containsKey(disk + "@" + s)) {
                remember(disk, s, now);
            }
        }));
    }

    private String difference(final SimulatedDisks candidate) {
        final List<String> volumes = catalog.volumes().stream()
                .map(VolumeInfo::name)
                .filter(name -> !name.equals(SimulatedBallast.NAME))
                .toList();
        if (!volumes.equals(List.copyOf(candidate.disks.keySet()))) {
            return "volumes " + volumes + " (expected: " + candidate.disks.keySet() + ")";
        }
        if (catalog.storePolicy().whenFull() != candidate.whenFull) {
            return "store policy " + catalog.storePolicy() + " (expected: " + candidate.whenFull + ")";
        }
        for (final String disk : volumes) {
            final String difference = differenceOfDisk(disk, candidate.disks.get(disk));
            if (difference != null) {
                return difference;
            }
        }
        return null;
    }

    private String differenceOfDisk(final String name, final Disk disk) {
        final String policy = catalog.policy(name).orElse(null);
        if (!Objects.equals(policy, disk.policy)) {
            return "policy of " + name + " " + policy + " (expected: " + disk.policy + ")";
        }
        String difference = difference(catalog, name, disk.chunks);
        final Map<String, Snapshot> there = new TreeMap<>();
        catalog.snapshots(name).forEach(snapshot -> there.put(snapshot.name(), snapshot));
        if (ticking) {
            difference = difference == null ? learnInterruptedTick(name, disk, there) : difference;
        }
        if (difference != null) {
            return difference;
        }
        if (!there.keySet().equals(disk.snapshots.keySet())) {
            return "snapshots of " + name + " " + there.keySet() + " (expected: " + disk.snapshots.keySet() + ")";
        }
        for (final Snapshot snapshot : there.values()) { // All: a hold is all that two moments may differ in.
            final Set<String> holds = disk.snapshots.get(snapshot.name()).holds();
            if (!snapshot.holds().equals(holds)) {
                return snapshot.spec() + " holds " + snapshot.holds() + " (expected: " + holds + ")";
            }
        }
        final List<String> names = List.copyOf(there.keySet());
        for (int i = 0; difference == null && i < Math.min(SAMPLES, names.size()); i++) {
            final String snapshot = names.get(names.size() <= SAMPLES ? i : random.nextInt(names.size()));
            difference = difference(
                    catalog, name + "@" + snapshot, disk.snapshots.get(snapshot).chunks());
        }
        return difference;
    }

    /** The timer may have taken its snapshots, of what the disk held, and thinned some, or not. */
    private String learnInterruptedTick(final String name, final Disk disk, final Map<String, Snapshot> there) {
        for (final Snapshot snapshot : there.values()) {
            if (!disk.snapshots.containsKey(snapshot.name())) {
                if (!snapshot.rolling()) {
                    return "nobody took " + snapshot.spec();
                }
                final String difference = difference(catalog, snapshot.spec(), disk.chunks);
                if (difference != null) {
                    return difference;
                }
                disk.snapshots.put(snapshot.name(), new Kept(disk.chunks.clone(), true, Set.of()));
                see("interrupted timer had taken");
            }
        }
        for (final String snapshot : List.copyOf(disk.snapshots.keySet())) {
            final Kept kept = disk.snapshots.get(snapshot);
            if (!there.containsKey(snapshot) && kept.rolling() && kept.holds().isEmpty()) {
                disk.snapshots.remove(snapshot);
                see("interrupted timer had thinned");
            }
        }
        return null;
    }

    /** At rest: all deletion done, every block owned once, every byte of every snapshot right. */
    void audit() {
        device.losePowerAt(Long.MAX_VALUE);
        device.faults().clear();
        faulty = false;
        reclaimAll();
        now.disks.forEach((name, disk) -> {
            prove(catalog, name, disk.chunks);
            disk.snapshots.forEach((snapshot, kept) -> prove(catalog, name + "@" + snapshot, kept.chunks()));
        });
        if (ballast != null) {
            requireNoDifference(ballast.difference(catalog));
        }
        final CheckReport report = new StoreCheck(device, (accounted, total) -> {}).run();
        if (!report.ok()) {
            throw new AssertionError("check: " + report.errors() + ", " + report.blocks());
        }
        see("audited");
    }

    // ---- what was met

    private void see(final String what) {
        seen.merge(what, 1L, Long::sum);
        if (latest.size() == LATEST_MAX) {
            latest.removeFirst();
        }
        latest.addLast(what);
    }

    /** What was met last, for whoever looks for the cause of a failure. */
    String latest() {
        return String.join(", ", latest);
    }

    private void lookAtCommit() {
        final Superblock current = catalog.store().opened().current;
        if (current == lastSeen) {
            return;
        }
        see("commits seen");
        if (current.payloadFlushed()) {
            see("flush first");
        }
        if (current.sealing()) {
            see("sealed");
        }
        if (current.spillBlock != 0) {
            see("spill");
        }
        if (current.redirects.length < lastSeen.redirects.length) {
            see("fold");
        }
        if (current.rootGenerations[5] != lastSeen.rootGenerations[5]) {
            see("space fold");
        }
        if (fillsHoles()) {
            see("holes filled");
        }
        lastSeen = current;
    }

    /** Whether there is something ahead of where the next block goes, in the same segment. */
    private boolean fillsHoles() {
        final int segmentBlocks = catalog.store().opened().geometry.segmentBlocks();
        final long cursor = catalog.store().opened().space.cursor();
        if (cursor % segmentBlocks == 0
                || cursor >= catalog.store().opened().space.blockCount()) {
            return false;
        }
        final BitSet used = BitSet.valueOf(catalog.store().opened().space.usedBits(cursor / segmentBlocks));
        return used.nextSetBit((int) (cursor % segmentBlocks)) >= 0;
    }
}
