package io.icecore.recovery.repair;

import io.icecore.store.format.NodePage;
import io.icecore.store.tree.Key;
import java.util.ArrayList;
import java.util.List;

/** Every whole node that a scan has found, by tree and level in the order of first keys: some 80 bytes of memory each. */
final class FoundNodes {
    static final int TREES_MAX = 8;
    static final int LEVELS_MAX = 16;

    /** A node, live or stale. */
    record Found(
            int tree, int level, long block, long generation, long firstHi, long firstLo, long lastHi, long lastLo) {
        boolean within(final Range range) {
            return range.contains(firstHi, firstLo) && range.contains(lastHi, lastLo);
        }

        boolean overlaps(final Range range) {
            return Key.compare(firstHi, firstLo, range.endHi(), range.endLo()) < 0
                    && Key.compare(lastHi, lastLo, range.fromHi(), range.fromLo()) >= 0;
        }

        boolean overlaps(final Found other) {
            return Key.compare(firstHi, firstLo, other.lastHi, other.lastLo) <= 0
                    && Key.compare(other.firstHi, other.firstLo, lastHi, lastLo) <= 0;
        }
    }

    private final List<List<List<Found>>> nodes = new ArrayList<>();
    private long count;
    private long newestGeneration;

    FoundNodes() {
        for (int tree = 0; tree < TREES_MAX; tree++) {
            final List<List<Found>> levels = new ArrayList<>();
            for (int level = 0; level < LEVELS_MAX; level++) {
                levels.add(new ArrayList<>());
            }
            nodes.add(levels);
        }
    }

    void add(final NodePage page) {
        newestGeneration = Math.max(newestGeneration, page.generation());
        if (page.tree() < 1 || page.tree() >= TREES_MAX || page.level() >= LEVELS_MAX || page.count() == 0) {
            return;
        }
        count++;
        final int last = page.count() - 1;
        nodes.get(page.tree())
                .get(page.level())
                .add(new Found(
                        page.tree(),
                        page.level(),
                        page.block(),
                        page.generation(),
                        page.hi(0),
                        page.lo(0),
                        page.hi(last),
                        page.lo(last)));
    }

    /** They stay known as nodes, and are taken for nothing. */
    void forgetAfter(final long generation) {
        nodes.forEach(levels -> levels.forEach(level -> level.removeIf(node -> node.generation > generation)));
    }

    void sort() {
        nodes.forEach(levels -> levels.forEach(level ->
                level.sort((one, other) -> Key.compare(one.firstHi, one.firstLo, other.firstHi, other.firstLo))));
    }

    long count() {
        return count;
    }

    /** Those that are taken for nothing included. */
    long newestGeneration() {
        return newestGeneration;
    }

    /** In the order of first keys. */
    List<Found> at(final int tree, final int level) {
        return nodes.get(tree).get(level);
    }

    /** Those whose keys are all within the range. */
    List<Found> within(final int tree, final int level, final Range range) {
        final List<Found> all = at(tree, level);
        int low = 0;
        int high = all.size();
        while (low < high) {
            final int middle = (low + high) >>> 1;
            final Found found = all.get(middle);
            if (Key.compare(found.firstHi, found.firstLo, range.fromHi(), range.fromLo()) < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        final List<Found> within = new ArrayList<>();
        for (int i = low; i < all.size() && range.contains(all.get(i).firstHi, all.get(i).firstLo); i++) {
            if (all.get(i).within(range)) {
                within.add(all.get(i));
            }
        }
        return within;
    }

    /** Those that have keys within the range. */
    List<Found> overlapping(final int tree, final int level, final Range range) {
        final List<Found> overlapping = new ArrayList<>();
        for (final Found found : at(tree, level)) {
            if (found.overlaps(range)) {
                overlapping.add(found);
            }
        }
        return overlapping;
    }
}
