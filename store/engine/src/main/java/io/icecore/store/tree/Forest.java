package io.icecore.store.tree;

import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.format.Superblock;
import io.icecore.store.log.SegmentReader;
import io.icecore.store.log.SegmentWriter;
import io.icecore.store.log.UncoveredBlocks;
import io.icecore.store.tree.RedirectTable.Redirect;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.StampedLock;
import java.util.function.BooleanSupplier;

/**
 * All trees of a store: their nodes in memory, the redirect table, and what has to be written by the next commit.
 *
 * <p>Lookups take the read lock for a descent through nodes in memory. A node that is not there is read with no lock held,
 * entered into the cache, and the descent starts again. Changes, made by one thread at a time (the holder of the store's
 * lock), take the write lock for each step in memory.
 */
public final class Forest {
    static final int LEVEL_COUNT = 16;

    /** Redirects that a fold leaves, if it can: what is folded more often gathers fewer for each parent. */
    private static final int FOLDED_MAX = RedirectTable.CAPACITY / 2;

    /** The pointer whose node a descent did not find in memory. */
    record Missing(long home, long generation, int tree, int level, long version) {}

    private final UUID storeId;
    private final SegmentReader reader;
    private final NodeSpace space;
    private final Tree[] trees;
    private final NodeCache cache;
    private final RedirectTable redirects = new RedirectTable();
    private final List<List<Node>> dirty = new ArrayList<>();

    /** Nodes of the commit that is being written; guarded by the lock, changed only by the commit. */
    private final List<Node> written = new ArrayList<>();

    /** What is to be written of each of them: a node that changes meanwhile leaves this image alone. */
    private final List<NodePage> images = new ArrayList<>();

    final StampedLock lock = new StampedLock();

    /** Counts what makes a node read without the lock unfit for the cache: commits and dropped nodes. */
    private long version;

    private long neverWritten;
    private int dirtyCount;

    private volatile long changes;

    /** How often a leaf was met in memory, by those as well that had to have it read first. */
    private final LongAdder leavesMet = new LongAdder();

    private final LongAdder leavesRead = new LongAdder();
    private final LongAdder innerNodesRead = new LongAdder();

    /** Moves a reader beside a writer to a newer generation; false when there is none. */
    private BooleanSupplier refresh = () -> false;

    /**
     * @param names    of the trees, by number; null where there is none
     * @param capacity clean nodes kept in memory
     */
    public Forest(
            final UUID storeId,
            final SegmentReader reader,
            final NodeSpace space,
            final String[] names,
            final int capacity) {
        this.storeId = storeId;
        this.reader = reader;
        this.space = space;
        cache = new NodeCache(capacity);
        trees = new Tree[names.length];
        for (int number = 0; number < names.length; number++) {
            trees[number] = names[number] == null ? null : new Tree(this, number, names[number]);
        }
        for (int level = 0; level < LEVEL_COUNT; level++) {
            dirty.add(new ArrayList<>());
        }
    }

    public Tree tree(final int number) {
        return trees[number];
    }

    /** Changes since the program started; equal numbers mean that no tree has changed in between. */
    public long changes() {
        return changes;
    }

    /** What to try before a node that is not what its pointer says is called damaged. */
    public void onMismatch(final BooleanSupplier newRefresh) {
        refresh = newRefresh;
    }

    /** Nodes that the next commit will write. */
    public int dirtyCount() {
        return dirtyCount;
    }

    /** Forgets everything in memory and stands at this commit. */
    public void load(final Superblock superblock) {
        final long stamp = lock.writeLock();
        try {
            assert dirtyCount == 0;
            version++;
            cache.clear();
            redirects.clear();
            for (int i = 0; i < superblock.redirects.length; i += 3) {
                redirects.put(new Redirect(
                        superblock.redirects[i], superblock.redirects[i + 1], superblock.redirects[i + 2]));
            }
            for (final Tree tree : trees) {
                if (tree != null) {
                    tree.root(
                            superblock.rootBlocks[tree.number],
                            superblock.rootGenerations[tree.number],
                            superblock.rootLevels[tree.number]);
                }
            }
        } finally {
            lock.unlockWrite(stamp);
        }
    }

