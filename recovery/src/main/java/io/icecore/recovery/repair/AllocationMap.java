package io.icecore.recovery.repair;

import io.icecore.recovery.check.CommitReader;
import io.icecore.recovery.check.TreeWalk;
import io.icecore.store.commit.OpenedStore;
import io.icecore.store.commit.SpaceTree;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.tree.TreeEntry;

/** Reads which blocks a commit has allocated, if all of that can be read. */
final class AllocationMap implements TreeWalk.Visitor {
    private final CommitReader commit;
    private final BlockBits bits;
    private final TreeEntry entry = new TreeEntry();
    private boolean damaged;

    private AllocationMap(final CommitReader commit) {
        this.commit = commit;
        bits = new BlockBits(commit.blockCount());
    }

    /** Null where a part of it is damaged. */
    static BlockBits read(final CommitReader commit) {
        final AllocationMap map = new AllocationMap(commit);
        new TreeWalk(commit, map).walk(OpenedStore.SPACE);
        commit.spills(problem -> map.damaged = true)
                .forEach(spill -> map.log(spill.spill().entries()));
        map.log(commit.superblock().space);
        return map.damaged ? null : map.bits;
    }

    @Override
    public boolean node(final int tree, final int level, final long home, final NodePage page) {
        for (int index = 0; level == 0 && index < page.count(); index++) {
            try {
                entry.copy(page, index);
                segment(entry.b());
            } catch (final CorruptStoreException ex) {
                damaged = true;
            }
        }
        return true;
    }

    private void segment(final long segment) {
        final int blocks = commit.geometry().segmentBlocks();
        final long[] words = new long[blocks / 64];
        SpaceTree.decode(entry, segment, blocks, words);
        for (int bit = 0; bit < blocks; bit++) {
            if ((words[bit >> 6] >>> bit & 1) != 0) {
                mark(segment * blocks + bit, true);
            }
        }
    }

    private void log(final long[] entries) {
        for (int i = 0; i < entries.length; i += 2) {
            for (long block = entries[i]; block < entries[i] + Math.abs(entries[i + 1]); block++) {
                mark(block, entries[i + 1] > 0);
            }
        }
    }

    private void mark(final long block, final boolean allocated) {
        if (block < 0 || block >= bits.blockCount()) {
            damaged = true;
        } else if (allocated) {
            bits.set(block);
        } else {
            bits.clear(block);
        }
    }

    @Override
    public void damaged(final int tree, final int level, final long home, final StoreException problem) {
        damaged = true;
    }
}
