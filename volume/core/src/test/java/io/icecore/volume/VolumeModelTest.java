package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.Store;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Random operations on volumes, compared with plain copies of every head and every snapshot.
 *
 * <p>Once at rest, every block that some copy needs is owned exactly once and no other block is, and the counters fit
 * their definitions. A failure names its seed; {@link #replay()} runs that one alone: {@code mvn -pl volume/core test
 * -Dtest=VolumeModelTest#replay -Dvolume.seed=17 -Dvolume.branches=true}, with {@code -Dvolume.seeds} and {@code
 * -Dvolume.steps} for more and longer runs
 */
class VolumeModelTest {
    private static final int STEPS = Integer.getInteger("volume.steps", 600);
    private static final long FIXED_SEED = 4711;

    @Test
    void agreesWithCopiesOfALinearHistory() {
        run(FIXED_SEED, false);
    }

    @Test
    void agreesWithCopiesOfALinearHistoryFromAFreshSeed() {
        run(System.nanoTime(), false);
    }

    @Test
    void agreesWithCopiesOfBranches() {
        run(FIXED_SEED, true);
    }

    @Test
    void agreesWithCopiesOfBranchesFromAFreshSeed() {
        run(System.nanoTime(), true);
    }

    @Test
    @EnabledIfSystemProperty(named = "volume.seed", matches = "-?[0-9]+")
    void replay() {
        final long first = Long.getLong("volume.seed", 1);
        for (long seed = first; seed < first + Integer.getInteger("volume.seeds", 1); seed++) {
            run(seed, Boolean.getBoolean("volume.branches"));
        }
    }

    static void run(final long seed, final boolean branches) {
        final String name = "-Dvolume.seed=" + seed + " -Dvolume.branches=" + branches;
        System.out.println("VolumeModelTest " + name);
        final World world = new World(seed, branches);
        int step = 0;
        try {
            for (; step < STEPS; step++) {
                world.step();
                if (step % 150 == 149) {
                    world.quiesce();
                }
            }
            world.quiesce();
        } catch (final RuntimeException | Error ex) {
            throw new AssertionError("step " + step + " of " + name + ", last: " + world.trace, ex);
        }
    }

    /** One version of a chunk. */
    private record Cell(long version, byte[] bytes) {}

    /** What a head or a snapshot contains: cells by chunk, and its size. */
    private record Content(TreeMap<Long, Cell> cells, long sizeBytes) {
        Content copy() {
            return new Content(new TreeMap<>(cells), sizeBytes);
        }
    }

    private record Point(long branch, long epoch) {}

    private static final class World {
        private static final int CHUNK = 4096;

        /** Written places: at the start, over the border of two containers, far away. */
        private static final long[] ISLANDS = {0, (1 << 16) - 70, (3L << 16) + 5};

        private static final int ISLAND_CHUNKS = 100;
        private static final int RECLAIM_STEPS_MAX = 20_000;
        private static final long SIZE = (4L << 16) * CHUNK;

        private final SplittableRandom random;
        private final boolean branches;
        private final MemoryDevice device = new MemoryDevice(48 << 20);
        private final Clock clock = Clock.systemUTC();
        private Catalog catalog;

        /** Heads by volume; every snapshot that was ever taken; those that users see, oldest first. */
        private final TreeMap<String, Content> heads = new TreeMap<>();

        private final Map<Point, Content> contents = new HashMap<>();
        private final Map<String, List<Snapshot>> visible = new HashMap<>();
        private final Set<Point> held = new HashSet<>();
        private final Set<String> related = new HashSet<>();
        private final List<String> trace = new ArrayList<>();
        private long versions;
        private long lastEnd;
        private int names;

        World(final long seed, final boolean branches) {
            random = new SplittableRandom(seed);
            this.branches = branches;
            Store.format(device, "test");
            catalog = Catalog.open(Store.open(device), clock);
            create();
        }

        // ---- operations

