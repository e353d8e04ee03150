package io.icecore.recovery.check;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.commit.OpenedStore;
import io.icecore.store.commit.SuperblockSlots;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.format.Superblock;
import io.icecore.store.format.UnknownFormatException;
import io.icecore.store.space.SlotGeometry;
import io.icecore.store.tree.TreeEntry;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Are the structures of a store consistent with each other? Read-only, also beside a daemon that writes: it stands on
 * one commit, and starts over on the newest when blocks of that one have been reused.
 *
 * <p>Checked: superblock copies; every node, and its place among the keys of its parents; redirects; the spill chain of the
 * space log; every block owned once and in use, or neither; extents; the catalogue; region bitmaps. Data is not read:
 * that is scrub's work.
 *
 * <p>Takes time in proportion to the trees and memory for two bits a block, of at most {@value #RANGE_BLOCKS_MAX} blocks
 * at a time: on a larger device the trees are read once for each such range.
 */
public final class StoreCheck {
    /** 2 TiB of the device, 128 MiB of memory. */
    static final long RANGE_BLOCKS_MAX = 1L << 29;

    private static final int ATTEMPTS_MAX = 20;
    private static final int NODES_PER_PROGRESS = 64;

    /** The blocks of the commit that is looked at have been reused. */
    private static final class OvertakenException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        OvertakenException() {
            super(null, null, false, false);
        }
    }

    private final BlockDevice device;
    private final CheckProgress progress;
    private final BooleanSupplier undisturbed;
    private final long rangeBlocksMax;

    /** Of a store that nobody writes, or whose writer knows nothing of this. */
    public StoreCheck(final BlockDevice device, final CheckProgress progress) {
        this(device, progress, () -> false);
    }

    /** @param undisturbed asked when something is wrong: whether the writer has reused no block since before this began */
    public StoreCheck(final BlockDevice device, final CheckProgress progress, final BooleanSupplier undisturbed) {
        this(device, progress, undisturbed, RANGE_BLOCKS_MAX);
    }

    StoreCheck(
            final BlockDevice device,
            final CheckProgress progress,
            final BooleanSupplier undisturbed,
            final long rangeBlocksMax) {
        this.device = device;
        this.progress = progress;
        this.undisturbed = undisturbed;
        this.rangeBlocksMax = rangeBlocksMax;
    }

    /**
     * @throws UnknownFormatException when this program does not know the format
     * @throws StoreException when a writer was always faster
     */
    public CheckReport run() {
        for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
            try {
                return checkNewest();
            } catch (final OvertakenException ex) {
                Thread.onSpinWait(); // Again, on what is the newest commit now.
            }
        }
        throw new StoreException(
                "store changes faster than it can be checked; " + ATTEMPTS_MAX + " attempts: " + device.name());
    }

    private CheckReport checkNewest() {
        final Findings findings = new Findings();
        final SlotGeometry geometry;
        final Superblock chosen;
        try {
            geometry = SuperblockSlots.find(device);
            chosen = new SuperblockCheck(device, geometry, findings).choose();
        } catch (final UnknownFormatException ex) {
            throw ex;
        } catch (final CorruptStoreException ex) {
            findings.add(Finding.of(ex));
            return CheckReport.of(0, new CheckReport.Blocks(0, 0, 0, 0), 0, findings);
        }
        if (findings.count() > 0) {
            confirm(geometry, findings);
        }
        return new Walk(new CommitReader(device, geometry, chosen), findings).check();
    }

    /** Slots are read one after the other, perhaps while a commit is being written: what is wrong with them stays wrong. */
    private void confirm(final SlotGeometry geometry, final Findings findings) {
        final Findings again = new Findings();
        new SuperblockCheck(device, geometry, again).choose();
        if (!again.toList().equals(findings.toList())) {
            throw new OvertakenException();
        }
    }

    /** The check of one commit. */
    private final class Walk implements TreeWalk.Visitor {
        private final CommitReader commit;
        private final Findings findings;
        private final BlockAccount account;
        private final RedirectCheck redirects;
        private final VolumeCheck volumes;
        private final TreeEntry entry = new TreeEntry();

        /** The first range: everything is checked. In others only owners are looked for. */
        private boolean first = true;

        private boolean damaged;
        private long nodes;
        private long owned;

        Walk(final CommitReader commit, final Findings findings) {
            this.commit = commit;
            this.findings = findings;
            account = new BlockAccount(commit, findings);
            redirects = new RedirectCheck(commit.superblock(), findings);
            volumes = new VolumeCheck(commit, findings);
        }

        CheckReport check() {
            redirects.table();
            for (long from = 0; from < commit.blockCount(); from += rangeBlocksMax) {
                account.begin(from, Math.min(commit.blockCount(), from + rangeBlocksMax));
                nodes = 0;
                owned = account.referenced();
                new TreeWalk(commit, this).all();
                spaceLog();
                account.close();
                if (first) {
                    redirects.parents(!damaged);
                    volumes.finish();
                }
                first = false;
            }
            if (volumes.uncertain() && overtaken()) {
                throw new OvertakenException();
            }
            return CheckReport.of(commit.superblock().generation, account.total(), 0, findings);
        }

        private void spaceLog() {
            final List<CommitReader.LocatedSpill> spills = commit.spills(problem -> {
                requireNotOvertaken();
                account.mapIsMissing();
                account.ownersAreMissing(); // Further spill nodes.
                report(Finding.of(problem));
            });
            for (final CommitReader.LocatedSpill spill : spills) {
                own(spill.block(), 1, "spill node at block " + spill.block());
                account.log(spill.spill().entries());
            }
            account.log(commit.superblock().space);
        }

        @Override
        public boolean node(final int tree, final int level, final long home, final NodePage page) {
            if (nodes++ % NODES_PER_PROGRESS == 0) {
                progress.blocks(owned, commit.superblock().usedBlocks);
            }
            boolean alone = own(page.block(), 1, named(tree, level, page.block()));
            if (home != page.block()) {
                alone &= own(home, 1, "redirected " + named(tree, level, home));
            }
            if (!alone || nodes > commit.blockCount() * 2) {
                damaged = true; // Reached twice: going on could go on for ever.
                account.ownersAreMissing();
                return false;
            }
            if (first && level > 0) {
                for (int child = 0; child < page.count(); child++) {
                    redirects.name(page.childBlock(child));
                }
            }
            if (level == 0) {
                leaf(tree, page);
            }
            return true;
        }

        private String named(final int tree, final int level, final long block) {
            return CommitReader.structure(tree, level) + " at block " + block;
        }

        private boolean own(final long block, final int count, final Object owner) {
            owned += count;
            return account.own(block, count, owner);
        }

        private void leaf(final int tree, final NodePage page) {
            for (int index = 0; index < page.count(); index++) {
                try {
                    switch (tree) {
                        case OpenedStore.SPACE -> {
                            entry.copy(page, index);
                            account.segment(entry);
                        }
                        case OpenedStore.HEAD, OpenedStore.HISTORY -> extent(tree, page, index);
                        default -> {
                            if (first) {
                                volumes.entry(tree, page, index);
                            }
                        }
                    }
                } catch (final CorruptStoreException ex) {
                    report(Finding.of(ex));
                    missing(tree);
                }
            }
        }

        private void extent(final int tree, final NodePage page, final int index) {
            volumes.extent(page, index, tree == OpenedStore.HISTORY);
            if (volumes.extent().block() != 0) {
                own(volumes.extent().block(), volumes.extent().length(), volumes.extent());
            }
            if (first) {
                volumes.checkExtent();
            }
        }

        @Override
        public void damaged(final int tree, final int level, final long home, final StoreException problem) {
            requireNotOvertaken();
            damaged = true;
            report(
                    problem instanceof CorruptStoreException corrupt
                            ? Finding.of(corrupt)
                            : Finding.at(
                                    CommitReader.structure(tree, level), home * BLOCK_LENGTH, problem.getMessage()));
            missing(tree);
            if (first) {
                volumes.treeDamaged(tree);
            }
            // Its own blocks have an owner, whatever is there.
            own(home, 1, named(tree, level, home));
            final long block = commit.resolve(home, 0).block();
            if (block != home) {
                own(block, 1, named(tree, level, block));
            }
        }

        private void missing(final int tree) {
            account.ownersAreMissing();
            if (tree == OpenedStore.SPACE) {
                account.mapIsMissing();
            }
        }

        private void report(final Finding finding) {
            if (first) {
                findings.add(finding);
            }
        }

        /** Damage seen beside a writer may be reuse: exact generations make sure that it never goes unseen. */
        private void requireNotOvertaken() {
            if (overtaken()) {
                throw new OvertakenException();
            }
        }

        private boolean overtaken() {
            return SuperblockCheck.newestGeneration(device, commit.geometry()) > commit.superblock().generation + 1
                    && !undisturbed.getAsBoolean();
        }
    }
}
