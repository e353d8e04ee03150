package io.icecore.recovery.repair;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.format.Blocks;
import io.icecore.store.format.NodePage;
import io.icecore.store.format.Superblock;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.LongSupplier;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/** Writes a tree from the leaves up, of entries that come in the order of their keys: one node of each level in memory. */
final class TreeBuilder {
    private final BlockDevice device;
    private final UUID storeId;
    private final long generation;
    private final int tree;
    private final LongSupplier blocks;
    private final List<NodePage> open = new ArrayList<>();
    private final UnsafeBuffer pointer = new UnsafeBuffer(new byte[NodePage.POINTER_LENGTH]);
    private long entries;

    TreeBuilder(
            final BlockDevice device,
            final UUID storeId,
            final long generation,
            final int tree,
            final LongSupplier blocks) {
        this.device = device;
        this.storeId = storeId;
        this.generation = generation;
        this.tree = tree;
        this.blocks = blocks;
    }

    void add(final long hi, final long lo, final DirectBuffer value, final int index, final int length) {
        entries++;
        add(0, hi, lo, value, index, length);
    }

    long entries() {
        return entries;
    }

    private void add(
            final int level,
            final long hi,
            final long lo,
            final DirectBuffer value,
            final int index,
            final int length) {
        if (level == open.size()) {
            open.add(new NodePage(tree, level));
        }
        if (!open.get(level).takes(hi, lo, length)) {
            up(level);
            open.set(level, new NodePage(tree, level));
        }
        final NodePage page = open.get(level);
        assert page.count() == 0 || page.compare(page.count() - 1, hi, lo) < 0
                : "tree " + tree + ": (" + hi + ", " + lo + ") after (" + page.hi(page.count() - 1) + ", "
                        + page.lo(page.count() - 1) + ")";
        page.insert(page.count(), hi, lo, value, index, length);
    }

    /** The node of this level is full: writes it, and tells the one above. */
    private void up(final int level) {
        final NodePage page = open.get(level);
        final long block = write(page);
        Blocks.put(pointer, 0, block);
        pointer.putLong(Blocks.LENGTH, generation, LITTLE_ENDIAN);
        add(level + 1, page.hi(0), page.lo(0), pointer, 0, NodePage.POINTER_LENGTH);
    }

    private long write(final NodePage page) {
        final long block = blocks.getAsLong();
        page.seal(storeId, block, generation);
        device.write(block * BLOCK_LENGTH, page.image(), 0, BLOCK_LENGTH);
        return block;
    }

    /** Writes what is open and puts the root into the superblock. */
    void finish(final Superblock superblock) {
        if (open.isEmpty()) {
            return;
        }
        for (int level = 0; level + 1 < open.size(); level++) {
            up(level); // May open a level above.
        }
        final int top = open.size() - 1;
        superblock.rootBlocks[tree] = write(open.get(top));
        superblock.rootGenerations[tree] = generation;
        superblock.rootLevels[tree] = top;
    }
}
