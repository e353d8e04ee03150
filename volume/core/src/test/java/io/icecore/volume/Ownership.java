package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.Store;
import io.icecore.store.commit.OpenedStore;
import io.icecore.store.format.SpillLayout;
import io.icecore.store.format.Superblock;
import io.icecore.store.tree.Key;
import io.icecore.store.tree.TreeEntry;
import io.icecore.volume.map.Extent;
import io.icecore.volume.map.HeadMap;
import io.icecore.volume.map.HistoryMap;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Walks the head and the history of every branch: who owns which block, and does each have one owner? */
final class Ownership {
    /** A version in the history. */
    private record Dead(long branch, long death, int length) {}

    private final Map<Long, Long> roots = new HashMap<>();
    private final Map<Long, List<Long>> kept = new HashMap<>();
    private final Map<Long, Long> blocksByRoot = new HashMap<>();
    private final Set<Long> owned = new HashSet<>();
    private final List<Dead> dead = new ArrayList<>();

    private final List<String> superfluous = new ArrayList<>();

    private Ownership() {}

    static Ownership of(final Catalog catalog) {
        final Ownership ownership = new Ownership();
        final Volumes volumes = catalog.parts();
        volumes.look(() -> {
            final CatalogueTree tree = new CatalogueTree(catalog.store());
            for (boolean more = tree.nextId(CatalogueTree.BRANCH, 0);
                    more;
                    more = tree.nextId(CatalogueTree.BRANCH, tree.id() + 1)) {
                ownership.add(volumes, volumes.branches().withKept(tree.id()));
            }
            ownership.superfluous.addAll(superfluous(volumes, ownership.kept.keySet()));
            ownership.kept.forEach((branch, epochs) -> epochs.forEach(epoch -> require(
                    !SnapshotRecord.load(tree, branch, epoch).hidden
                            || volumes.branches().children(branch).containsValue(epoch),
                    "hidden, and no branch stands on it",
                    "branch " + branch + " epoch " + epoch)));
            return null;
        });
        return ownership;
    }

    private void add(final Volumes volumes, final Branch branch) {
        Branch root = branch;
        while (root.hasParent()) {
            root = volumes.branches().get(root.parentBranch);
        }
        roots.put(branch.number, root.number);
        final List<Long> epochs = new ArrayList<>();
        for (int i = 0; i < branch.keptCount(); i++) {
            epochs.add(branch.kept(i));
        }
        kept.put(branch.number, epochs);
        final Extent extent = new Extent();
        final HeadMap head = volumes.data().head();
        long end = 0;
        for (long at = 0; head.ceiling(branch.number, at, extent); at = extent.chunk() + 1) {
            require(extent.chunk() >= end, "extents of the head overlap", extent);
            end = extent.end();
            own(root.number, extent);
        }
        checkOneTreeHasIt(volumes.store(), branch.number);
        final HistoryMap history = volumes.data().history();
        long chunk = 0;
        long birth = 0;
        while (history.ceiling(branch.number, chunk, birth, extent)) {
            require(extent.birth() < extent.death(), "life of an extent", extent);
            chunk = extent.chunk();
            birth = extent.birth() + 1;
            own(root.number, extent);
            if (!extent.zeroes()) {
                dead.add(new Dead(branch.number, extent.death(), extent.length()));
            }
        }
    }

    /** H1 of {@link HistoryMap}. */
    private static void checkOneTreeHasIt(final Store store, final long branch) {
        final TreeEntry entry = new TreeEntry();
        final TreeEntry other = new TreeEntry();
        boolean more = store.recent().ceiling(Key.hi(branch, 0), Key.lo(0, 0), entry);
        while (more && entry.a() == branch) {
            require(!store.history().get(entry.hi(), entry.lo(), other), "old and still recent", entry.b());
            more = store.recent().ceiling(entry.hi(), entry.lo() + 1, entry);
        }
    }

    private void own(final long root, final Extent extent) {
        if (!extent.zeroes()) {
            for (int i = 0; i < extent.length(); i++) {
                require(owned.add(extent.block() + i), "second owner of a block of", extent);
            }
            blocksByRoot.merge(root, (long) extent.length(), Long::sum);
        }
    }

    /** Branches that housekeeping would remove, or whose entries it would give to their only child. */
    private static List<String> superfluous(final Volumes volumes, final Set<Long> numbers) {
        final List<String> found = new ArrayList<>();
        for (final long number : numbers) {
            final Branch branch = volumes.branches().withKept(number);
            if (branch.dead()) {
                found.add("dead branch " + number);
            } else if (!branch.head
                    && branch.keptCount() == 1
                    && branch.visibleCount() == 0
                    && volumes.branches().children(number).size() == 1) {
                found.add("branch " + number + ", which has one child only");
            }
        }
        return found;
    }

    /** At rest. */
    void checkNothingIsSuperfluous() {
        require(superfluous.isEmpty(), "superfluous", superfluous);
    }

    /** Without a message made for each of thousands of blocks: crash tests come here a thousand times a second. */
    private static void require(final boolean holds, final String rule, final Object thing) {
        if (!holds) {
            throw new AssertionError(rule + ": " + thing);
        }
    }

    /** Every block that is owned is allocated, and no other is but those of nodes. Right after a commit. */
    void checkAllocated(final Catalog catalog) {
        final OpenedStore opened = catalog.store().opened();
        catalog.parts().look(() -> {
            owned.forEach(block -> require(opened.space.used(block), "owned but not allocated", block));
            final long[] nodes = {0};
            opened.forest.walk((tree, level, home, page) -> nodes[0] += home == page.block() ? 1 : 2);
            assertThat(opened.space.usedBlocks())
                    .as("allocated blocks: data, nodes, spill nodes of the space log and no others")
                    .isEqualTo(owned.size() + nodes[0] + spillNodes(opened));
            return null;
        });
    }

    private static long spillNodes(final OpenedStore opened) {
        final Superblock superblock = opened.current;
        long count = 0;
        long block = superblock.spillBlock;
        long generation = superblock.spillGeneration;
        while (block != 0) {
            final SpillLayout.Spill spill =
                    SpillLayout.decode(opened.reader.readNode(block).image(), superblock.storeId, block, generation);
            block = spill.previousBlock();
            generation = spill.previousGeneration();
            count++;
        }
        return count;
    }

    long blocks() {
        return owned.size();
    }

    /** Blocks owned by all branches that read through the same root in the end. */
    Map<Long, Long> blocksByRoot() {
        return blocksByRoot;
    }

    long rootOf(final long branch) {
        return roots.get(branch);
    }

    /** Kept epochs of each branch, hidden ones included. */
    Map<Long, List<Long>> kept() {
        return kept;
    }

    /** The same as pairs of branch and epoch. */
    List<long[]> keptPoints() {
        final List<long[]> points = new ArrayList<>();
        kept.forEach((branch, epochs) -> epochs.forEach(epoch -> points.add(new long[] {branch, epoch})));
        return points;
    }

    /** Chunks of the history whose death is after this epoch and not after the next. */
    long died(final long branch, final long epoch, final long next) {
        return dead.stream()
                .filter(version -> version.branch == branch && epoch < version.death && version.death <= next)
                .mapToLong(Dead::length)
                .sum();
    }
}
