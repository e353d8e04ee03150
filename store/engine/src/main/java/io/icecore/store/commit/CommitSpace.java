package io.icecore.store.commit;

import io.icecore.store.space.BlockRun;
import io.icecore.store.tree.NodeSpace;

/** Blocks for nodes: from the reserve if need be, and settled at once, for they are part of the commit being built. */
final class CommitSpace implements NodeSpace {
    private final OpenedStore store;

    CommitSpace(final OpenedStore store) {
        this.store = store;
    }

    @Override
    public long allocateNode() {
        final long block = BlockRun.block(store.space.allocate(1, 0));
        store.space.settle(block, 1);
        return block;
    }

    @Override
    public void free(final long block, final int count) {
        store.uncovered.remove(block, count);
        store.space.free(block, count);
    }
}
