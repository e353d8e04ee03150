package io.icecore.volume;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.icecore.store.Store;
import io.icecore.store.commit.SuperblockSlots;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.NoSpaceException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.Superblock;
import io.icecore.store.format.SuperblockLayout;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.sim.SimBlockDevice.Kind;
import io.icecore.store.sim.SimBlockDevice.Operation;
import io.icecore.store.sim.SimClock;
import io.icecore.volume.Moment.Cell;
import io.icecore.volume.Moment.Content;
import io.icecore.volume.Moment.Taken;
import io.icecore.volume.Moment.Volume;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Function;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Uses volumes as clients, timer and reclaimer do, by seeded throws, and knows at every device operation which moments each
 * commit may hold: exactly one, but while an operation of several steps is under way.
 *
 * <p>Writes are also made while a commit flushes, from the device's own operations: what another client would do, but the
 * same every time.
 */
final class CrashVolumes {
    static final int CHUNK = Moment.CHUNK;

    /** Written places: over the end of an extent's window, and over the border of two containers of regions. */
    private static final long[] ISLANDS = {40, (1 << 16) - 20};

    private static final int ISLAND_CHUNKS = 60;
    private static final long SIZE = (2L << 16) * CHUNK;
    private static final int VOLUMES_MAX = 4;
    private static final int SNAPSHOTS_MAX = 7;
    private static final int RECLAIM_STEPS_MAX = 20_000;
    private static final String BALLAST = Moment.BALLAST;
    private static final int FREE_WHEN_FULL = 80;
    private static final int TRACE_MAX = 16;
    private static final String OPEN = "open";

    private record Point(long branch, long epoch) {}

    final SplittableRandom random;
    final SimClock clock;

    /** Wraps the device for the store, for tests that break it. */
    Function<BlockDevice, BlockDevice> deviceOf = device -> device;

    /** Called after every operation of the device, before what this workload does meanwhile. */
    Runnable onOperation = () -> {};

    /** How often each kind of thing was met. */
    Map<String, Long> seen = new TreeMap<>();

    SimBlockDevice device;
    Catalog catalog;

    /** What was done, whether durable or not; and what the operation under way may make of it, step by step. */
    private Moment now;

    private List<Moment> ahead = List.of();

    /** The moments that the commit of a generation may hold. */
    private final TreeMap<Long, List<Moment>> commits;

    /** Opening commits that a crash cut short, and their parents, whose slots may be written over by now. */
    private final Map<Long, Long> openings;

    /** The newest commit that somebody was told of. */
    private long acknowledged;

    private final Map<Point, Content> contents;
    private final Set<String> related;
    private String operation = "";

    /** The last operations and what became of them, crashes included: for messages. */
    private final List<String> trace;

    private boolean othersWrite;
    private boolean meanwhile;
    private long versions;
    private int names;

    private CrashVolumes(final SimBlockDevice device, final long seed, final CrashVolumes before) {
        this.device = device;
        random = new SplittableRandom(seed);
        if (before == null) {
            clock = new SimClock(Instant.parse("2026-11-23T10:00:00Z"));
            now = Moment.empty(device.length());
            commits = new TreeMap<>(Map.of(1L, List.of(now)));
            openings = new HashMap<>();
            acknowledged = 1;
            contents = new HashMap<>();
            related = new HashSet<>();
            trace = new ArrayList<>();
        } else {
            clock = new SimClock(before.clock.instant());
            now = before.now;
            commits = new TreeMap<>(before.commits.tailMap(before.acknowledged));
            if (before.catalog != null) { // A superblock that was cut short by the power loss was not noted.
                commits.putIfAbsent(before.catalog.store().opened().current.generation + 1, before.possible());
            }
            openings = new HashMap<>(before.openings);
            if (before.operation.equals(OPEN)) {
                noteOpenings();
            }
            acknowledged = before.acknowledged;
            contents = new HashMap<>(before.contents);
            related = new HashSet<>(before.related);
            trace = new ArrayList<>(before.trace);
            note("crash in " + before.operation);
            versions = before.versions;
            names = before.names;
            seen = before.seen;
        }
    }

    /** A store just formatted. */
    static CrashVolumes format(final long length, final long seed) {
        final SimBlockDevice device = new SimBlockDevice(length, seed);
        Store.format(device, "crash");
        return new CrashVolumes(device, seed, null);
    }

