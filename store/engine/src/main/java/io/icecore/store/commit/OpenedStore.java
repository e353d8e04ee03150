package io.icecore.store.commit;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.format.Superblock;
import io.icecore.store.log.SegmentReader;
import io.icecore.store.log.SegmentWriter;
import io.icecore.store.log.UncoveredBlocks;
import io.icecore.store.space.FreeSpaceMap;
import io.icecore.store.space.SlotGeometry;
import io.icecore.store.tree.Forest;

/**
 * What opening hands to committing: one store, standing at one durable generation. The parts are guarded as each says.
 */
public final class OpenedStore {
    /** Numbers of the trees, which are the numbers of their roots. A version moves from the head to recent to history. */
    public static final int CATALOGUE = 1;

    public static final int HEAD = 2;
    public static final int RECENT = 3;
    public static final int HISTORY = 4;
    public static final int REGIONS = 5;
    public static final int SPACE = 6;
    static final String[] TREE_NAMES = {null, "catalogue", "head", "recent", "history", "regions", "space"};

    /** Whether the entries of a tree are extents. */
    public static boolean holdsExtents(final int tree) {
        return tree >= HEAD && tree <= HISTORY;
    }

    /** Whether the entries of a tree are versions that only snapshots see. */
    public static boolean holdsHistory(final int tree) {
        return tree == RECENT || tree == HISTORY;
    }

    /** Names of the trees by number; null where there is none. */
    public static String[] treeNames() {
        return TREE_NAMES.clone();
    }

    public final BlockDevice device;
    public final SlotGeometry geometry;
    public final SuperblockSlots slots;
    public final SegmentReader reader;
    public final UncoveredBlocks uncovered = new UncoveredBlocks();
    public final SegmentWriter writer;
    public final Forest forest;
    public final FreeSpaceMap space;
    public final RoomBelow roomBelow;

    /** The newest durable commit. */
    public volatile Superblock current;

    OpenedStore(
            final BlockDevice device,
            final SlotGeometry geometry,
            final SuperblockSlots slots,
            final Superblock chosen,
            final int cacheNodes) {
        this.device = device;
        roomBelow = new RoomBelow(device.name());
        this.geometry = geometry;
        this.slots = slots;
        reader = new SegmentReader(device);
        writer = new SegmentWriter(device);
        forest = new Forest(chosen.storeId, reader, new CommitSpace(this), TREE_NAMES, cacheNodes);
        space = new FreeSpaceMap(
                geometry,
                new SpaceTree(forest.tree(SPACE), geometry.segmentBlocks()),
                chosen.blockCount,
                chosen.usedBlocks,
                chosen.cursor);
        current = chosen;
    }
}