    /** Puts roots and redirects into the superblock of the commit whose nodes were just written. */
    public void describe(final Superblock superblock) {
        for (final Tree tree : trees) {
            if (tree != null && tree.rootBlock() != 0) {
                superblock.rootBlocks[tree.number] = tree.rootBlock();
                superblock.rootGenerations[tree.number] = tree.rootGeneration();
                superblock.rootLevels[tree.number] = tree.rootLevel();
            }
        }
        superblock.redirects = new long[3 * redirects.size()];
        int i = 0;
        for (final Redirect redirect : redirects.all()) {
            superblock.redirects[i++] = redirect.home;
            superblock.redirects[i++] = redirect.block;
            superblock.redirects[i++] = redirect.generation;
        }
    }

    // ---- nodes in memory

    /** The node that a pointer names, or null when it is not in memory. Under either lock. */
    Node resident(final long home) {
        final Node node = cache.get(home);
        if (node == null) {
            return null;
        }
        if (node.leaf) {
            leavesMet.increment();
        }
        node.use();
        return node;
    }

    /** The block of the newest image of the node with this home. Under either lock. */
    long blockOf(final long home) {
        final Redirect redirect = redirects.get(home);
        return redirect == null ? home : redirect.block;
    }

    /** All trees, in the order of their numbers. */
    public List<Tree> trees() {
        return Arrays.stream(trees).filter(Objects::nonNull).toList();
    }

    /** How well look-ups are served from memory. Takes the read lock. */
    public CacheFigures cacheFigures() {
        final long stamp = lock.readLock();
        try {
            final long leaves = leavesRead.sum();
            return new CacheFigures(
                    Math.max(0, leavesMet.sum() - leaves),
                    leaves + innerNodesRead.sum(),
                    innerNodesRead.sum(),
                    cache.size(),
                    cache.capacity());
        } finally {
            lock.unlockRead(stamp);
        }
    }

    Missing missing(final long home, final long generation, final Tree tree, final int level) {
        return new Missing(home, generation, tree.number, level, version);
    }

    /** Reads a node that a descent missed. Takes the write lock briefly; the caller holds none. */
    void load(final Missing missing) {
        final Redirect redirect;
        long stamp = lock.readLock();
        try {
            redirect = redirects.get(missing.home);
        } finally {
            lock.unlockRead(stamp);
        }
        final long block = redirect == null ? missing.home : redirect.block;
        final long generation = redirect == null ? missing.generation : redirect.generation;
        (missing.level == 0 ? leavesRead : innerNodesRead).increment();
        final String structure = trees[missing.tree].name + (missing.level == 0 ? " leaf" : " node");
        final NodePage page;
        try {
            page = reader.readNode(block).verify(structure, storeId, missing.tree, missing.level, block, generation);
        } catch (final CorruptStoreException ex) {
            if (overtaken(missing) || refresh.getAsBoolean()) {
                return; // The pointer itself was out of date: look again.
            }
            throw ex;
        }
        stamp = lock.writeLock();
        try {
            if (version == missing.version && cache.get(missing.home) == null) {
                cache.evict(dirtyCount + written.size());
                cache.add(Node.read(page, missing.home, block, generation));
            }
        } finally {
            lock.unlockWrite(stamp);
        }
    }

    private boolean overtaken(final Missing missing) {
        final long stamp = lock.readLock();
        try {
            return version != missing.version;
        } finally {
            lock.unlockRead(stamp);
        }
    }

    /** A new, empty, dirty node. Under the write lock. */
    Node create(final Tree tree, final int level) {
        final Node node = new Node(new NodePage(tree.number, level), --neverWritten, 0, 0);
        cache.add(node);
        markDirty(node);
        return node;
    }

    /** The node's content is about to change: take its page after this, not before. Under the write lock. */
    void markDirty(final Node node) {
        assert !node.dropped;
        changes++;
        if (node.writing && !node.dirty) {
            node.page = node.page.copy(); // The commit under way still needs the other.
        }
        if (!node.dirty) {
            node.dirty = true;
            dirty.get(node.page.level()).add(node);
            dirtyCount++;
        }
    }

    /** The node is no longer part of its tree. Under the write lock. */
    void drop(final Node node) {
        changes++;
        version++;
        if (!node.neverWritten()) {
            space.free(node.home, 1);
            if (node.block != node.home) {
                space.free(node.block, 1);
                redirects.remove(node.home);
            }
        }
        if (node.dirty) {
            node.dirty = false;
            dirtyCount--;
        }
        cache.drop(node);
    }

