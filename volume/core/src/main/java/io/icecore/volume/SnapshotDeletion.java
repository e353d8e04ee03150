package io.icecore.volume;

import io.icecore.store.tree.Key;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * The first half of deletion, the mark: snapshots vanish for users in one commit, and what the reclaimer will have to
 * visit is noted in the branch's deletion record.
 *
 * <p>The line of a branch is its kept snapshots, oldest first, then its head or, when it is headless, TOP. A maximal run
 * of removed items stands between a kept item before it (or none) and a kept item after it:
 * <pre>
 *   ... before | x1 x2 ... xk | next ...
 * </pre>
 * A version that nobody needs any more was born in (before, xk] and died in (x1, next], so its region is set in at least
 * two of the bitmaps of x1 ... xk and next: those regions are the candidates. The oldest item's bitmap is all ones.
 *
 * <p>The written and died counters are carried over a run so that their definitions hold again once the reclaimer is
 * through.
 */
final class SnapshotDeletion {
    /** Snapshots marked in one commit. */
    static final int SLICE_LENGTH = 1000;

    private final Volumes volumes;
    private final SnapshotLookup lookup;
    private final CatalogueTree tree;
    private final Reclaimer reclaimer;

    SnapshotDeletion(final Volumes volumes, final SnapshotLookup lookup, final Reclaimer reclaimer) {
        this.volumes = volumes;
        this.lookup = lookup;
        this.reclaimer = reclaimer;
        tree = volumes.tree();
    }

    /** Deletes them all, or none when one of them cannot be deleted. */
    void delete(final Collection<Snapshot> snapshots) {
        final List<Snapshot> all = List.copyOf(snapshots);
        if (all.size() > SLICE_LENGTH) { // With fewer the one slice checks before it changes.
            for (final List<Snapshot> slice : slices(all)) {
                volumes.look(() -> check(slice, true));
            }
        }
        all.stream().mapToLong(Snapshot::branch).distinct().forEach(volumes::readKept);
        boolean first = true;
        for (final List<Snapshot> slice : slices(all)) {
            final boolean strict = first;
            volumes.changeDurably(() -> {
                final TreeMap<Long, TreeSet<Long>> byBranch = check(slice, strict);
                volumes.changing();
                byBranch.forEach((branch, epochs) -> mark(volumes.branches().withKept(branch), epochs, false));
                return null;
            });
            first = false;
        }
    }

    private static List<List<Snapshot>> slices(final List<Snapshot> all) {
        final int count = (all.size() + SLICE_LENGTH - 1) / SLICE_LENGTH;
        return IntStream.range(0, count)
                .mapToObj(i -> all.subList(i * SLICE_LENGTH, Math.min(all.size(), (i + 1) * SLICE_LENGTH)))
                .toList();
    }

    /** @param strict also refuse what does not exist; else it was deleted while earlier slices were */
    private TreeMap<Long, TreeSet<Long>> check(final List<Snapshot> snapshots, final boolean strict) {
        final TreeMap<Long, TreeSet<Long>> byBranch = new TreeMap<>();
        for (final Snapshot snapshot : snapshots) {
            try {
                final SnapshotRecord record = lookup.current(snapshot);
                if (!record.holds.isEmpty()) {
                    throw new BusyException("snapshot is held: " + snapshot.spec() + " by " + record.holds);
                }
                if (volumes.open().isOpen(record.branch, record.epoch)) {
                    throw new BusyException("snapshot is exported: " + snapshot.spec());
                }
                byBranch.computeIfAbsent(record.branch, branch -> new TreeSet<>())
                        .add(record.epoch);
            } catch (final NoSuchException ex) {
                if (strict) {
                    throw ex;
                }
            }
        }
        return byBranch;
    }

    /**
     * Takes visible snapshots out of the line; those on which branches stand become hidden. Under the lock, all checks
     * made.
     *
     * @param head also the head: the branch becomes headless
     */
    void mark(final Branch branch, final Collection<Long> epochs, final boolean head) {
        final Set<Long> withChildren =
                new HashSet<>(volumes.branches().children(branch.number).values());
        final TreeSet<Long> gone = new TreeSet<>();
        for (final long epoch : epochs) {
            if (withChildren.contains(epoch)) {
                hide(branch, epoch);
            } else {
                gone.add(epoch);
            }
        }
        remove(branch, gone.stream().mapToLong(Long::longValue).toArray(), head);
    }

    private void hide(final Branch branch, final long epoch) {
        final SnapshotRecord record = SnapshotRecord.load(tree, branch.number, epoch);
        volumes.names().removeSnapshot(branch.volume, record.name);
        record.hidden = true;
        record.write(tree);
        branch.hiddenCount++;
    }

