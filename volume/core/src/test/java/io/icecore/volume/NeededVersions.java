package io.icecore.volume;

import io.icecore.volume.Moment.Content;
import io.icecore.volume.Moment.Volume;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** The versions of chunks that must have a block when all deletion is over: those of heads and of kept snapshots. */
final class NeededVersions {
    private record Point(long branch, long epoch) {}

    private final Map<Point, Content> contents = new HashMap<>();

    /** Volumes that share a history with others. */
    private final Set<String> related = new HashSet<>();

    /** The same, to go on with after a crash. */
    NeededVersions after() {
        final NeededVersions next = new NeededVersions();
        next.contents.putAll(contents);
        next.related.addAll(related);
        return next;
    }

    /** A snapshot was taken; its content outlives its name. */
    void learn(final Snapshot snapshot, final Moment moment) {
        final Volume volume = moment.volumes().get(snapshot.volume());
        contents.put(
                new Point(snapshot.branch(), snapshot.epoch()),
                volume.snapshot(snapshot.name()).content());
    }

    void learnAll(final Catalog catalog, final Moment moment) {
        moment.volumes().keySet().forEach(name -> catalog.snapshots(name).forEach(snapshot -> learn(snapshot, moment)));
    }

    /** The history of this volume is not linear any more: its bytes written have no simple definition. */
    void relate(final String name) {
        related.add(name);
    }

    /** Every block has the owner that it should, and those who count bytes count right. */
    void checkAtRest(final Catalog catalog, final Moment now, final Consumer<String> see) {
        final Ownership ownership = Ownership.of(catalog);
        ownership.checkAllocated(catalog);
        ownership.checkNothingIsSuperfluous();
        final Map<Long, Long> needed = neededByRoot(ownership, catalog, now);
        for (final long root : flattening(ownership, catalog)) { // What it has copied so far is there twice.
            see.accept("flatten waits for room");
            needed.computeIfPresent(
                    root,
                    (same, count) -> Math.max(count, ownership.blocksByRoot().getOrDefault(root, 0L)));
        }
        if (!needed.equals(ownership.blocksByRoot())) {
            throw new AssertionError("blocks by root " + ownership.blocksByRoot() + " (expected: " + needed + ")");
        }
        now.volumes().forEach((name, volume) -> {
            if (!related.contains(name)) {
                checkCounters(catalog, name, volume);
            }
        });
    }

    /** Roots of the branches whose flatten waits for room. */
    private static Set<Long> flattening(final Ownership ownership, final Catalog catalog) {
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
    private Map<Long, Long> neededByRoot(final Ownership ownership, final Catalog catalog, final Moment now) {
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
    private static void checkCounters(final Catalog catalog, final String name, final Volume volume) {
        final Set<Long> before = new HashSet<>();
        for (final Snapshot snapshot : catalog.snapshots(name)) {
            final Set<Long> own = volume.snapshot(snapshot.name()).content().versions();
            final long fresh =
                    own.stream().filter(version -> !before.contains(version)).count();
            if (snapshot.writtenBytes() != fresh * Moment.CHUNK) {
                throw new AssertionError(snapshot.spec() + " written " + snapshot.writtenBytes() + " (expected: "
                        + fresh * Moment.CHUNK + ")");
            }
            before.clear();
            before.addAll(own);
        }
        final long mapped = volume.head().cells().size() * (long) Moment.CHUNK;
        if (catalog.volume(name).mappedBytes() != mapped) {
            throw new AssertionError(
                    name + " mapped " + catalog.volume(name).mappedBytes() + " (expected: " + mapped + ")");
        }
    }
}