    /** Goes on with what a crash of this one left. */
    CrashVolumes after(final SimBlockDevice image, final long seed) {
        return new CrashVolumes(image, seed, this);
    }

    /** What was being done, for messages and for counting where crashes fell. */
    String operation() {
        return operation;
    }

    String trace() {
        return String.join("; ", trace);
    }

    private void note(final String what) {
        trace.add(what);
        if (trace.size() > TRACE_MAX) {
            trace.remove(0);
        }
    }

    // ---- opening

    /** Opens the store and proves that it stands at a moment where a crash may have left it. */
    void open() {
        operation = OPEN;
        device.onOperation(this::onOperation);
        catalog = Catalog.open(Store.open(deviceOf.apply(device), clock, random.nextBoolean() ? 1 : 1000), clock);
        final Superblock opening = catalog.store().opened().current;
        final long chosen = opening.parentGeneration;
        long known = chosen;
        while (known >= acknowledged && !commits.containsKey(known)) {
            known = openings.getOrDefault(known, -1L);
        }
        final List<Moment> possible = commits.get(known);
        if (chosen < acknowledged || possible == null) {
            throw new AssertionError("opened generation " + chosen + " (expected: " + acknowledged
                    + ", which was acknowledged, or one of " + commits.keySet() + ")");
        }
        see(chosen == acknowledged ? "opened acknowledged" : "opened in flight");
        note("opened " + chosen + " after " + acknowledged);
        now = match(possible);
        commits.put(opening.generation, List.of(now));
        acknowledged = opening.generation;
        learnPoints();
        Ownership.of(catalog).checkAllocated(catalog);
    }

    /** An opening commit that nobody was told of holds what its parent does. */
    private void noteOpenings() {
        new SuperblockSlots(device, SuperblockSlots.find(device))
                .readAll(true).copies().stream()
                        .filter(copy -> (copy.flags & SuperblockLayout.FLAG_OPENING) != 0)
                        .forEach(copy -> openings.put(copy.generation, copy.parentGeneration));
    }

    /** Which of these moments the store shows. Newest first: that is what it mostly is. */
    private Moment match(final List<Moment> possible) {
        final StringBuilder differences = new StringBuilder();
        for (int i = possible.size() - 1; i >= 0; i--) {
            final String difference = possible.get(i).difference(catalog);
            if (difference == null) {
                return possible.get(i);
            }
            differences.append("\n  step ").append(i).append(": ").append(difference);
        }
        throw new AssertionError("the store shows none of " + possible.size() + " moments:" + differences);
    }

    private void learnPoints() {
        now.volumes()
                .forEach((name, volume) -> catalog.snapshots(name)
                        .forEach(snapshot -> contents.put(
                                new Point(snapshot.branch(), snapshot.epoch()),
                                volume.snapshot(snapshot.name()).content())));
    }

    // ---- steps

    void run(final int steps) {
        for (int step = 0; step < steps; step++) {
            step();
        }
    }

    void step() {
        clock.advance(Duration.ofSeconds(1));
        final int dice = random.nextInt(100);
        if (now.volumes().size() < 2) {
            create();
        } else if (dice < 30) {
            write(someVolume());
        } else if (dice < 38) {
            zeroOrTrim(someVolume());
        } else if (dice < 52) {
            snapshot();
        } else if (dice < 66) {
            delete();
        } else if (dice < 76) {
            reclaim();
        } else if (dice < 82) {
            branch();
        } else if (dice < 87) {
            commit();
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
            case 10 -> defragment(someVolume(), ISLANDS[random.nextInt(ISLANDS.length)]);
            default -> scatter();
        }
    }

    String someVolume() {
        final List<String> all = now.volumes().keySet().stream()
                .filter(name -> !name.equals(BALLAST))
                .toList();
        return all.get(random.nextInt(all.size()));
    }

    private Volume volume(final String name) {
        return now.volumes().get(name);
    }

    /** Runs an operation that takes the store through these moments, the last of which stands when it has returned. */
    private void perform(final String what, final List<Moment> steps, final Runnable action) {
        perform(what, steps, false, action);
    }