        void step() {
            final int dice = random.nextInt(1000);
            if (heads.isEmpty() || dice < 8 && heads.size() < (branches ? 5 : 3)) {
                create();
            } else if (dice < 300) {
                write();
            } else if (dice < 380) {
                zeroOrTrim();
            } else if (dice < 480) {
                snapshot();
            } else if (dice < 590) {
                delete();
            } else if (dice < 640) {
                holdOrRelease();
            } else if (dice < 652) {
                resize();
            } else if (dice < 672) {
                note("reopen");
                catalog = TestStores.reopen(catalog, device, clock);
            } else if (dice < 676) {
                deleteVolume();
            } else if (dice < 700 && branches) {
                branch();
            } else if (dice < 760) {
                check(random.nextInt(heads.size()), 1);
            } else if (dice < 770) {
                predict();
            } else if (dice < 780) {
                changes();
            } else if (dice < 800) {
                catalog.store().commit();
            } else if (dice < 820) {
                catalog.drainStep();
            } else if (dice < 990) {
                catalog.reclaimStep(1 + random.nextInt(8));
            } else {
                for (int i = 0; i < 50; i++) {
                    catalog.reclaimStep();
                }
            }
        }

        private void note(final String operation) {
            trace.add(operation);
            if (trace.size() > 12) {
                trace.remove(0);
            }
        }

        private String someVolume() {
            return new ArrayList<>(heads.keySet()).get(random.nextInt(heads.size()));
        }

        private void create() {
            final String name = "vm" + names++;
            note("create " + name);
            catalog.createVolume(name, SIZE);
            heads.put(name, new Content(new TreeMap<>(), SIZE));
            visible.put(name, new ArrayList<>());
        }

        /** A range of bytes, mostly on an island, cut to the volume's size; {offset, length}. */
        private long[] someRange(final Content content) {
            final long first = ISLANDS[random.nextInt(ISLANDS.length)] * CHUNK;
            final int scale = random.nextInt(4);
            long offset = first + random.nextInt(ISLAND_CHUNKS * CHUNK);
            long length = 1 + random.nextInt(scale == 0 ? 100 : scale == 1 ? 20_000 : 300_000);
            if (random.nextInt(3) > 0) {
                offset &= -CHUNK;
                length = length + CHUNK - 1 & -CHUNK;
            }
            final int habit = random.nextInt(8);
            if (habit == 0) {
                offset = lastEnd; // As sequential writers do.
            } else if (habit == 1) {
                offset &= -64 * CHUNK;
                length = (1 + random.nextInt(2)) * 64 * CHUNK;
            }
            length = Math.min(length, first + (long) ISLAND_CHUNKS * CHUNK - offset);
            length = Math.min(length, content.sizeBytes - offset);
            lastEnd = offset + Math.max(0, length);
            return new long[] {offset, length};
        }

        private void write() {
            final String volume = someVolume();
            final Content content = heads.get(volume);
            final long[] range = someRange(content);
            if (range[1] <= 0) {
                return;
            }
            note("write " + volume + " " + range[0] + "+" + range[1]);
            final byte[] bytes = new byte[(int) range[1]];
            new Random(random.nextLong()).nextBytes(bytes);
            try (Export export = catalog.exports().open(volume)) {
                export.write(range[0], new UnsafeBuffer(bytes), 0, bytes.length, random.nextInt(20) == 0);
            }
            put(content, range[0], bytes);
        }

        private void put(final Content content, final long offset, final byte[] bytes) {
            for (long chunk = offset / CHUNK; chunk * CHUNK < offset + bytes.length; chunk++) {
                final long from = Math.max(offset, chunk * CHUNK);
                final long end = Math.min(offset + bytes.length, (chunk + 1) * CHUNK);
                final Cell old = content.cells.get(chunk);
                final byte[] changed = old == null ? new byte[CHUNK] : old.bytes.clone();
                final int length = (int) (end - from);
                System.arraycopy(bytes, (int) (from - offset), changed, (int) (from - chunk * CHUNK), length);
                content.cells.put(chunk, new Cell(++versions, changed));
            }
        }

