package io.icecore.recovery.check;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.commit.OpenedStore;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.format.SpillLayout;
import io.icecore.store.format.Superblock;
import io.icecore.store.log.SegmentReader;
import io.icecore.store.space.SlotGeometry;
import io.icecore.store.tree.Forest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.agrona.collections.Long2ObjectHashMap;

/**
 * Reads the structures of one commit, and trusts nothing but its superblock. It never moves on to another commit: beside
 * a writer, blocks that are reused meanwhile show as damage, and the caller finds out which it was.
 */
public final class CommitReader {
    /** As many as opening follows. */
    private static final int SPILLS_MAX = 1025;

    /** Nodes kept in memory for lookups: 16 MiB. */
    private static final int CACHE_NODES = 4096;

    private static final String[] TREE_NAMES = OpenedStore.treeNames();

    /** Where a node is that a parent names by its home. */
    public record Target(long block, long generation) {}

    /** One spill node of the space log, and where it is. */
    public record LocatedSpill(long block, SpillLayout.Spill spill) {}

    private final BlockDevice device;
    private final SlotGeometry geometry;
    private final Superblock superblock;
    private final SegmentReader reader;
    private final Long2ObjectHashMap<Target> redirects = new Long2ObjectHashMap<>();

    public CommitReader(final BlockDevice device, final SlotGeometry geometry, final Superblock superblock) {
        this.device = device;
        this.geometry = geometry;
        this.superblock = superblock;
        reader = new SegmentReader(device);
        for (int i = 0; i < superblock.redirects.length; i += 3) {
            redirects.put(
                    superblock.redirects[i], new Target(superblock.redirects[i + 1], superblock.redirects[i + 2]));
        }
    }

    public Superblock superblock() {
        return superblock;
    }

    public SlotGeometry geometry() {
        return geometry;
    }

    /** Blocks of the store that the device really has. */
    public long blockCount() {
        return Math.min(superblock.blockCount, device.length() / BLOCK_LENGTH);
    }

    /** Name of a tree by its number, or null where there is no such tree. */
    public static String treeName(final int tree) {
        return 0 <= tree && tree < TREE_NAMES.length ? TREE_NAMES[tree] : null;
    }

    /** Number of a tree by its name, or -1. */
    public static int treeNumber(final String name) {
        for (int tree = 1; tree < TREE_NAMES.length; tree++) {
            if (TREE_NAMES[tree].equals(name)) {
                return tree;
            }
        }
        return -1;
    }

    public static int treeCount() {
        return TREE_NAMES.length;
    }

    /** "head leaf", "history node": what a message calls a node. */
    public static String structure(final int tree, final int level) {
        return TREE_NAMES[tree] + (level == 0 ? " leaf" : " node");
    }

    /** True when the redirect table leads from this block to another. */
    public boolean redirected(final long home) {
        return redirects.containsKey(home);
    }

    public Target resolve(final long home, final long generation) {
        final Target target = redirects.get(home);
        return target == null ? new Target(home, generation) : target;
    }

    /**
     * Reads the node that a pointer (home, generation) means.
     *
     * @throws CorruptStoreException when something else is there
     */
    public NodePage node(final int tree, final int level, final long home, final long generation) {
        final Target target = resolve(home, generation);
        final String structure = structure(tree, level);
        requireBlock(structure, target.block);
        return reader.readNode(target.block)
                .verify(structure, superblock.storeId, tree, level, target.block, target.generation);
    }

    /** The spill chain of the space log, oldest first, as far as it can be read; {@code damage} is told of the rest. */
    public List<LocatedSpill> spills(final java.util.function.Consumer<CorruptStoreException> damage) {
        final List<LocatedSpill> chain = new ArrayList<>();
        long block = superblock.spillBlock;
        long generation = superblock.spillGeneration;
        try {
            while (block != 0) {
                requireBlock("spill node", block);
                if (chain.size() == SPILLS_MAX) {
                    throw new CorruptStoreException("spill node", block * BLOCK_LENGTH, "chain does not end");
                }
                final SpillLayout.Spill spill =
                        SpillLayout.decode(reader.readNode(block).image(), superblock.storeId, block, generation);
                chain.add(new LocatedSpill(block, spill));
                block = spill.previousBlock();
                generation = spill.previousGeneration();
            }
        } catch (final CorruptStoreException ex) {
            damage.accept(ex);
        }
        Collections.reverse(chain);
        return chain;
    }

    private void requireBlock(final String structure, final long block) {
        if (block < 0 || block >= blockCount()) {
            throw new CorruptStoreException(
                    structure, block * BLOCK_LENGTH, "block " + block + " (expected: < " + blockCount() + ")");
        }
    }

    /** For lookups by key. Beside a writer these fail when blocks have been reused, like all reading here. */
    public Forest forest() {
        final Forest forest = new Forest(superblock.storeId, reader, null, TREE_NAMES, CACHE_NODES);
        forest.load(superblock);
        return forest;
    }
}