    /** @param durable whether that last moment must be in a commit by then */
    private void perform(final String what, final List<Moment> steps, final boolean durable, final Runnable action) {
        operation = what;
        see(what);
        note(what);
        ahead = new ArrayList<>(steps);
        try {
            action.run();
            if (durable) {
                requireCommitted(steps.isEmpty() ? now : steps.get(steps.size() - 1));
            }
            now = ahead.isEmpty() ? now : ahead.get(ahead.size() - 1);
        } catch (final NoSpaceException full) {
            see("no space");
            note("no space: " + full.getMessage());
            now = reached(possible());
        } finally {
            othersWrite = false;
        }
        ahead = List.of();
        acknowledged = catalog.store().opened().current.generation;
    }

    private void requireCommitted(final Moment moment) {
        final long generation = catalog.store().opened().current.generation;
        if (commits.get(generation).stream().noneMatch(moment::equals)) {
            throw new AssertionError(operation + " was answered, and generation " + generation + " does not hold it");
        }
    }

    /** Where an operation that found no room ended. What a client writes is looked for in its volume only: that is quick. */
    private Moment reached(final List<Moment> steps) {
        final String name = BALLAST;
        final Volume ballast = steps.get(steps.size() - 1).volumes().get(name);
        if (ballast == null || ballast == steps.get(0).volumes().get(name)) {
            return match(steps);
        }
        for (final Moment step : steps) {
            if (Moment.difference(catalog, name, step.volumes().get(name).head()) == null) {
                return step;
            }
        }
        throw new AssertionError(operation + " found no room and left something else");
    }

    /** The same; meanwhile, once its commit is cut, others may write. */
    private void performShared(final String what, final Moment after, final Runnable action) {
        othersWrite = true;
        perform(what, List.of(after), true, action);
    }

    void create() {
        if (now.volumes().size() >= VOLUMES_MAX) {
            return;
        }
        final String name = "vm" + names++;
        final Content empty = new Content(new TreeMap<>(), SIZE);
        performShared(
                "create volume",
                now.with(name, new Volume(empty, List.of(), null)),
                () -> catalog.createVolume(name, SIZE));
    }

    /** A range of bytes on an island, cut to the volume's size; {offset, length}. */
    private long[] someRange(final Content content) {
        final long first = ISLANDS[random.nextInt(ISLANDS.length)] * CHUNK;
        long offset = first + random.nextInt(ISLAND_CHUNKS * CHUNK);
        long length = 1 + random.nextInt(random.nextInt(3) == 0 ? 30 * CHUNK : 3 * CHUNK);
        if (random.nextInt(3) > 0) {
            offset &= -CHUNK;
            length = length + CHUNK - 1 & -CHUNK;
        }
        length = Math.min(length, first + (long) ISLAND_CHUNKS * CHUNK - offset);
        return new long[] {offset, Math.min(length, content.sizeBytes() - offset)};
    }

    void write(final String name) {
        final long[] range = someRange(volume(name).head());
        if (range[1] > 0) {
            write(name, range[0], (int) range[1], random.nextInt(4) == 0);
        }
    }

    void write(final String name, final long offset, final int length, final boolean fua) {
        final byte[] bytes = new byte[length];
        new Random(random.nextLong()).nextBytes(bytes);
        final List<Moment> steps = new ArrayList<>();
        Moment moment = now;
        for (long from = offset; from < offset + length; ) { // A part of a chunk is a step, whole chunks are one.
            final long whole = (offset + length - from) / CHUNK * CHUNK;
            final long stop = from % CHUNK == 0 && whole > 0
                    ? from + whole
                    : Math.min(offset + length, (from / CHUNK + 1) * CHUNK);
            final long start = from;
            moment = moment.with(
                    name,
                    volume -> volume.withHead(volume.head()
                            .with(cells -> put(cells, start, bytes, (int) (start - offset), (int) (stop - start)))));
            steps.add(moment);
            from = stop;
        }
        perform(fua ? "write, durable" : "write", steps, fua, () -> {
            try (Export export = catalog.exports().open(name)) {
                export.write(offset, new UnsafeBuffer(bytes), 0, length, fua);
            }
        });
    }

    private void put(
            final TreeMap<Long, Cell> cells, final long offset, final byte[] bytes, final int index, final int length) {
        for (long chunk = offset / CHUNK; chunk * CHUNK < offset + length; chunk++) {
            final long from = Math.max(offset, chunk * CHUNK);
            final long end = Math.min(offset + length, (chunk + 1) * CHUNK);
            final Cell old = cells.get(chunk);
            final byte[] changed = old == null ? new byte[CHUNK] : old.bytes().clone();
            final int at = index + (int) (from - offset);
            System.arraycopy(bytes, at, changed, (int) (from - chunk * CHUNK), (int) (end - from));
            cells.put(chunk, new Cell(++versions, changed));
        }
    }