        private void zeroOrTrim() {
            final String volume = someVolume();
            final Content content = heads.get(volume);
            long[] range = someRange(content);
            if (random.nextInt(20) == 0) {
                range = new long[] {0, content.sizeBytes};
            }
            if (range[1] <= 0) {
                return;
            }
            final boolean trim = random.nextBoolean();
            note((trim ? "trim " : "zero ") + volume + " " + range[0] + "+" + range[1]);
            try (Export export = catalog.exports().open(volume)) {
                if (trim) {
                    export.trim(range[0], range[1], false);
                } else {
                    export.zero(range[0], range[1], random.nextBoolean(), false);
                }
            }
            final long wholeFrom = (range[0] + CHUNK - 1) / CHUNK;
            final long wholeEnd = (range[0] + range[1]) / CHUNK;
            if (!trim) {
                final long end = range[0] + range[1];
                final long headEnd = Math.min(end, wholeFrom * CHUNK);
                zeroPart(content, range[0], headEnd);
                zeroPart(content, Math.max(headEnd, wholeEnd * CHUNK), end);
            }
            if (wholeFrom < wholeEnd) {
                content.cells.subMap(wholeFrom, wholeEnd).clear();
            }
        }

        private void zeroPart(final Content content, final long from, final long end) {
            if (from < end && content.cells.containsKey(from / CHUNK)) {
                put(content, from, new byte[(int) (end - from)]);
            }
        }

        private void snapshot() {
            final List<String> volumes = new ArrayList<>();
            if (random.nextInt(4) == 0) {
                volumes.addAll(heads.keySet());
            } else {
                volumes.add(someVolume());
            }
            volumes.removeIf(volume -> visible.get(volume).size() > 12);
            if (!volumes.isEmpty()) {
                note("snapshot " + volumes);
                taken(catalog.createSnapshots(
                        volumes, random.nextBoolean() ? null : "snap" + names++, Map.of("k", "v")));
            }
        }

        private void taken(final List<Snapshot> snapshots) {
            for (final Snapshot snapshot : snapshots) {
                visible.get(snapshot.volume()).add(snapshot);
                contents.put(
                        new Point(snapshot.branch(), snapshot.epoch()),
                        heads.get(snapshot.volume()).copy());
            }
        }

        private List<Snapshot> choice(final List<Snapshot> from) {
            final int at = random.nextInt(from.size());
            return switch (random.nextInt(6)) {
                case 0 -> List.of(from.get(0));
                case 1 -> List.of(from.get(from.size() - 1));
                case 2 -> from.subList(at, Math.min(from.size(), at + 1 + random.nextInt(5)));
                case 3 -> from.stream().filter(snapshot -> random.nextBoolean()).toList();
                case 4 -> random.nextInt(4) == 0 ? from : from.subList(0, at);
                default -> List.of(from.get(at));
            };
        }

        private void delete() {
            final String volume = someVolume();
            if (visible.get(volume).isEmpty()) {
                return;
            }
            final List<Snapshot> chosen = List.copyOf(choice(visible.get(volume)));
            note("delete "
                    + chosen.stream().map(s -> s.branch() + ":" + s.epoch()).toList());
            if (chosen.stream().anyMatch(s -> held.contains(new Point(s.branch(), s.epoch())))) {
                assertThatThrownBy(() -> catalog.deleteSnapshots(chosen)).isInstanceOf(BusyException.class);
            } else {
                catalog.deleteSnapshots(chosen);
                visible.get(volume).removeAll(chosen);
            }
        }

        private void holdOrRelease() {
            final String volume = someVolume();
            if (visible.get(volume).isEmpty()) {
                return;
            }
            final Snapshot chosen =
                    visible.get(volume).get(random.nextInt(visible.get(volume).size()));
            final Point point = new Point(chosen.branch(), chosen.epoch());
            if (held.contains(point)) {
                catalog.release(chosen, "tag");
                held.remove(point);
            } else if (random.nextInt(3) == 0) {
                catalog.hold(chosen, "tag");
                held.add(point);
            }
        }

