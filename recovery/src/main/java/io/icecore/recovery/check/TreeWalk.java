package io.icecore.recovery.check;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.format.Superblock;
import io.icecore.store.tree.Key;
import java.util.ArrayList;
import java.util.List;

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

    /** A node that its parent names, and the keys that belong to it: at or above one, below another. */
    public record Subtree(
            int tree,
            int level,
            long home,
            long generation,
            long fromHi,
            long fromLo,
            long endHi,
            long endLo,
            boolean root) {}

    /** Walks every tree of the commit. */
    public void all() {
        for (int tree = 1; tree < CommitReader.treeCount(); tree++) {
            walk(tree);
        }
    }

    public void walk(final int tree) {
        roots(tree).forEach(this::walk);
    }

    /** Walks a part of a tree. */
    public void walk(final Subtree subtree) {
        open(subtree).forEach(this::walk);
    }

    /**
     * Walks the top of a tree and returns what is below it, in the order of keys, in {@code countMin} parts or more where
     * it has as many: for several walks side by side.
     */
    public List<Subtree> top(final int tree, final int countMin) {
        List<Subtree> parts = roots(tree);
        while (!parts.isEmpty() && parts.size() < countMin && parts.get(0).level > 0) {
            final List<Subtree> below = new ArrayList<>();
            parts.forEach(part -> below.addAll(open(part)));
            parts = below;
        }
        return parts;
    }

    /**
     * Walks the leaves that hold keys from this one on, and the nodes above them, until the visitor returns false of a
     * leaf. Returns false then, true at the end of the tree.
     */
    public boolean walkFrom(final int tree, final long hi, final long lo) {
        return roots(tree).stream().allMatch(root -> walkFrom(root, hi, lo));
    }

    private boolean walkFrom(final Subtree subtree, final long hi, final long lo) {
        if (Key.compare(subtree.endHi, subtree.endLo, hi, lo) <= 0) {
            return true;
        }
        if (subtree.level > 0) {
            return open(subtree).stream().allMatch(child -> walkFrom(child, hi, lo));
        }
        final NodePage leaf = read(subtree);
        return leaf == null || visitor.node(subtree.tree, 0, subtree.home, leaf);
    }

    private List<Subtree> roots(final int tree) {
        final Superblock superblock = commit.superblock();
        return superblock.rootBlocks[tree] == 0
                ? List.of()
                : List.of(new Subtree(
                        tree,
                        superblock.rootLevels[tree],
                        superblock.rootBlocks[tree],
                        superblock.rootGenerations[tree],
                        0,
                        0,
                        HI_MAX,
                        0,
                        true));
    }

    /** Visits the node on top of a subtree; returns its children. */
    private List<Subtree> open(final Subtree subtree) {
        final NodePage page = read(subtree);
        if (page == null || !visitor.node(subtree.tree, subtree.level, subtree.home, page) || subtree.level == 0) {
            return List.of();
        }
        final int count = page.count();
        final List<Subtree> children = new ArrayList<>(count);
        for (int entry = 0; entry < count; entry++) {
            final boolean last = entry + 1 == count;
            children.add(new Subtree(
                    subtree.tree,
                    subtree.level - 1,
                    page.childBlock(entry),
                    page.childGeneration(entry),
                    entry == 0
                            ? subtree.fromHi
                            : page.hi(entry), // The first child takes what is below its key as well.
                    entry == 0 ? subtree.fromLo : page.lo(entry),
                    last ? subtree.endHi : page.hi(entry + 1),
                    last ? subtree.endLo : page.lo(entry + 1),
                    false));
        }
        return children;
    }

    /** The node on top of a subtree, or null where it is damaged. */
    private NodePage read(final Subtree subtree) {
        try {
            final NodePage page = commit.node(subtree.tree, subtree.level, subtree.home, subtree.generation);
            requireKeys(page, subtree);
            return page;
        } catch (final StoreException ex) {
            visitor.damaged(subtree.tree, subtree.level, subtree.home, ex);
            return null;
        }
    }

    /** The order within the node is part of its verification; this is its place among the others. */
    private static void requireKeys(final NodePage page, final Subtree place) {
        final int count = page.count();
        if (count == 0 && !(place.root && page.level() == 0)) {
            throw corrupt(page, "no entries");
        }
        if (count > 0 && page.compare(0, place.fromHi, place.fromLo) < 0) {
            throw corrupt(page, "first key is below the one that its parent has for it");
        }
        if (count > 0 && page.compare(count - 1, place.endHi, place.endLo) >= 0) {
            throw corrupt(page, "last key belongs to the next node, says the parent");
        }
    }

    private static CorruptStoreException corrupt(final NodePage page, final String problem) {
        return new CorruptStoreException(
                CommitReader.structure(page.tree(), page.level()), page.block() * BLOCK_LENGTH, problem);
    }
}