    void zeroOrTrim(final String name) {
        final Content head = volume(name).head();
        final long[] range = random.nextInt(10) == 0 ? new long[] {0, head.sizeBytes()} : someRange(head);
        if (range[1] <= 0) {
            return;
        }
        final boolean trim = random.nextBoolean();
        final boolean fua = random.nextBoolean();
        perform(trim ? "trim" : "zero", discardSteps(name, range[0], range[0] + range[1], trim), fua, () -> {
            try (Export export = catalog.exports().open(name)) {
                if (trim) {
                    export.trim(range[0], range[1], fua);
                } else {
                    export.zero(range[0], range[1], false, fua);
                }
            }
        });
    }

    private List<Moment> discardSteps(final String name, final long offset, final long end, final boolean trim) {
        final long wholeFrom = (offset + CHUNK - 1) / CHUNK * CHUNK;
        final long wholeEnd = end / CHUNK * CHUNK;
        final List<Moment> steps = new ArrayList<>();
        Moment moment = now;
        if (!trim) {
            moment = zeroPart(moment, name, offset, Math.min(end, wholeFrom));
            steps.add(moment);
        }
        if (wholeFrom < wholeEnd) {
            moment = moment.with(
                    name,
                    volume -> volume.withHead(volume.head()
                            .with(cells -> cells.subMap(wholeFrom / CHUNK, wholeEnd / CHUNK)
                                    .clear())));
            steps.add(moment);
        }
        if (!trim) {
            moment = zeroPart(moment, name, Math.max(wholeEnd, Math.min(end, wholeFrom)), end);
            steps.add(moment);
        }
        return steps;
    }

    private Moment zeroPart(final Moment moment, final String name, final long from, final long end) {
        if (from >= end || !moment.volumes().get(name).head().cells().containsKey(from / CHUNK)) {
            return moment;
        }
        return moment.with(
                name,
                volume -> volume.withHead(volume.head()
                        .with(cells -> put(cells, from, new byte[(int) (end - from)], 0, (int) (end - from)))));
    }

    void snapshot() {
        final List<String> chosen = new ArrayList<>();
        if (random.nextInt(3) == 0) {
            chosen.addAll(now.volumes().keySet());
        } else {
            chosen.add(someVolume());
        }
        chosen.removeIf(name -> name.equals(BALLAST) || volume(name).snapshots().size() >= SNAPSHOTS_MAX);
        if (chosen.isEmpty()) {
            return;
        }
        final String name = "s" + names++;
        final Map<String, String> labels = random.nextBoolean() ? Map.of() : Map.of("by", name);
        Moment after = now;
        for (final String volume : chosen) {
            after = after.with(volume, v -> v.withTaken(new Taken(name, v.head(), labels, Set.of())));
        }
        performShared(
                chosen.size() > 1 ? "group snapshot" : "snapshot",
                after,
                () -> catalog.createSnapshots(chosen, name, labels).forEach(this::learn));
    }

    private void learn(final Snapshot snapshot) {
        final Volume volume = ahead.get(0).volumes().get(snapshot.volume());
        contents.put(
                new Point(snapshot.branch(), snapshot.epoch()),
                volume.snapshot(snapshot.name()).content());
    }

    void delete() {
        final String name = someVolume();
        final List<Snapshot> all = catalog.snapshots(name).stream()
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
        performShared(
                chosen.size() > 1 ? "delete several" : "delete",
                now.with(name, volume -> volume.without(gone)),
                () -> catalog.deleteSnapshots(chosen));
    }

    void reclaim() {
        perform("reclaim", List.of(), () -> {
            for (int i = 1 + random.nextInt(6); i > 0; i--) {
                catalog.reclaimStep(1 + random.nextInt(16));
            }
        });
        if (random.nextBoolean()) {
            commit();
        }
    }