        private void resize() {
            final String volume = someVolume();
            final long[] sizes = {SIZE, SIZE / 2, 40 * CHUNK, ((1 << 16) - 20) * (long) CHUNK};
            final long size = sizes[random.nextInt(sizes.length)];
            note("resize " + volume + " " + size);
            catalog.resizeVolume(volume, size);
            final Content content = heads.get(volume);
            content.cells.tailMap(size / CHUNK).clear();
            heads.put(volume, new Content(content.cells, size));
        }

        private void deleteVolume() {
            final String volume = someVolume();
            note("delete volume " + volume);
            if (visible.get(volume).stream().anyMatch(s -> held.contains(new Point(s.branch(), s.epoch())))) {
                assertThatThrownBy(() -> catalog.deleteVolume(volume)).isInstanceOf(BusyException.class);
                return;
            }
            catalog.deleteVolume(volume);
            heads.remove(volume);
            visible.remove(volume);
            assertThatThrownBy(() -> catalog.volume(volume)).isInstanceOf(NoSuchException.class);
        }

        private void branch() {
            final String volume = someVolume();
            if (visible.get(volume).isEmpty()) {
                return;
            }
            final Snapshot origin =
                    visible.get(volume).get(random.nextInt(visible.get(volume).size()));
            final Content content = contents.get(new Point(origin.branch(), origin.epoch()));
            final Spec spec = new Spec(volume, Spec.Kind.NAME, origin.name(), null, null, null, null);
            related.add(volume);
            final int dice = random.nextInt(10);
            if (dice < 4 && heads.size() < 6) {
                final String name = "vm" + names++;
                note("clone " + origin.branch() + ":" + origin.epoch() + " " + name);
                catalog.cloneVolume(spec, name);
                heads.put(name, content.copy());
                visible.put(name, new ArrayList<>());
                related.add(name);
            } else if (dice < 8) {
                note("rollback " + volume + " " + origin.branch() + ":" + origin.epoch());
                taken(List.of(catalog.rollback(spec)));
                heads.put(volume, content.copy());
            } else {
                note("flatten " + volume);
                catalog.flatten(volume);
                assertThat(catalog.volume(volume).parent()).isNull();
            }
        }

        // ---- checks

        private void predict() {
            final String volume = someVolume();
            final List<Snapshot> all = visible.get(volume);
            if (all.isEmpty() || related.contains(volume)) {
                return;
            }
            final List<Snapshot> chosen = choice(all);
            final Set<Long> gone = new HashSet<>();
            final Set<Long> stay = versionsOf(heads.get(volume));
            for (final Snapshot snapshot : all) {
                (chosen.contains(snapshot) ? gone : stay)
                        .addAll(versionsOf(contents.get(new Point(snapshot.branch(), snapshot.epoch()))));
            }
            gone.removeAll(stay);
            assertThat(catalog.predictFreed(chosen)).as("predicted").isEqualTo(gone.size() * (long) CHUNK);
        }

