package io.icecore.recovery.check;

import io.icecore.store.commit.OpenedStore;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.tree.TreeEntry;
import io.icecore.volume.map.Extent;
import java.util.ArrayList;
import java.util.List;

/**
 * Who owns the blocks of a range, and which of them the free-space map says are in use. Reads every node of the commit:
 * blocks do not know their owners.
 */
public final class RangeInspection {
    /** Blocks of a range that can be looked at in one go. */
    public static final int BLOCKS_MAX = 1 << 20;

    /**
     * @param block    first one, which may be before the range
     * @param checksum CRC-32C that the first block of the range has, or null where its owner keeps none
     */
    public record Owner(long block, long count, String what, Integer checksum) {}

    private final CommitReader commit;
    private final long first;
    private final long end;
    private final BlockAccount account;
    private final Findings findings = new Findings();
    private final List<Owner> owners = new ArrayList<>();

    /** @throws IllegalArgumentException for a range that is not within the store, or longer than {@value #BLOCKS_MAX} */
    public RangeInspection(final CommitReader commit, final long first, final long end) {
        if (first < 0 || first >= end || end > commit.blockCount() || end - first > BLOCKS_MAX) {
            throw new IllegalArgumentException("blocks: " + first + " to " + (end - 1) + " (expected: within 0 to "
                    + (commit.blockCount() - 1) + ")");
        }
        this.commit = commit;
        this.first = first;
        this.end = end;
        account = new BlockAccount(commit, findings);
        account.begin(first, end);
        new TreeWalk(commit, new Search()).all();
        for (final CommitReader.LocatedSpill spill : commit.spills(problem -> findings.add(Finding.of(problem)))) {
            own(spill.block(), 1, "spill node of the space log", null);
            account.log(spill.spill().entries());
        }
        account.log(commit.superblock().space);
    }

    /** In the order of the trees, one for each node or extent. */
    public List<Owner> owners() {
        return owners;
    }

    /** What of the commit could not be read: it may own blocks of the range, too. */
    public List<Finding> damage() {
        return findings.toList();
    }

    /** Whether the free-space map says that the block, which is in the range, is in use. */
    public boolean used(final long block) {
        return account.used(block);
    }

    private void own(final long block, final long count, final String what, final Integer checksum) {
        if (block < end && block + count > first) {
            owners.add(new Owner(block, count, what, checksum));
        }
    }

    private final class Search implements TreeWalk.Visitor {
        private final TreeEntry entry = new TreeEntry();
        private final Extent extent = new Extent();
        private long nodes;

        @Override
        public boolean node(final int tree, final int level, final long home, final NodePage page) {
            final String name = CommitReader.structure(tree, level) + ", generation " + page.generation();
            own(page.block(), 1, name, null);
            if (home != page.block()) {
                own(home, 1, "redirected to block " + page.block() + ": " + name, null);
            }
            for (int index = 0; level == 0 && index < page.count(); index++) {
                try {
                    entry(tree, page, index);
                } catch (final CorruptStoreException ex) {
                    findings.add(Finding.of(ex));
                }
            }
            return nodes++ < 2 * commit.blockCount(); // Damage may lead round in a circle of ever more paths.
        }

        private void entry(final int tree, final NodePage page, final int index) {
            if (tree == OpenedStore.SPACE) {
                entry.copy(page, index);
                account.segment(entry);
            } else if (OpenedStore.holdsExtents(tree)) {
                extent.read(page, index, OpenedStore.holdsHistory(tree));
                if (!extent.zeroes() && extent.block() < end && extent.block() + extent.length() > first) {
                    final long offset = Math.max(0, first - extent.block());
                    own(
                            extent.block(),
                            extent.length(),
                            CommitReader.treeName(tree) + " extent of " + extent,
                            extent.checksumOf(extent.chunk() + offset));
                }
            }
        }

        @Override
        public void damaged(final int tree, final int level, final long home, final StoreException problem) {
            own(home, 1, "damaged " + CommitReader.structure(tree, level), null);
            findings.add(
                    problem instanceof CorruptStoreException corrupt
                            ? Finding.of(corrupt)
                            : new Finding(CommitReader.structure(tree, level), problem.getMessage()));
        }
    }
}
