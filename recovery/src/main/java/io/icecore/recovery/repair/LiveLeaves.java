package io.icecore.recovery.repair;

import io.icecore.recovery.check.CommitReader;
import io.icecore.recovery.repair.FoundNodes.Found;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.log.SegmentReader;
import io.icecore.store.tree.Key;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.LongPredicate;

/**
 * Which of the leaves found are those of the newest state of a tree, and which keys have none.
 *
 * <p>With a superblock, its root, its redirects and exact generations tell. Below a node that is damaged, the nodes that the
 * free-space map has as allocated are the live ones (but for homes of redirects); where it cannot be read, and without any
 * superblock, this rule tells: a node with all of its keys in the range of a child, and newer than the parent, is a newer
 * version of that child, because every change of the shape of the tree rewrites the parent.
 *
 * <p>Where nothing is sure, newer nodes cover older ones key by key, and the piece is called doubtful.
 */
final class LiveLeaves {
    private final SegmentReader reader;
    private final UUID storeId;
    private final FoundNodes nodes;

    /** Or null. */
    private final CommitReader commit;

    /** Blocks that may be live nodes, says the free-space map; or null where that is not known. */
    private final LongPredicate live;

    /** There are broken nodes, of which nobody knows what they were. */
    private final boolean torn;

    private final List<Piece> pieces = new ArrayList<>();
    private final List<Range> gaps = new ArrayList<>();
    private final Set<Long> damaged = new HashSet<>();
    private int tree;

    LiveLeaves(
            final SegmentReader reader,
            final UUID storeId,
            final FoundNodes nodes,
            final CommitReader commit,
            final LongPredicate live,
            final boolean torn) {
        this.reader = reader;
        this.storeId = storeId;
        this.nodes = nodes;
        this.commit = commit;
        this.live = live;
        this.torn = torn;
    }

    /** Finds those of a tree. */
    void find(final int number) {
        tree = number;
        pieces.clear();
        gaps.clear();
        if (commit != null) {
            final long root = commit.superblock().rootBlocks[tree];
            if (root != 0) {
                child(
                        commit.superblock().rootLevels[tree],
                        Range.ALL,
                        root,
                        commit.superblock().rootGenerations[tree],
                        0,
                        false);
            }
        } else {
            withoutSuperblock();
        }
        pieces.sort((one, other) -> Key.compare(
                one.range().fromHi(),
                one.range().fromLo(),
                other.range().fromHi(),
                other.range().fromLo()));
    }

    /** In the order of keys, apart from each other. */
    List<Piece> pieces() {
        return pieces;
    }

    /** Keys of damaged nodes. Pieces may have been found for some of them. */
    List<Range> gaps() {
        return gaps;
    }

    /** Blocks of damaged nodes that the commit refers to, of all trees so far. */
    Set<Long> damaged() {
        return damaged;
    }

    // ---- roots

    /** The newest node of the highest level, unless nodes of the level below tell that it is stale. */
    private void withoutSuperblock() {
        for (int level = FoundNodes.LEVELS_MAX - 1; level >= 0; level--) {
            final List<Found> candidates = nodes.at(tree, level);
            if (!candidates.isEmpty()) {
                final Found root = newest(candidates);
                if (level > 0 && contradicted(root)) {
                    continue;
                }
                final NodePage page = read(root.block());
                if (page != null && !torn && aloneInItsCommits(candidates)) {
                    descend(page, Range.ALL, false);
                } else {
                    among(candidates, level, Range.ALL, false);
                }
                return;
            }
        }
    }

    /**
     * As long as a level has one node, which is the root, each commit writes one at most. A tree that grew began its next level
     * with two of one commit.
     */
    private static boolean aloneInItsCommits(final List<Found> level) {
        final Set<Long> generations = new HashSet<>();
        return level.stream().allMatch(node -> generations.add(node.generation()));
    }

    /** A newer node of the level below spans more than one child: the tree has become lower since. */
    private boolean contradicted(final Found root) {
        final NodePage page = read(root.block());
        if (page == null) {
            return true;
        }
        for (final Found below : nodes.at(tree, root.level() - 1)) {
            if (below.generation() > root.generation()
                    && Math.max(0, page.floor(below.firstHi(), below.firstLo()))
                            != Math.max(0, page.floor(below.lastHi(), below.lastLo()))) {
                return true;
            }
        }
        return false;
    }

    // ---- going down

    private void child(
            final int level,
            final Range range,
            final long home,
            final long generation,
            final long parentGeneration,
            final boolean doubtful) {
        if (commit != null && !doubtful) {
            try {
                descend(commit.node(tree, level, home, generation), range, false);
            } catch (final StoreException ex) {
                damaged.add(home);
                damaged.add(commit.resolve(home, generation).block());
                gap(level, range);
            }
            return;
        }
        final List<Found> newer = newerThan(parentGeneration, nodes.within(tree, level, range));
        if (!newer.isEmpty()) {
            among(newer, level, range, doubtful);
            return;
        }
        final NodePage page = read(home);
        if (page != null && page.tree() == tree && page.level() == level && page.generation() == generation) {
            descend(page, range, doubtful);
        } else {
            gap(level, range);
        }
    }

    private void descend(final NodePage page, final Range range, final boolean doubtful) {
        if (page.level() == 0) {
            pieces.add(new Piece(range, page.block(), page.generation(), doubtful));
            return;
        }
        final int count = page.count();
        for (int entry = 0; entry < count; entry++) {
            final boolean last = entry + 1 == count;
            final Range below = range.intersect(
                    entry == 0 ? range.fromHi() : page.hi(entry),
                    entry == 0 ? range.fromLo() : page.lo(entry),
                    last ? range.endHi() : page.hi(entry + 1),
                    last ? range.endLo() : page.lo(entry + 1));
            if (!below.isEmpty()) {
                child(
                        page.level() - 1,
                        below,
                        page.childBlock(entry),
                        page.childGeneration(entry),
                        page.generation(),
                        doubtful);
            }
        }
    }