        /** Outside of the ranges reported, two points of history are equal. */
        private void changes() {
            final String volume = someVolume();
            final List<Snapshot> all = visible.get(volume);
            if (all.isEmpty()) {
                return;
            }
            final Snapshot base = all.get(random.nextInt(all.size()));
            final Snapshot other = all.get(random.nextInt(all.size()));
            final boolean head = random.nextBoolean();
            final Content first = contents.get(new Point(base.branch(), base.epoch()));
            final Content second = head ? heads.get(volume) : contents.get(new Point(other.branch(), other.epoch()));
            final Set<Long> differing = new HashSet<>();
            first.cells.forEach((chunk, cell) -> {
                if (second.cells.get(chunk) != cell) {
                    differing.add(chunk);
                }
            });
            second.cells.forEach((chunk, cell) -> {
                if (first.cells.get(chunk) != cell) {
                    differing.add(chunk);
                }
            });
            final Set<Long> reported = new HashSet<>();
            final Spec one = new Spec(volume, Spec.Kind.NAME, base.name(), null, null, null, null);
            final Spec two = head
                    ? new Spec(volume, Spec.Kind.HEAD, null, null, null, null, null)
                    : new Spec(volume, Spec.Kind.NAME, other.name(), null, null, null, null);
            final long[] end = {-1};
            final boolean known = catalog.changes(one, two, (offset, length) -> {
                assertThat(offset).isGreaterThan(end[0]);
                end[0] = offset + length;
                for (long chunk = offset / CHUNK; chunk * CHUNK < end[0]; chunk++) {
                    reported.add(chunk);
                }
                return true;
            });
            assertThat(known || related.contains(volume))
                    .as("common ancestor known")
                    .isTrue();
            if (known) {
                assertThat(reported).as("changes from " + one + " to " + two).containsAll(differing);
            }
        }

        private static Set<Long> versionsOf(final Content content) {
            final Set<Long> versions = new HashSet<>();
            content.cells.values().forEach(cell -> versions.add(cell.version));
            return versions;
        }

        private void check(final int first, final int countMax) {
            int count = 0;
            for (final String volume : List.copyOf(heads.keySet()).subList(first, heads.size())) {
                if (count++ < countMax) {
                    compare(volume, heads.get(volume));
                    final List<Snapshot> all = visible.get(volume);
                    for (final Snapshot snapshot : all) {
                        if (countMax > 1 || random.nextInt(all.size()) < 2) {
                            compare(snapshot.spec(), contents.get(new Point(snapshot.branch(), snapshot.epoch())));
                        }
                    }
                }
            }
        }

        private void compare(final String spec, final Content content) {
            try (Export export = catalog.exports().open(spec)) {
                assertThat(export.size()).isEqualTo(content.sizeBytes);
                for (final long island : ISLANDS) {
                    final long offset = Math.max(0, island * CHUNK - random.nextInt(9000));
                    final long end =
                            Math.min(content.sizeBytes, (island + ISLAND_CHUNKS) * CHUNK + random.nextInt(9000));
                    if (offset < end) {
                        compare(export, content, offset, (int) (end - offset));
                    }
                }
                final long[] at = {0};
                final Set<Long> data = new HashSet<>();
                export.extents(0, content.sizeBytes, (offset, length, zero) -> {
                    assertThat(offset).isEqualTo(at[0]);
                    at[0] += length;
                    for (long chunk = offset / CHUNK; !zero && chunk * CHUNK < offset + length; chunk++) {
                        data.add(chunk);
                    }
                    return true;
                });
                assertThat(at[0]).isEqualTo(content.sizeBytes);
                assertThat(data).as("chunks with data in " + spec).isEqualTo(content.cells.keySet());
            }
        }

        private static void compare(final Export export, final Content content, final long offset, final int length) {
            final UnsafeBuffer found = new UnsafeBuffer(new byte[length]);
            found.setMemory(0, length, (byte) 0x77);
            export.read(offset, found, 0, length);
            final UnsafeBuffer expected = new UnsafeBuffer(new byte[length]);
            for (final Map.Entry<Long, Cell> entry : content.cells
                    .subMap(offset / CHUNK, (offset + length + CHUNK - 1) / CHUNK)
                    .entrySet()) {
                final long start = entry.getKey() * CHUNK;
                final long from = Math.max(offset, start);
                final long end = Math.min(offset + length, start + CHUNK);
                expected.putBytes(
                        (int) (from - offset), entry.getValue().bytes, (int) (from - start), (int) (end - from));
            }
            assertThat(Arrays.mismatch(found.byteArray(), expected.byteArray()))
                    .as("first wrong byte of " + export.name() + " after " + offset)
                    .isNegative();
        }