    /** The child is about to become a root, which no redirect may lead to. Under the write lock. Returns its home. */
    long withoutRedirect(final long home) {
        final Redirect redirect = redirects.get(home);
        if (redirect == null) {
            return home;
        }
        version++;
        space.free(home, 1);
        redirects.remove(home);
        cache.rename(home, redirect.block);
        return redirect.block;
    }

    /** Generation of the image that a pointer leads to, for a pointer that becomes a root. */
    long generationOf(final long home, final long pointerGeneration) {
        final Redirect redirect = redirects.get(home);
        return redirect == null ? pointerGeneration : redirect.generation;
    }

    // ---- the commit's half

    /**
     * Gives all dirty nodes a free block, from the leaves up, as part of commit {@code generation}. A node whose parent is
     * not relocated gets a redirect; a parent that is takes over its children's redirects; when the table would overflow,
     * some parents are relocated as well (a fold). Under the store's lock. Returns how many nodes
     * {@link #writeImages} has to write; until then they are in memory only.
     */
    public int relocate(final long generation) {
        for (int level = 0; level < LEVEL_COUNT; level++) {
            relocate(level, generation);
            takeOverRedirects(level + 1);
            if (redirects.size() > RedirectTable.CAPACITY) {
                fold(level);
            }
        }
        assert redirects.size() <= RedirectTable.CAPACITY && dirtyCount == 0 : redirects.size() + ", " + dirtyCount;
        return written.size();
    }

    /**
     * Writes the nodes as they were when they were relocated. They may change again meanwhile, for the next commit.
     *
     * @param uncovered see {@link SegmentWriter#write}
     */
    public void writeImages(final SegmentWriter writer, final UncoveredBlocks uncovered) {
        for (int i = 0; i < images.size(); i++) {
            final Node node = written.get(i);
            images.get(i).seal(storeId, node.block, node.generation);
            writer.add(node.block, images.get(i).image());
        }
        images.clear();
        writer.write(uncovered);
        final long stamp = lock.writeLock();
        try {
            for (final Node node : written) {
                node.writing = false;
            }
            final int clean = written.size();
            written.clear();
            for (int i = 0; i < clean; i++) { // Nodes that changes have made: no look-up that missed one has made room.
                cache.evict(dirtyCount);
            }
        } finally {
            lock.unlockWrite(stamp);
        }
    }

    private void relocate(final int level, final long generation) {
        final List<Node> nodes = dirty.get(level);
        if (nodes.isEmpty()) {
            return;
        }
        // Blocks first: the allocator may have to look into the space tree, which takes the lock itself.
        final long[] blocks = new long[nodes.size()];
        for (int i = 0; i < blocks.length; i++) {
            blocks[i] = nodes.get(i).dirty ? space.allocateNode() : 0;
        }
        final long stamp = lock.writeLock();
        try {
            version++;
            for (int i = 0; i < blocks.length; i++) {
                final Node node = nodes.get(i);
                if (node.dirty) {
                    relocate(node, blocks[i], generation);
                    written.add(node);
                    images.add(node.page);
                    node.writing = true;
                    node.dirty = false;
                    dirtyCount--;
                }
            }
            nodes.clear();
        } finally {
            lock.unlockWrite(stamp);
        }
    }

    private void relocate(final Node node, final long block, final long generation) {
        final Tree tree = trees[node.page.tree()];
        if (tree.rootBlock() == node.home) {
            if (!node.neverWritten()) {
                space.free(node.home, 1);
            }
            cache.rename(node.home, block);
            tree.root(block, generation, node.page.level());
        } else {
            if (node.block != node.home && node.block != 0) {
                space.free(node.block, 1); // The target of the redirect that is now replaced.
            }
            final Redirect redirect = new Redirect(node.home, block, generation);
            redirect.tree = node.page.tree();
            redirect.level = node.page.level();
            redirect.hi = node.page.hi(0);
            redirect.lo = node.page.lo(0);
            redirects.put(redirect);
        }
        node.block = block;
        node.generation = generation;
    }