    /** Reads an island in one stretch, so that it counts as scattered, and puts it in order. */
    private void defragment(final String name, final long first) {
        final long chunks = Math.min(ISLAND_CHUNKS, volume(name).head().sizeBytes() / CHUNK - first);
        if (chunks > 0) {
            final long moved = catalog.movedBytes();
            perform("defragment", List.of(), () -> {
                try (Export export = catalog.exports().open(name)) {
                    export.read(
                            first * CHUNK, new UnsafeBuffer(new byte[(int) chunks * CHUNK]), 0, (int) chunks * CHUNK);
                }
                while (catalog.defragmentStep()) {
                    // Until nothing is left to do.
                }
            });
            if (catalog.movedBytes() > moved) {
                see("defragmented");
            }
        }
    }

    void branch() {
        final String name = someVolume();
        final List<Taken> all = volume(name).snapshots();
        if (all.isEmpty()) {
            return;
        }
        final Taken origin = all.get(random.nextInt(all.size()));
        final Spec spec = new Spec(name, Spec.Kind.NAME, origin.name(), null, null, null, null);
        related.add(name);
        clock.advance(Duration.ofSeconds(1)); // A name is given by the second.
        final int dice = random.nextInt(10);
        if (dice < 4) {
            cloneVolume(spec, origin);
        } else if (dice < 7) {
            final String before = "before-rollback-"
                    + clock.instant().toString().replace(":", "-").replace("Z", "");
            performShared(
                    "rollback",
                    now.with(
                            name,
                            volume -> volume.withTaken(new Taken(before, volume.head(), Map.of(), Set.of()))
                                    .withHead(origin.content())),
                    () -> learn(catalog.rollback(spec)));
        } else {
            perform("flatten", List.of(), true, () -> catalog.flatten(name));
        }
    }

    private void cloneVolume(final Spec spec, final Taken origin) {
        if (now.volumes().size() < VOLUMES_MAX) {
            final String clone = "vm" + names++;
            related.add(clone);
            performShared(
                    "clone",
                    now.with(clone, new Volume(origin.content(), List.of(), null)),
                    () -> catalog.cloneVolume(spec, clone));
        }
    }

    void commit() {
        if (random.nextInt(3) == 0) {
            performShared("flush", now, () -> {
                try (Export export = catalog.exports().open(now.volumes().firstKey())) {
                    export.flush();
                }
            });
        } else {
            performShared("commit", now, () -> catalog.store().commit());
        }
    }

    // ---- rare steps

    void holdOrRelease() {
        final String name = someVolume();
        final List<Snapshot> all = catalog.snapshots(name);
        if (all.isEmpty()) {
            return;
        }
        final Snapshot chosen = all.get(random.nextInt(all.size()));
        final boolean hold = chosen.holds().isEmpty();
        performShared(
                hold ? "hold" : "release",
                now.with(name, volume -> volume.withHolds(chosen.name(), hold ? Set.of("tag") : Set.of())),
                () -> {
                    if (hold) {
                        catalog.hold(chosen, "tag");
                    } else {
                        catalog.release(chosen, "tag");
                    }
                });
    }

    void resize() {
        final String name = someVolume();
        final long[] sizes = {SIZE, SIZE / 2 - 10 * CHUNK, 50 * CHUNK};
        final long size = sizes[random.nextInt(sizes.length)];
        perform(
                "resize volume",
                List.of(now.with(name, volume -> volume.withHead(volume.head().resized(size)))),
                true,
                () -> catalog.resizeVolume(name, size));
    }

    void setPolicy() {
        final String name = someVolume();
        final String policy = random.nextBoolean() ? "every=" + names++ : null;
        performShared(
                "policy",
                now.with(name, volume -> new Volume(volume.head(), volume.snapshots(), policy)),
                () -> catalog.setPolicy(name, policy));
    }

    void deleteVolume() {
        final String name = random.nextInt(3) > 0 && volume(BALLAST) != null ? BALLAST : someVolume();
        if (volume(name).snapshots().stream().allMatch(taken -> taken.holds().isEmpty())) {
            performShared("delete volume", now.without(name), () -> catalog.deleteVolume(name));
        }
    }

    void grow() {
        final long size = now.storeBytes() + (1 + random.nextInt(1500)) * (long) BLOCK_LENGTH;
        perform(
                "grow",
                List.of(new Moment(now.volumes(), size)),
                () -> catalog.store().grow(size));
    }

    /** Ends in good order and begins anew. */
    void reopen() {
        perform("close", List.of(), true, () -> catalog.close());
        device = device.kill();
        open();
        see("reopen");
    }

    /** The process is killed; what it had not committed is gone. */
    void die() {
        device = device.kill();
        open();
        see("killed");
    }