    /** Nodes of one level that may be versions of one node, or of several after a split that the parent does not know of. */
    private void among(final List<Found> candidates, final int level, final Range range, final boolean doubtful) {
        final Found newest = newest(candidates);
        final boolean single = candidates.stream().allMatch(other -> other.overlaps(newest));
        final NodePage page = read(newest.block());
        if (single && page != null) {
            descend(page, range, doubtful);
        } else {
            overlay(candidates, range, true);
        }
    }

    /** Newer nodes cover older ones. What none covers belongs to nobody. */
    private void overlay(final List<Found> candidates, final Range range, final boolean doubtful) {
        final List<Found> order = new ArrayList<>(candidates);
        order.sort((one, other) -> Long.compare(other.generation(), one.generation()));
        List<Range> open = new ArrayList<>(List.of(range));
        for (final Found node : order) {
            final NodePage page = open.isEmpty() ? null : read(node.block());
            if (page == null) {
                continue;
            }
            final Range own = Range.closed(node.firstHi(), node.firstLo(), node.lastHi(), node.lastLo());
            // An inner node has more than its last key says: all up to where a neighbour may begin.
            final Range claimed = node.level() == 0
                    ? own
                    : bounded(new Range(own.fromHi(), own.fromLo(), range.endHi(), range.endLo()), node, candidates);
            final List<Range> left = new ArrayList<>();
            for (final Range part : open) {
                final Range taken =
                        part.intersect(claimed.fromHi(), claimed.fromLo(), claimed.endHi(), claimed.endLo());
                if (taken.isEmpty()) {
                    left.add(part);
                    continue;
                }
                descend(page, taken, doubtful);
                addUnlessEmpty(left, new Range(part.fromHi(), part.fromLo(), taken.fromHi(), taken.fromLo()));
                addUnlessEmpty(left, new Range(taken.endHi(), taken.endLo(), part.endHi(), part.endLo()));
            }
            open = left;
        }
    }

    private static void addUnlessEmpty(final List<Range> ranges, final Range range) {
        if (!range.isEmpty()) {
            ranges.add(range);
        }
    }

    // ---- damage

    /** The node of these keys is lost: what the map says is live below it, or else what is left of older states. */
    private void gap(final int level, final Range range) {
        gaps.add(range);
        final int before = pieces.size();
        if (live != null) {
            for (int below = level - 1; below >= 0 && pieces.size() == before; below--) {
                final List<Found> alive = new ArrayList<>();
                for (final Found node : nodes.within(tree, below, range)) {
                    if (live.test(node.block())) {
                        alive.add(node);
                    }
                }
                if (!alive.isEmpty()) {
                    side(alive, range);
                }
            }
        }
        final List<Range> found = new ArrayList<>();
        pieces.subList(before, pieces.size()).forEach(piece -> found.add(piece.range()));
        for (final Range open : without(range, found)) {
            overlay(nodes.overlapping(tree, 0, open), open, true);
        }
    }

    /** Live nodes of one level, each with the keys from its own first one to its last. */
    private void side(final List<Found> alive, final Range range) {
        for (final Found node : alive) {
            final NodePage page = read(node.block());
            if (page != null) {
                final Range own = node.level() == 0
                        ? Range.closed(node.firstHi(), node.firstLo(), node.lastHi(), node.lastLo())
                        : new Range(node.firstHi(), node.firstLo(), range.endHi(), range.endLo());
                descend(page, bounded(own, node, alive), false);
            }
        }
    }

    /** An inner node's keys end where the next one's begin. */
    private static Range bounded(final Range own, final Found node, final List<Found> alive) {
        Range bounded = own;
        for (final Found other : alive) {
            if (other != node && Key.compare(other.firstHi(), other.firstLo(), node.lastHi(), node.lastLo()) > 0) {
                bounded = bounded.intersect(bounded.fromHi(), bounded.fromLo(), other.firstHi(), other.firstLo());
            }
        }
        return bounded;
    }

    private static List<Range> without(final Range range, final List<Range> taken) {
        List<Range> open = new ArrayList<>(List.of(range));
        for (final Range part : taken) {
            final List<Range> left = new ArrayList<>();
            for (final Range one : open) {
                final Range hit = one.intersect(part.fromHi(), part.fromLo(), part.endHi(), part.endLo());
                if (hit.isEmpty()) {
                    left.add(one);
                } else {
                    addUnlessEmpty(left, new Range(one.fromHi(), one.fromLo(), hit.fromHi(), hit.fromLo()));
                    addUnlessEmpty(left, new Range(hit.endHi(), hit.endLo(), one.endHi(), one.endLo()));
                }
            }
            open = left;
        }
        return open;
    }

    private static List<Found> newerThan(final long generation, final List<Found> candidates) {
        candidates.removeIf(node -> node.generation() <= generation);
        return candidates;
    }

    private static Found newest(final List<Found> candidates) {
        Found newest = candidates.get(0);
        for (final Found node : candidates) {
            newest = node.generation() > newest.generation() ? node : newest;
        }
        return newest;
    }

    /** Any whole node of the store, or null. */
    NodePage read(final long block) {
        try {
            return reader.readNode(block).verifyIdentity("node", storeId, block);
        } catch (final StoreException ex) {
            return null;
        }
    }
}