    /** Dirty nodes of this level point straight at their children, and the children's old blocks are free. */
    private void takeOverRedirects(final int level) {
        if (level == LEVEL_COUNT || redirects.size() == 0 || dirty.get(level).isEmpty()) {
            return;
        }
        final long stamp = lock.writeLock();
        try {
            for (final Node node : dirty.get(level)) {
                if (node.dirty) {
                    takeOverRedirects(node);
                }
            }
        } finally {
            lock.unlockWrite(stamp);
        }
    }

    private void takeOverRedirects(final Node parent) {
        final NodePage page = parent.page;
        for (int entry = 0, count = page.count(); entry < count; entry++) {
            final long home = Tree.childHome(page, entry);
            final Redirect redirect = redirects.get(home);
            if (redirect != null) {
                page.child(entry, redirect.block, redirect.generation);
                redirects.remove(home);
                if (home >= 0) {
                    space.free(home, 1);
                }
                cache.rename(home, redirect.block);
            }
        }
    }

    /**
     * Makes room in the table: has parents written that take redirects over, those first that take over most, until half of
     * it is free. A root takes over dozens, so that mostly few nodes are written for it. Parents up to {@code level} have
     * been relocated by this commit, and are left alone.
     */
    private void fold(final int level) {
        takeOverRedirectsFrom(level + 2);
        final Map<Long, List<Redirect>> children = new LinkedHashMap<>();
        for (final Redirect redirect : List.copyOf(redirects.all())) {
            identify(redirect);
            if (redirect.level >= level) {
                final long parent = trees[redirect.tree].homeOfParent(redirect);
                children.computeIfAbsent(parent, home -> new ArrayList<>()).add(redirect);
            }
        }
        final List<List<Redirect>> byParent = new ArrayList<>(children.values());
        byParent.sort(Comparator.comparingInt(list -> -list.size()));
        int left = redirects.size();
        for (int i = 0; left > FOLDED_MAX && i < byParent.size(); i++) {
            final List<Redirect> list = byParent.get(i);
            trees[list.get(0).tree].markParentDirty(list.get(0));
            left -= list.size() - 1; // The parent may need one itself.
        }
        takeOverRedirectsFrom(level + 1);
    }

    private void takeOverRedirectsFrom(final int lowest) {
        for (int level = lowest; level < LEVEL_COUNT; level++) {
            takeOverRedirects(level);
        }
    }

    private void identify(final Redirect redirect) {
        if (redirect.level >= 0) {
            return;
        }
        final NodePage page =
                reader.readNode(redirect.block).verifyIdentity("redirected node", storeId, redirect.block);
        if (page.generation() != redirect.generation || page.count() == 0 || trees[page.tree()] == null) {
            throw CorruptStoreException.mismatch(
                    "redirected node", redirect.block << 12, "generation", page.generation(), redirect.generation);
        }
        redirect.tree = page.tree();
        redirect.hi = page.hi(0);
        redirect.lo = page.lo(0);
        redirect.level = page.level();
    }

    // ---- for check, repair and dump

    /** Visits the blocks that the redirect table keeps allocated: each old block, still named by its parent. */
    public interface NodeVisitor {
        /**
         * @param home  block named by the parent; equal to the node's own block unless redirected
         * @param page  the node, verified
         */
        void node(int tree, int level, long home, NodePage page);
    }

    /** Reads every node of every tree once, parents first, holding one path in memory. No concurrent changes. */
    public void walk(final NodeVisitor visitor) {
        for (final Tree tree : trees) {
            if (tree != null && tree.rootBlock() != 0) {
                walk(tree, tree.rootBlock(), tree.rootGeneration(), tree.rootLevel(), visitor);
            }
        }
    }

    private void walk(
            final Tree tree, final long home, final long generation, final int level, final NodeVisitor visitor) {
        final Redirect redirect = redirects.get(home);
        final long block = redirect == null ? home : redirect.block;
        final NodePage page = reader.readNode(block)
                .verify(
                        tree.name + (level == 0 ? " leaf" : " node"),
                        storeId,
                        tree.number,
                        level,
                        block,
                        redirect == null ? generation : redirect.generation);
        visitor.node(tree.number, level, home, page);
        if (level > 0) {
            for (int entry = 0; entry < page.count(); entry++) {
                walk(tree, page.childBlock(entry), page.childGeneration(entry), level - 1, visitor);
            }
        }
    }
}