    void releasePinned() {
        perform("release pinned", List.of(), () -> catalog.store().releasePinned());
    }

    /** The store is left alone for a while: it commits, then it is sealed. */
    void idle() {
        perform("idle", List.of(), () -> {
            for (int i = 0; i < 4; i++) {
                catalog.store().idle();
                clock.advance(Duration.ofSeconds(1));
            }
        });
    }

    /** Takes nearly all that is free, and goes on in what is left. */
    void full(final int steps) {
        final long size = 4096L * CHUNK;
        final Content empty = new Content(new TreeMap<>(), size);
        perform(
                "create volume",
                List.of(now.with(BALLAST, new Volume(empty, List.of(), null))),
                () -> catalog.createVolume(BALLAST, size));
        for (long offset = 0; catalog.store().freeBlocks() > FREE_WHEN_FULL && offset < size; ) {
            final long length =
                    Math.min(Math.min(300, catalog.store().freeBlocks() - FREE_WHEN_FULL / 2) * CHUNK, size - offset);
            write(BALLAST, offset, (int) length, false);
            offset += length;
        }
        run(steps);
    }

    /** Writes single chunks apart from each other, more runs than a superblock can name, and puts them in order. */
    void scatter() {
        final String name = someVolume();
        for (int i = 0; i < 25; i++) {
            final long offset = (ISLANDS[0] + 2 * i) * CHUNK;
            if (offset < volume(name).head().sizeBytes()) {
                write(name, offset, CHUNK, false);
                write(name, offset, CHUNK, false); // The block before becomes a hole between two runs.
            }
        }
        commit();
        defragment(name, ISLANDS[0]);
    }

    // ---- at rest

    /** Deletion goes on where it was and ends; then every block has the owner that it should. */
    void finish() {
        perform("reclaim", List.of(), () -> {
            int steps = 0;
            while (catalog.reclaimStep(1 + random.nextInt(64))) {
                if (++steps > RECLAIM_STEPS_MAX) {
                    throw new AssertionError("reclaiming does not end");
                }
            }
            catalog.store().commit();
        });
        if (catalog.reclaimStatus().records() != 0 || catalog.reclaimStatus().pendingBytes() != 0) {
            throw new AssertionError("left after reclaiming: " + catalog.reclaimStatus());
        }
        match(List.of(now));
        final Ownership ownership = Ownership.of(catalog);
        ownership.checkAllocated(catalog);
        ownership.checkNothingIsSuperfluous();
        final Map<Long, Long> needed = neededByRoot(ownership);
        for (final long root : flattening(ownership)) { // What it has copied so far is there twice.
            see("flatten waits for room");
            needed.computeIfPresent(
                    root,
                    (same, count) -> Math.max(count, ownership.blocksByRoot().getOrDefault(root, 0L)));
        }
        if (!needed.equals(ownership.blocksByRoot())) {
            throw new AssertionError("blocks by root " + ownership.blocksByRoot() + " (expected: " + needed + ")");
        }
        now.volumes().keySet().stream().filter(name -> !related.contains(name)).forEach(this::checkCounters);
        see("finished");
    }

    /** Roots of the branches whose flatten waits for room. */
    private Set<Long> flattening(final Ownership ownership) {
        return catalog.parts().look(() -> {
            final CatalogueTree tree = new CatalogueTree(catalog.store());
            final Set<Long> roots = new HashSet<>();
            for (boolean more = tree.nextId(CatalogueTree.JOB, 0);
                    more;
                    more = tree.nextId(CatalogueTree.JOB, tree.id() + 1)) {
                roots.add(ownership.rootOf(tree.id()));
            }
            return roots;
        });
    }

    /** How many different versions the heads and the kept snapshots of branches with the same root contain. */
    private Map<Long, Long> neededByRoot(final Ownership ownership) {
        final Map<Long, Set<Long>> needed = new HashMap<>();
        ownership
                .kept()
                .forEach((branch, epochs) -> epochs.forEach(
                        epoch -> needed.computeIfAbsent(ownership.rootOf(branch), root -> new HashSet<>())
                                .addAll(contents.get(new Point(branch, epoch)).versions())));
        now.volumes()
                .forEach((name, volume) -> needed.computeIfAbsent(
                                ownership.rootOf(catalog.volume(name).branch()), root -> new HashSet<>())
                        .addAll(volume.head().versions()));
        final Map<Long, Long> counts = new HashMap<>();
        needed.forEach((root, set) -> {
            if (!set.isEmpty()) {
                counts.put(root, (long) set.size());
            }
        });
        return counts;
    }