        void quiesce() {
            note("quiesce");
            for (int steps = 0; catalog.reclaimStep(); steps++) {
                assertThat(steps).as("steps until all is reclaimed").isLessThan(RECLAIM_STEPS_MAX);
            }
            catalog.store().commit();
            assertThat(catalog.reclaimStatus().records()).isZero();
            assertThat(catalog.reclaimStatus().pendingBytes()).isZero();
            assertThat(catalog.volumes()).extracting(VolumeInfo::name).containsExactlyElementsOf(heads.keySet());
            for (final String volume : heads.keySet()) {
                assertThat(catalog.snapshots(volume))
                        .extracting(Snapshot::spec)
                        .containsExactlyElementsOf(
                                visible.get(volume).stream().map(Snapshot::spec).toList());
                assertThat(catalog.volume(volume).snapshots())
                        .isEqualTo(visible.get(volume).size());
            }
            check(0, Integer.MAX_VALUE);
            for (int i = 0; i < 10 && !heads.isEmpty(); i++) {
                changes();
                predict();
            }
            final Ownership ownership = Ownership.of(catalog);
            ownership.checkAllocated(catalog);
            ownership.checkNothingIsSuperfluous();
            assertThat(ownership.blocksByRoot()).as("blocks by root").isEqualTo(neededByRoot(ownership));
            for (final String volume : heads.keySet()) {
                if (!related.contains(volume)) {
                    checkCounters(volume, ownership);
                }
            }
            contents.keySet()
                    .retainAll(ownership.keptPoints().stream()
                            .map(point -> new Point(point[0], point[1]))
                            .toList());
        }

        /** How many different versions the heads and the kept snapshots of branches with the same root contain. */
        private Map<Long, Long> neededByRoot(final Ownership ownership) {
            final Map<Long, Set<Long>> needed = new HashMap<>();
            ownership.kept().forEach((branch, epochs) -> {
                final Set<Long> versionsOfRoot =
                        needed.computeIfAbsent(ownership.rootOf(branch), root -> new HashSet<>());
                epochs.forEach(epoch -> versionsOfRoot.addAll(versionsOf(contents.get(new Point(branch, epoch)))));
            });
            heads.forEach((volume, content) -> needed.computeIfAbsent(
                            ownership.rootOf(catalog.volume(volume).branch()), root -> new HashSet<>())
                    .addAll(versionsOf(content)));
            final Map<Long, Long> counts = new HashMap<>();
            needed.forEach((root, set) -> {
                if (!set.isEmpty()) {
                    counts.put(root, (long) set.size());
                }
            });
            return counts;
        }

        /** Written and died against their definitions. */
        private void checkCounters(final String volume, final Ownership ownership) {
            final List<Snapshot> all = catalog.snapshots(volume);
            Content before = new Content(new TreeMap<>(), 0);
            for (int i = 0; i < all.size(); i++) {
                final Snapshot snapshot = all.get(i);
                final Content content = contents.get(new Point(snapshot.branch(), snapshot.epoch()));
                assertThat(snapshot.writtenBytes())
                        .as("written of " + snapshot.spec())
                        .isEqualTo(newIn(content, before) * CHUNK);
                final long next = i + 1 < all.size() ? all.get(i + 1).epoch() : Long.MAX_VALUE;
                assertThat(snapshot.diedBytes())
                        .as("died of " + snapshot.spec())
                        .isEqualTo(ownership.died(snapshot.branch(), snapshot.epoch(), next) * CHUNK);
                before = content;
            }
            final VolumeInfo info = catalog.volume(volume);
            assertThat(info.mappedBytes()).isEqualTo(heads.get(volume).cells.size() * (long) CHUNK);
            assertThat(catalog.parts().look(() -> catalog.parts().branches().get(info.branch()).writtenChunks))
                    .as("written of the head of " + volume)
                    .isEqualTo(newIn(heads.get(volume), before));
        }

        private static long newIn(final Content content, final Content before) {
            final Set<Long> versions = versionsOf(content);
            versions.removeAll(versionsOf(before));
            return versions.size();
        }
    }
}
