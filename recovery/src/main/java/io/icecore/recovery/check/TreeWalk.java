package io.icecore.recovery.check;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.format.Superblock;

/**
 * Reads every node of a tree once, parents first and leaves in the order of their keys, holding one path in memory. A
 * damaged node costs its own subtree and nothing else.
 */
public final class TreeWalk {
    private static final long HI_MAX = 1L << 48;

    /** Told what is found. */
    public interface Visitor {
        /**
         * @param home block that the parent names; another than the node's own where the redirect table leads on
         * @return whether to go on below it
         */
        boolean node(int tree, int level, long home, NodePage page);

        /** This node and all below it cannot be had, or cannot be relied on. */
        void damaged(int tree, int level, long home, StoreException problem);
    }

    private final CommitReader commit;
    private final Visitor visitor;

    public TreeWalk(final CommitReader commit, final Visitor visitor) {
        this.commit = commit;
        this.visitor = visitor;
    }

    /** Walks every tree of the commit. */
    public void all() {
        for (int tree = 1; tree < CommitReader.treeCount(); tree++) {
            walk(tree);
        }
    }

    public void walk(final int tree) {
        final Superblock superblock = commit.superblock();
        if (superblock.rootBlocks[tree] != 0) {
            final int level = superblock.rootLevels[tree];
            node(tree, level, superblock.rootBlocks[tree], superblock.rootGenerations[tree], 0, 0, HI_MAX, 0, true);
        }
    }

    /** Keys of the node are at or above (fromHi, fromLo) and below (endHi, endLo). */
    private void node(
            final int tree,
            final int level,
            final long home,
            final long generation,
            final long fromHi,
            final long fromLo,
            final long endHi,
            final long endLo,
            final boolean root) {
        final NodePage page;
        try {
            page = commit.node(tree, level, home, generation);
            requireKeys(page, fromHi, fromLo, endHi, endLo, root);
        } catch (final StoreException ex) {
            visitor.damaged(tree, level, home, ex);
            return;
        }
        if (!visitor.node(tree, level, home, page) || level == 0) {
            return;
        }
        final int count = page.count();
        for (int entry = 0; entry < count; entry++) {
            final boolean last = entry + 1 == count;
            node(
                    tree,
                    level - 1,
                    page.childBlock(entry),
                    page.childGeneration(entry),
                    entry == 0 ? fromHi : page.hi(entry), // The first child takes what is below its key as well.
                    entry == 0 ? fromLo : page.lo(entry),
                    last ? endHi : page.hi(entry + 1),
                    last ? endLo : page.lo(entry + 1),
                    false);
        }
    }

    /** The order within the node is part of its verification; this is its place among the others. */
    private static void requireKeys(
            final NodePage page,
            final long fromHi,
            final long fromLo,
            final long endHi,
            final long endLo,
            final boolean root) {
        final int count = page.count();
        if (count == 0 && !(root && page.level() == 0)) {
            throw corrupt(page, "no entries");
        }
        if (count > 0 && page.compare(0, fromHi, fromLo) < 0) {
            throw corrupt(page, "first key is below the one that its parent has for it");
        }
        if (count > 0 && page.compare(count - 1, endHi, endLo) >= 0) {
            throw corrupt(page, "last key belongs to the next node, says the parent");
        }
    }

    private static CorruptStoreException corrupt(final NodePage page, final String problem) {
        return new CorruptStoreException(
                CommitReader.structure(page.tree(), page.level()), page.block() * BLOCK_LENGTH, problem);
    }
}
