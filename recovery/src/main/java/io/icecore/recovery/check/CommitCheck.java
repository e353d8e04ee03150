package io.icecore.recovery.check;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.commit.OpenedStore;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.tree.TreeEntry;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;

/**
 * The check of one commit: its trees in parts, several at once, each with findings of its own, which are put together in
 * the order of keys. So the report does not depend on which thread was faster.
 */
final class CommitCheck {
    /** The blocks of the commit that is looked at have been reused. */
    static final class OvertakenException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        OvertakenException() {
            super(null, null, false, false);
        }
    }

    private final CommitReader commit;
    private final Findings findings;
    private final BooleanSupplier overtaken;
    private final SideBySide threads;
    private final BlockAccount account;
    private final RedirectCheck redirects;
    private final VolumeFacts facts;
    private final Map<Long, Long> mapped = new HashMap<>();
    private final AtomicLong nodes = new AtomicLong();
    private final AtomicLong owned = new AtomicLong();

    /** The first range: everything is checked. In others only owners are looked for. */
    private boolean first = true;

    private volatile boolean damaged;
    private volatile boolean headDamaged;
    private volatile boolean uncertain;

    /** @param overtaken whether blocks of the commit may have been reused by now */
    CommitCheck(
            final CommitReader commit,
            final Findings findings,
            final BooleanSupplier overtaken,
            final SideBySide threads) {
        this.commit = commit;
        this.findings = findings;
        this.overtaken = overtaken;
        this.threads = threads;
        account = new BlockAccount(commit, findings);
        redirects = new RedirectCheck(commit.superblock(), findings);
        facts = new VolumeFacts(commit, findings);
    }

    /** @throws OvertakenException when it has to be done again, on a newer commit */
    CheckReport run(final long rangeBlocksMax, final CheckProgress progress) {
        redirects.table();
        for (long from = 0; from < commit.blockCount(); from += rangeBlocksMax) {
            account.begin(from, Math.min(commit.blockCount(), from + rangeBlocksMax));
            nodes.set(0);
            owned.set(account.referenced());
            progress.blocks(owned.get(), commit.superblock().usedBlocks);
            walkTrees(() -> {
                if (owned.get() > account.referenced()) {
                    progress.blocks(owned.get(), commit.superblock().usedBlocks);
                }
            });
            spaceLog();
            account.close();
            if (first) {
                redirects.parents(!damaged);
                uncertain |= !headDamaged && !facts.compareMapped(mapped, findings);
            }
            first = false;
        }
        if (uncertain && overtaken.getAsBoolean()) {
            throw new OvertakenException();
        }
        return CheckReport.of(commit.superblock().generation, account.total(), 0, findings);
    }

    private void walkTrees(final Runnable meanwhile) {
        final List<Part> parts = new ArrayList<>();
        for (int tree = 1; tree < CommitReader.treeCount(); tree++) {
            final Part top = new Part(null);
            for (final TreeWalk.Subtree subtree : new TreeWalk(commit, top).top(tree, threads.partsWanted())) {
                parts.add(new Part(subtree));
            }
            take(top);
        }
        threads.run(parts, meanwhile);
        parts.forEach(this::take);
    }

    /** What a part has found becomes part of the whole. */
    private void take(final Part part) {
        findings.addAll(part.own);
        uncertain |= part.volumes.uncertain();
        part.volumes.addMapped(mapped);
    }

    private void spaceLog() {
        final List<CommitReader.LocatedSpill> spills = commit.spills(problem -> {
            requireNotOvertaken();
            account.mapIsMissing();
            account.ownersAreMissing(); // Further spill nodes.
            if (first) {
                findings.add(Finding.of(problem));
            }
        });
        for (final CommitReader.LocatedSpill spill : spills) {
            account.own(spill.block(), 1, "spill node at block " + spill.block(), findings);
            account.log(spill.spill().entries());
        }
        account.log(commit.superblock().space);
    }

    /** Damage seen beside a writer may be reuse: exact generations make sure that it never goes unseen. */
    private void requireNotOvertaken() {
        if (overtaken.getAsBoolean()) {
            throw new OvertakenException();
        }
    }

    /** A node by its place, for messages that are seldom made. */
    private record NodeName(String prefix, int tree, int level, long block) {
        @Override
        public String toString() {
            return prefix + CommitReader.structure(tree, level) + " at block " + block;
        }
    }

    /** A part of a tree, walked by one thread. */
    private final class Part implements TreeWalk.Visitor, Callable<Void> {
        private final TreeWalk.Subtree subtree;
        private final Findings own = new Findings();
        private final VolumeCheck volumes = new VolumeCheck(facts, own);
        private final TreeEntry entry = new TreeEntry();

        Part(final TreeWalk.Subtree subtree) {
            this.subtree = subtree;
        }

        @Override
        public Void call() {
            if (first) {
                volumes.begin(subtree);
            }
            new TreeWalk(commit, this).walk(subtree);
            return null;
        }

        @Override
        public boolean node(final int tree, final int level, final long home, final NodePage page) {
            threads.requireGoingOn();
            boolean alone = own(page.block(), 1, new NodeName("", tree, level, page.block()));
            if (home != page.block()) {
                alone &= own(home, 1, new NodeName("redirected ", tree, level, home));
            }
            if (!alone || nodes.incrementAndGet() > commit.blockCount() * 2) {
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

        private boolean own(final long block, final int count, final Object owner) {
            owned.addAndGet(count);
            return account.own(block, count, owner, own);
        }

        private void leaf(final int tree, final NodePage page) {
            for (int index = 0; index < page.count(); index++) {
                try {
                    switch (tree) {
                        case OpenedStore.SPACE -> {
                            entry.copy(page, index);
                            account.segment(entry);
                        }
                        case OpenedStore.HEAD, OpenedStore.RECENT, OpenedStore.HISTORY -> extent(page, index);
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

        private void extent(final NodePage page, final int index) {
            volumes.extent(page, index);
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
            headDamaged |= tree == OpenedStore.HEAD;
            // Its own blocks have an owner, whatever is there.
            own(home, 1, new NodeName("", tree, level, home));
            final long block = commit.resolve(home, 0).block();
            if (block != home) {
                own(block, 1, new NodeName("", tree, level, block));
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
                own.add(finding);
            }
        }
    }
}
