package io.icecore.store.tree;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.icecore.store.format.Blocks;
import io.icecore.store.format.NodePage;
import io.icecore.store.tree.Forest.Missing;
import io.icecore.store.tree.RedirectTable.Redirect;
import java.util.function.Consumer;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * A copy-on-write B+tree: sorted map from {@link Key} to a value of 0 to {@value TreeEntry#VALUE_LENGTH_MAX} bytes.
 *
 * <p>Lookups may be made by any thread at any time. Changes are made only by the holder of the store's lock; each is
 * atomic for lookups, and a group of changes made under one hold of the lock is atomic for commits.
 *
 * <p>A full leaf is split in the middle, or, when the new entry comes last, left full and a new one begun: entries that
 * arrive in order fill their leaves. A leaf that falls under a quarter is merged with a neighbour that is in memory: reading one
 * for that, while everybody waits for the lock, would cost more than a leaf with few entries does. Who removes many entries
 * goes from leaf to leaf, so that the one before is there.
 */
public final class Tree {
    private static final int MERGE_BELOW = NodePage.ROOM / 4;
    private static final int MERGED_MAX = NodePage.ROOM * 3 / 4;

    /** Of an inner node, usually. */
    private static final int CHILDREN = 90;

    /** A home that stands for a node never written, as a parent holds it until the commit: bit 47 set. */
    private static final long NEVER_WRITTEN = 1L << 47;

    final int number;
    final String name;
    private final Forest forest;

    private long rootBlock;
    private long rootGeneration;
    private int rootLevel;

    private volatile long moves;

    // The path of the change under way: owned by the holder of the store's lock.
    private final Node[] path = new Node[Forest.LEVEL_COUNT];
    private final int[] entryAt = new int[Forest.LEVEL_COUNT];
    private final UnsafeBuffer pointer = new UnsafeBuffer(new byte[NodePage.POINTER_LENGTH]);

    Tree(final Forest forest, final int number, final String name) {
        this.forest = forest;
        this.number = number;
        this.name = name;
    }

    /** Home of the root, 0 when the tree is empty. */
    long rootBlock() {
        return rootBlock;
    }

    long rootGeneration() {
        return rootGeneration;
    }

    int rootLevel() {
        return rootLevel;
    }

    void root(final long block, final long generation, final int level) {
        rootBlock = block;
        rootGeneration = generation;
        rootLevel = level;
    }

    /** Home of a child as its parent names it; negative for one never written. */
    static long childHome(final NodePage page, final int entry) {
        final long block = page.childBlock(entry);
        return block < NEVER_WRITTEN ? block : NEVER_WRITTEN - 1 - block;
    }

    private static long encodeHome(final long home) {
        return home >= 0 ? home : NEVER_WRITTEN - 1 - home;
    }

    // ---- lookups

    /** Fills {@code into} with the entry of this key; false when there is none. */
    public boolean get(final long hi, final long lo, final TreeEntry into) {
        return floor(hi, lo, into) && into.hi == hi && into.lo == lo;
    }

    /** Fills {@code into} with the entry of the greatest key that is not above this one; false when there is none. */
    public boolean floor(final long hi, final long lo, final TreeEntry into) {
        return seek(hi, lo, true, into);
    }

    /** Fills {@code into} with the entry of the least key that is not below this one; false when there is none. */
    public boolean ceiling(final long hi, final long lo, final TreeEntry into) {
        return seek(hi, lo, false, into);
    }

    /**
     * As {@link #ceiling}.
     *
     * @param patient rather than read the device, return {@link Seek#UNREAD}: for whoever holds the store's lock, and can have
     *                it read without
     */
    public Seek ceiling(final long hi, final long lo, final boolean patient, final TreeEntry into) {
        if (!patient) {
            return ceiling(hi, lo, into) ? Seek.FOUND : Seek.NONE;
        }
        final Object result = trySeek(hi, lo, false, into);
        if (result instanceof Missing) {
            return Seek.UNREAD;
        }
        return result == Boolean.TRUE ? Seek.FOUND : Seek.NONE;
    }

    private Object trySeek(final long hi, final long lo, final boolean floor, final TreeEntry into) {
        final long stamp = forest.lock.readLock();
        try {
            return rootBlock == 0 ? Boolean.FALSE : seek(rootBlock, rootGeneration, rootLevel, hi, lo, floor, into);
        } finally {
            forest.lock.unlockRead(stamp);
        }
    }

    private boolean seek(final long hi, final long lo, final boolean floor, final TreeEntry into) {
        while (true) {
            final Object result = trySeek(hi, lo, floor, into);
            if (result instanceof Missing missing) {
                forest.load(missing);
            } else {
                return result == Boolean.TRUE;
            }
        }
    }

    /** TRUE, FALSE, or the {@link Missing} pointer that has to be loaded first. */
    private Object seek(
            final long home,
            final long generation,
            final int level,
            final long hi,
            final long lo,
            final boolean floor,
            final TreeEntry into) {
        final Node node = forest.resident(home);
        if (node == null) {
            return forest.missing(home, generation, this, level);
        }
        final NodePage page = node.page;
        final int below = page.floor(hi, lo);
        if (level == 0) {
            final int entry = floor ? below : atOrAfter(page, below, hi, lo);
            if (entry < 0 || entry >= page.count()) {
                return Boolean.FALSE;
            }
            copy(page, entry, into);
            return Boolean.TRUE;
        }
        // A child holds the answer unless all of its keys are on the other side; then its neighbour does.
        final int step = floor ? -1 : 1;
        for (int entry = Math.max(0, below); entry >= 0 && entry < page.count(); entry += step) {
            final Object result =
                    seek(childHome(page, entry), page.childGeneration(entry), level - 1, hi, lo, floor, into);
            if (result != Boolean.FALSE) {
                return result;
            }
        }
        return Boolean.FALSE;
    }

    /** The first entry at or after a key, of which {@code below} is the floor; the count when there is none. */
    private static int atOrAfter(final NodePage page, final int below, final long hi, final long lo) {
        return below >= 0 && page.compare(below, hi, lo) == 0 ? below : below + 1;
    }

    private static void copy(final NodePage page, final int entry, final TreeEntry into) {
        into.hi = page.hi(entry);
        into.lo = page.lo(entry);
        into.length = page.valueLength(entry);
        into.value.putBytes(0, page.image(), page.valueIndex(entry), into.length);
    }

    /** How many leaves there are, roughly: from nodes in memory. Any thread. */
    public long leavesEstimate() {
        final long stamp = forest.lock.readLock();
        try {
            long leaves = rootBlock == 0 ? 0 : 1;
            long home = rootBlock;
            for (int level = rootLevel;
                    level > 0;
                    level--) { // Inner nodes only: that a leaf is met counts as a use of it.
                final Node node = home == 0 ? null : forest.resident(home);
                leaves *= node == null ? CHILDREN : node.page.count();
                home = node == null ? 0 : childHome(node.page, node.page.count() / 2);
            }
            return leaves;
        } finally {
            forest.lock.unlockRead(stamp);
        }
    }

    // ---- changes

    /** Inserts the entry or replaces its value. The caller holds the store's lock. */
    public void put(final long hi, final long lo, final DirectBuffer value, final int index, final int length) {
        assert length <= TreeEntry.VALUE_LENGTH_MAX : length;
        Missing missing;
        do {
            final long stamp = forest.lock.writeLock();
            try {
                missing = tryPut(hi, lo, value, index, length);
            } finally {
                forest.lock.unlockWrite(stamp);
            }
            if (missing != null) {
                forest.load(missing);
            }
        } while (missing != null);
    }

    private Missing tryPut(final long hi, final long lo, final DirectBuffer value, final int index, final int length) {
        final Missing missing = descendToPut(hi, lo);
        if (missing == null) {
            putOnPath(hi, lo, value, index, length);
        }
        return missing;
    }

    private Missing descendToPut(final long hi, final long lo) {
        if (rootBlock == 0) {
            root(forest.create(this, 0).home, 0, 0);
        }
        return descend(hi, lo, 0);
    }

    /** The path is that of the key. Returns whether it still is: a leaf that was full is split. */
    private boolean putOnPath(
            final long hi, final long lo, final DirectBuffer value, final int index, final int length) {
        int entry = path[0].page.floor(hi, lo);
        if (entry >= 0 && path[0].page.compare(entry, hi, lo) == 0) {
            forest.markDirty(path[0]);
            final NodePage page = path[0].page;
            if (page.valueLength(entry) == length) {
                page.replace(entry, value, index, length);
                return true;
            }
            page.remove(entry--);
        }
        final boolean fits = path[0].page.takes(hi, lo, length);
        insert(0, entry + 1, hi, lo, value, index, length);
        return fits;
    }

    /** Removes the entry; false when there was none. The caller holds the store's lock. */
    public boolean remove(final long hi, final long lo) {
        boolean small = false;
        while (true) {
            final Missing missing;
            final long stamp = forest.lock.writeLock();
            try {
                if (rootBlock == 0) {
                    return false;
                }
                missing = descend(hi, lo, 0);
                if (missing == null) {
                    final int entry = path[0].page.floor(hi, lo);
                    if (entry < 0 || path[0].page.compare(entry, hi, lo) != 0) {
                        return false;
                    }
                    forest.markDirty(path[0]);
                    path[0].page.remove(entry);
                    small = path[0].page.usedBytes() < MERGE_BELOW;
                    if (path[0].page.count() == 0) {
                        unlink(0);
                    }
                    break;
                }
            } finally {
                forest.lock.unlockWrite(stamp);
            }
            forest.load(missing);
        }
        if (small) {
            mergeAround(hi, lo);
        }
        return true;
    }

    /** Fills the path from the root down to {@code toLevel} for a key. Under the write lock. */
    private Missing descend(final long hi, final long lo, final int toLevel) {
        long home = rootBlock;
        long generation = rootGeneration;
        for (int level = rootLevel; ; level--) {
            final Node node = forest.resident(home);
            if (node == null) {
                return forest.missing(home, generation, this, level);
            }
            path[level] = node;
            if (level == toLevel) {
                return null;
            }
            final int entry = Math.max(0, node.page.floor(hi, lo));
            entryAt[level] = entry;
            home = childHome(node.page, entry);
            generation = node.page.childGeneration(entry);
        }
    }

    private void insert(
            final int level,
            final int entry,
            final long hi,
            final long lo,
            final DirectBuffer value,
            final int index,
            final int length) {
        final Node node = path[level];
        forest.markDirty(node);
        if (node.page.takes(hi, lo, length)) {
            node.page.insert(entry, hi, lo, value, index, length);
            return;
        }
        final Node right = forest.create(this, level);
        if (entry == node.page.count()) {
            right.page.insert(0, hi, lo, value, index, length);
        } else if (entry == 0 && !node.page.shares(hi, lo)) {
            right.page = node.page; // One that would make all keys longer stays alone.
            node.page = new NodePage(number, level);
            node.page.insert(0, hi, lo, value, index, length);
        } else if (split(node, right, entry, length)) {
            node.page.insert(entry, hi, lo, value, index, length);
        } else {
            right.page.insert(entry - node.page.count(), hi, lo, value, index, length);
        }
        if (level == rootLevel) {
            final Node root = forest.create(this, level + 1);
            insertPointer(root.page, 0, node);
            root(root.home, 0, level + 1);
            path[level + 1] = root;
            entryAt[level + 1] = 0;
        }
        if (entryAt[level + 1] == 0) {
            lowerFirstKey(path[level + 1], node);
        }
        pointTo(right);
        insert(
                level + 1,
                entryAt[level + 1] + 1,
                right.page.hi(0),
                right.page.lo(0),
                pointer,
                0,
                NodePage.POINTER_LENGTH);
    }

    /** A first child may hold keys below its entry's; now that it gets a neighbour, the entry must not be above that. */
    private void lowerFirstKey(final Node parent, final Node firstChild) {
        final long hi = firstChild.page.hi(0);
        final long lo = firstChild.page.lo(0);
        if (parent.page.compare(0, hi, lo) > 0) {
            forest.markDirty(parent);
            parent.page.key(0, hi, lo);
        }
    }

    private void pointTo(final Node node) {
        Blocks.put(pointer, 0, encodeHome(node.home));
        pointer.putLong(Blocks.LENGTH, node.generation, LITTLE_ENDIAN);
    }

    private void insertPointer(final NodePage page, final int entry, final Node child) {
        pointTo(child);
        page.insert(entry, child.page.hi(0), child.page.lo(0), pointer, 0, NodePage.POINTER_LENGTH);
    }

    /**
     * Moves the upper part of a full node to a new one, so that both, the coming entry counted, are as alike as can be.
     * Returns whether the coming entry belongs to the lower part.
     */
    private static boolean split(final Node node, final Node right, final int entry, final int length) {
        final NodePage page = node.page;
        final int coming = page.entryBytes(length);
        final int total = page.usedBytes() + coming;
        // The sequence of old entries with the coming one at its place; 'cut' of its items go to the left.
        int best = 0;
        int bestGap = Integer.MAX_VALUE;
        int used = 0;
        for (int item = 0; item < page.count(); item++) {
            used += item == entry ? coming : page.entryBytes(page.valueLength(item < entry ? item : item - 1));
            final int gap = Math.abs(total - 2 * used);
            if (gap < bestGap) {
                best = item + 1;
                bestGap = gap;
            }
        }
        final boolean comingLeft = entry < best;
        final int cut = comingLeft ? best - 1 : best;
        final NodePage left = new NodePage(page.tree(), page.level());
        left.append(page, 0, cut);
        right.page.append(page, cut, page.count());
        node.page = left;
        return comingLeft;
    }

    /** Takes the empty node of this level out of its parent. */
    private void unlink(final int level) {
        final Node node = path[level];
        if (level == rootLevel) {
            forest.drop(node);
            root(0, 0, 0);
            return;
        }
        final Node parent = path[level + 1];
        forest.markDirty(parent);
        parent.page.remove(entryAt[level + 1]);
        forest.drop(node);
        if (parent.page.count() == 0) {
            unlink(level + 1);
        } else {
            lowerRoot();
        }
    }

    /** A root with a single child gives way to it. */
    private void lowerRoot() {
        while (rootLevel > 0) {
            final Node root = forest.resident(rootBlock);
            if (root == null || root.page.count() > 1) {
                return;
            }
            final long home = childHome(root.page, 0);
            final long generation = forest.generationOf(home, root.page.childGeneration(0));
            final int level = rootLevel - 1;
            forest.drop(root);
            root(forest.withoutRedirect(home), generation, level);
        }
    }

    /** Merges the nodes on the path of a key with a neighbour where they have become small: those in memory, see above. */
    private void mergeAround(final long hi, final long lo) {
        final long stamp = forest.lock.writeLock();
        try {
            for (int level = 0; level < rootLevel; level++) {
                if (descend(hi, lo, level) == null) {
                    if (path[level].page.usedBytes() >= MERGE_BELOW) {
                        return;
                    }
                    mergeAt(level);
                }
            }
        } finally {
            forest.lock.unlockWrite(stamp);
        }
    }

    private void mergeAt(final int level) {
        final Node parent = path[level + 1];
        final int entry = entryAt[level + 1];
        for (int left = entry; left >= entry - 1; left--) {
            if (left < 0 || left + 1 >= parent.page.count()) {
                continue;
            }
            final int other = left == entry ? left + 1 : left;
            final Node neighbour = forest.resident(childHome(parent.page, other));
            if (neighbour == null) {
                continue;
            }
            final Node into = left == entry ? path[level] : neighbour;
            final Node from = left == entry ? neighbour : path[level];
            if (into.page.usedBytesWith(from.page) <= MERGED_MAX) {
                forest.markDirty(into);
                forest.markDirty(parent);
                final int seam = into.page.count();
                into.page.append(from.page, 0, from.page.count());
                if (level > 0) {
                    // As a first child it also took keys below its own; as a later one it needs its true lower bound.
                    into.page.key(seam, parent.page.hi(left + 1), parent.page.lo(left + 1));
                }
                parent.page.remove(left + 1);
                forest.drop(from);
                lowerRoot();
                return;
            }
        }
    }

    // ---- moving entries

    /**
     * Moves the first entry at or after a key, and those behind it that come from the same leaf and go to the same leaf, to
     * another tree of the forest. For look-ups they are in one of the two at any moment; who asks both, one after the other,
     * compares {@link #moves()}. The caller holds the store's lock.
     *
     * @param key where to go on: hi and lo, changed to what comes after the last one that was moved
     * @return how many, {@code max} at the most; 0 when there is none; -1 when a leaf of either tree is not in memory
     */
    public int moveTo(final Tree to, final long[] key, final int max) {
        final long stamp = forest.lock.writeLock();
        try {
            return rootBlock == 0 ? 0 : tryMoveTo(to, key, max);
        } finally {
            forest.lock.unlockWrite(stamp);
        }
    }

    private int tryMoveTo(final Tree to, final long[] key, final int max) {
        if (descend(key[0], key[1], 0) != null) {
            return -1;
        }
        int entry = entryFrom(key);
        if (entry == path[0].page.count()) {
            if (!behindPath(1, key)) {
                return 0;
            }
            if (descend(key[0], key[1], 0) != null) {
                return -1;
            }
            entry = entryFrom(key);
        }
        final Node node = path[0];
        if (to.descendToPut(node.page.hi(entry), node.page.lo(entry)) != null) {
            return -1;
        }
        forest.markDirty(node);
        final NodePage page = node.page;
        int moved = 0;
        boolean more = true;
        while (more) {
            key[0] = page.hi(entry);
            key[1] = page.lo(entry);
            final boolean leads =
                    to.putOnPath(key[0], key[1], page.image(), page.valueIndex(entry), page.valueLength(entry));
            page.remove(entry);
            moved++;
            more = leads && moved < max && entry < page.count() && to.pathLeadsTo(page.hi(entry), page.lo(entry));
        }
        if (++key[1] == 0) {
            key[0]++;
        }
        if (page.count() == 0) {
            unlink(0);
        }
        moves++;
        return moved;
    }

    /** Of the leaf on the path: the first entry at or after the key, or its count. */
    private int entryFrom(final long[] key) {
        final NodePage page = path[0].page;
        return atOrAfter(page, page.floor(key[0], key[1]), key[0], key[1]);
    }

    /** Whether a key above that of the path belongs in the same leaf. */
    private boolean pathLeadsTo(final long hi, final long lo) {
        final int level = levelOfNext(1);
        return level < 0 || path[level].page.compare(entryAt[level] + 1, hi, lo) > 0;
    }

    /** Changes whenever entries have moved to another tree. Any thread. */
    public long moves() {
        return moves;
    }

    // ---- moving nodes

    /** Tells of a block whether its content should be somewhere else. */
    @FunctionalInterface
    public interface Unwanted {
        boolean test(long block);
    }

    /**
     * Marks nodes that stand on unwanted blocks dirty, so that the next commit writes them elsewhere: those on the path to
     * the first node above the leaves that holds keys from this one on, and that node's leaves. Their parents go with them,
     * for the parent's old pointer keeps the old block allocated. The caller holds the store's lock.
     *
     * @param key where to go on: hi and lo, changed to the first key of what comes after
     * @return false at the end of the tree
     */
    public boolean moveSome(final long[] key, final Unwanted unwanted) {
        while (true) {
            final Missing missing;
            final long stamp = forest.lock.writeLock();
            try {
                if (rootBlock == 0) {
                    return false;
                }
                missing = tryMove(key, unwanted);
                if (missing == null) {
                    return behindPath(2, key);
                }
            } finally {
                forest.lock.unlockWrite(stamp);
            }
            forest.load(missing);
        }
    }

    private Missing tryMove(final long[] key, final Unwanted unwanted) {
        Missing missing = descend(key[0], key[1], Math.min(1, rootLevel));
        if (missing != null) {
            return missing;
        }
        if (rootBlock > 0 && unwanted.test(rootBlock)) {
            forest.markDirty(path[rootLevel]);
        }
        for (int level = rootLevel; level > 0; level--) {
            final NodePage page = path[level].page;
            final int first = level == 1 ? 0 : entryAt[level];
            final int end = level == 1 ? page.count() : entryAt[level] + 1;
            for (int entry = first; entry < end; entry++) {
                missing = tryMove(path[level], entry, unwanted);
                if (missing != null) {
                    return missing;
                }
            }
        }
        return null;
    }

    private Missing tryMove(final Node parent, final int entry, final Unwanted unwanted) {
        final long home = childHome(parent.page, entry);
        final long block = forest.blockOf(home);
        if (home < 0 || !unwanted.test(home) && !unwanted.test(block)) {
            return null; // One that was never written is dirty anyway.
        }
        final Node child = forest.resident(home);
        if (child == null) {
            return forest.missing(home, parent.page.childGeneration(entry), this, parent.page.level() - 1);
        }
        forest.markDirty(parent);
        forest.markDirty(child);
        return null;
    }

    /** Moves the key on to where the next node of the level below this one begins; false at the end of the tree. */
    private boolean behindPath(final int fromLevel, final long[] key) {
        final int level = levelOfNext(fromLevel);
        if (level < 0) {
            return false;
        }
        key[0] = path[level].page.hi(entryAt[level] + 1);
        key[1] = path[level].page.lo(entryAt[level] + 1);
        return true;
    }

    /** The lowest level, from this one up, at which the path's node has a child behind the one on the path; or -1. */
    private int levelOfNext(final int fromLevel) {
        int level = fromLevel;
        while (level <= rootLevel && entryAt[level] + 1 >= path[level].page.count()) {
            level++;
        }
        return level <= rootLevel ? level : -1;
    }

    /** Home of the parent of a redirected node. The caller holds the store's lock. */
    long homeOfParent(final Redirect redirect) {
        return withParent(redirect, parent -> {});
    }

    /** The parent of a redirected node belongs to the commit that is being written. */
    void markParentDirty(final Redirect redirect) {
        withParent(redirect, forest::markDirty);
    }

    private long withParent(final Redirect redirect, final Consumer<Node> action) {
        while (true) {
            final Missing missing;
            final long stamp = forest.lock.writeLock();
            try {
                missing = descend(redirect.hi, redirect.lo, redirect.level + 1);
                if (missing == null) {
                    final Node parent = path[redirect.level + 1];
                    assert childHome(parent.page, Math.max(0, parent.page.floor(redirect.hi, redirect.lo)))
                                    == redirect.home
                            : "redirect that no parent names: " + redirect.home;
                    action.accept(parent);
                    return parent.home;
                }
            } finally {
                forest.lock.unlockWrite(stamp);
            }
            forest.load(missing);
        }
    }
}