    /** Bytes written, of a volume with a linear history, against their definition. */
    private void checkCounters(final String name) {
        final Set<Long> before = new HashSet<>();
        for (final Snapshot snapshot : catalog.snapshots(name)) {
            final Set<Long> own =
                    volume(name).snapshot(snapshot.name()).content().versions();
            final long fresh =
                    own.stream().filter(version -> !before.contains(version)).count();
            if (snapshot.writtenBytes() != fresh * CHUNK) {
                throw new AssertionError(
                        snapshot.spec() + " written " + snapshot.writtenBytes() + " (expected: " + fresh * CHUNK + ")");
            }
            before.clear();
            before.addAll(own);
        }
        final long mapped = volume(name).head().cells().size() * (long) CHUNK;
        if (catalog.volume(name).mappedBytes() != mapped) {
            throw new AssertionError(
                    name + " mapped " + catalog.volume(name).mappedBytes() + " (expected: " + mapped + ")");
        }
    }

    // ---- meanwhile

    private void onOperation(final Operation operationDone) {
        if (operationDone.kind() == Kind.WRITE && operationDone.length() == BLOCK_LENGTH) {
            noteSuperblock(operationDone.position());
        }
        onOperation.run();
        if (othersWrite
                && !meanwhile
                && operationDone.kind() == Kind.FLUSH_START
                && random.nextInt(3) == 0
                && roomWithoutCommit() > 200) {
            meanwhile = true;
            try {
                writeMeanwhile();
            } finally {
                meanwhile = false;
            }
        }
    }

    /** A write that finds no room commits, which the thread that is in the midst of a commit must not. */
    private long roomWithoutCommit() {
        return catalog.store().freeBlocks() - catalog.store().opened().space.withheldBlocks();
    }

    /** From the first copy of a superblock on, its commit may be what a crash leaves. */
    private void noteSuperblock(final long position) {
        final UnsafeBuffer block = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
        device.read(position, block, 0, BLOCK_LENGTH);
        if (block.getLong(0, LITTLE_ENDIAN) != SuperblockLayout.MAGIC) {
            return;
        }
        final Superblock superblock;
        try {
            superblock = Superblock.decode(block, 0, position / BLOCK_LENGTH);
        } catch (final CorruptStoreException ex) {
            throw new AssertionError("written superblock", ex);
        }
        if (commits.containsKey(superblock.generation)) {
            return;
        }
        if ((superblock.flags & SuperblockLayout.FLAG_OPENING) == 0) {
            commits.put(superblock.generation, possible());
            seeCommit(superblock);
        }
    }

    private List<Moment> possible() {
        final List<Moment> possible = new ArrayList<>(List.of(now));
        possible.addAll(ahead);
        return possible;
    }

    /** A change of one more volume, after the cut of the commit that is flushing now. */
    private void writeMeanwhile() {
        final Moment last = ahead.get(ahead.size() - 1);
        final String name = last.volumes().firstKey();
        final Content head = last.volumes().get(name).head();
        final long offset = (ISLANDS[0] + random.nextInt(20)) * CHUNK;
        if (!now.volumes().containsKey(name) || offset + CHUNK > head.sizeBytes()) {
            return;
        }
        final byte[] bytes = new byte[CHUNK];
        new Random(random.nextLong()).nextBytes(bytes);
        try (Export export = catalog.exports().open(name)) {
            export.write(offset, new UnsafeBuffer(bytes), 0, CHUNK, false);
        }
        ahead.add(last.with(
                name, volume -> volume.withHead(volume.head().with(cells -> put(cells, offset, bytes, 0, CHUNK)))));
        see("wrote meanwhile");
    }

    void see(final String what) {
        seen.merge(what, 1L, Long::sum);
    }

    private void seeCommit(final Superblock superblock) {
        see("commit");
        if (superblock.payloadFlushed()) {
            see("flush first");
        }
        if (superblock.sealing()) {
            see("sealing commit");
        }
        if (superblock.spillBlock != 0) {
            see("spill");
        }
        if (superblock.redirects.length > 0) {
            see("redirects");
        }
    }
}