    /** Takes kept snapshots, visible or hidden, and the head out of the line. Under the lock. */
    void remove(final Branch branch, final long[] gone, final boolean head) {
        branch.withKept(tree);
        volumes.regions().fold(branch.number);
        final ReclaimRecord known = ReclaimRecord.load(tree, branch.number);
        final ReclaimRecord record = known == null ? new ReclaimRecord(branch.number) : known;
        boolean headRemoved = false;
        int at = 0;
        while (at < gone.length) {
            final int first = branch.ordinalOf(gone[at]);
            int last = first;
            while (++at < gone.length && last + 1 < branch.keptCount() && branch.kept(last + 1) == gone[at]) {
                last++;
            }
            final boolean withHead = head && last == branch.keptCount() - 1;
            removeRun(branch, record, first, last, withHead);
            headRemoved |= withHead;
        }
        if (head && !headRemoved) {
            removeRun(branch, record, branch.keptCount(), branch.keptCount() - 1, true);
        }
        removeRecords(branch, gone);
        branch.unkeep(gone);
        branch.head = branch.head && !head;
        volumes.branches().write(branch);
        if (record.scansAll() || volumes.regions().nextContainer(branch.number, Regions.CANDIDATES, 0) >= 0) {
            record.write(tree);
        }
        if (!branch.head) {
            volumes.tidyLater(); // It may be due for adoption or burial, and with nothing to reclaim nobody else says
            // so.
        }
        reclaimer.marked(branch.number);
    }

    /** @param first ordinal of the first removed snapshot; after {@code last} when the run is the head alone */
    private void removeRun(
            final Branch branch, final ReclaimRecord record, final int first, final int last, final boolean withHead) {
        final int count = last - first + 1;
        final long[] run = new long[count + (withHead ? 1 : 0)];
        for (int i = 0; i < count; i++) {
            run[i] = branch.kept(first + i);
        }
        if (withHead) {
            run[count] = branch.epoch;
        }
        final long next;
        if (withHead || last == branch.keptCount() - 1 && !branch.head) {
            next = Regions.TOP;
        } else {
            next = last == branch.keptCount() - 1 ? branch.epoch : branch.kept(last + 1);
        }
        final Regions regions = volumes.regions();
        if (first > 0) {
            regions.removeRun(branch.number, run, next);
        } else if (next == Regions.TOP) {
            Arrays.stream(run).forEach(epoch -> regions.drop(branch.number, epoch));
            regions.drop(branch.number, Regions.CANDIDATES);
            record.includeAll();
        } else {
            Arrays.stream(run).forEach(epoch -> regions.moveToCandidates(branch.number, epoch));
            regions.moveToCandidates(branch.number, next); // The oldest now: all ones from here on.
        }
        record.includeBirths(first == 0 ? 0 : branch.kept(first - 1) + 1, run[run.length - 1]);
        carryCounters(branch, record, first, last, next);
    }

    private void carryCounters(
            final Branch branch, final ReclaimRecord record, final int first, final int last, final long next) {
        long written = next == Regions.TOP && branch.head ? branch.writtenChunks : 0;
        long died = 0;
        for (int i = first; i <= last; i++) {
            final SnapshotRecord gone = SnapshotRecord.load(tree, branch.number, branch.kept(i));
            written += gone.writtenChunks;
            died += gone.epoch == branch.newest() ? branch.diedChunks : gone.diedChunks;
        }
        final boolean newestGone = first <= last && last == branch.keptCount() - 1;
        if (first > 0 && first <= last) {
            final SnapshotRecord before = SnapshotRecord.load(tree, branch.number, branch.kept(first - 1));
            before.diedChunks += died;
            before.write(tree);
            if (newestGone) {
                branch.diedChunks = before.diedChunks; // It is the newest now.
            }
        } else if (newestGone) {
            branch.diedChunks = 0;
        }
        if (next == branch.epoch) {
            branch.writtenChunks += written;
        } else if (next != Regions.TOP) {
            final SnapshotRecord after = SnapshotRecord.load(tree, branch.number, next);
            after.writtenChunks += written;
            after.write(tree);
        }
        if (next == Regions.TOP) {
            record.pendingChunks += first == 0 ? written + died : written;
        } else {
            record.pendingChunks += first == 0 ? died : Math.min(died, written);
        }
    }

    private void removeRecords(final Branch branch, final long[] gone) {
        for (final long epoch : gone) {
            final SnapshotRecord record = SnapshotRecord.load(tree, branch.number, epoch);
            if (record.hidden) {
                branch.hiddenCount--;
            } else {
                volumes.names().removeSnapshot(branch.volume, record.name);
            }
            tree.remove(CatalogueTree.SNAPSHOT, branch.number, epoch);
        }
    }

    /** Takes everything out of the line at once: nothing of the branch is needed. Under the lock. */
    void discard(final Branch branch) {
        assert volumes.branches().children(branch.number).isEmpty();
        final ReclaimRecord known = ReclaimRecord.load(tree, branch.number);
        final ReclaimRecord record = known == null ? new ReclaimRecord(branch.number) : known;
        record.includeAll();
        record.includeBirths(0, Key.C_MAX);
        record.pendingChunks += branch.mappedChunks + branch.diedChunks;
        record.write(tree);
        volumes.regions().forget(branch.number);
        branch.discardAll();
        volumes.branches().write(branch);
        reclaimer.marked(branch.number);
    }

    /** The snapshot's last child may have left: a hidden one is not needed then. Under the lock. */
    void childLeft(final Branch parent, final long epoch) {
        if (!volumes.branches().children(parent.number).containsValue(epoch)
                && SnapshotRecord.load(tree, parent.number, epoch).hidden) {
            remove(parent, new long[] {epoch}, false);
        }
    }
}
