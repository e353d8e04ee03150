package io.icecore.volume;

import io.icecore.store.Store;
import io.icecore.volume.map.Extent;
import io.icecore.volume.map.Lineage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.agrona.collections.Long2ObjectHashMap;

/**
 * The branches in use, each once. Under the store's lock, except {@link #lineage}.
 *
 * <p>Three counters of a branch change with every write. To rewrite its record with every flush would cost a leaf, so
 * branches whose counters differ from their records are listed as <em>restless</em>: a few of them travel in the notes of
 * each commit, many are written to their records.
 */
final class Branches {
    private final Store store;
    private final CatalogueTree tree;
    private final Runnable beforeLook;
    private final Long2ObjectHashMap<Branch> branches = new Long2ObjectHashMap<>();
    private final Set<Branch> restless = new HashSet<>();

    /** Counters from the notes, of branches that have not been asked for since the store was opened. */
    private final Map<Long, long[]> unclaimed = new HashMap<>();

    private final Map<Long, Lineage> lineages = new ConcurrentHashMap<>();

    /** @param beforeLook takes over a generation that was opened meanwhile */
    Branches(final Store store, final CatalogueTree tree, final Runnable beforeLook) {
        this.store = store;
        this.beforeLook = beforeLook;
        this.tree = tree;
    }

    Branch get(final long number) {
        Branch branch = branches.get(number);
        if (branch == null) {
            branch = Branch.load(tree, number);
            final long[] counters = unclaimed.remove(number);
            if (counters != null) {
                branch.writtenChunks = counters[0];
                branch.diedChunks = counters[1];
                branch.mappedChunks = counters[2];
                restless.add(branch);
            }
            branches.put(number, branch);
        }
        return branch;
    }

    Branch withKept(final long number) {
        return get(number).withKept(tree);
    }

    /** A new branch, on a kept snapshot or on nothing ({@code parentBranch} 0). The caller writes it. */
    Branch create(final long volume, final long parentBranch, final long parentEpoch) {
        final long number = Numbers.takeBranch(tree);
        final Branch branch = new Branch(number, volume);
        branch.parentBranch = parentBranch;
        branch.parentEpoch = parentEpoch;
        branches.put(number, branch);
        tree.write();
        tree.put(CatalogueTree.VOLUME_BRANCH, volume, number);
        if (parentBranch != 0) {
            putChild(parentBranch, parentEpoch, number);
        }
        return branch;
    }

    /** The record of the branch holds everything again. */
    void write(final Branch branch) {
        branch.write(tree);
        restless.remove(branch);
    }

    /** Its counters have changed. */
    void touch(final Branch branch) {
        restless.add(branch);
    }

    /** The branch is gone, records and all. */
    void remove(final Branch branch) {
        tree.remove(CatalogueTree.BRANCH, branch.number, 0);
        tree.remove(CatalogueTree.VOLUME_BRANCH, branch.volume, branch.number);
        branches.remove(branch.number);
        restless.remove(branch);
        lineages.remove(branch.number);
    }

    // ---- children

    private void putChild(final long parent, final long epoch, final long child) {
        tree.write().putInt(epoch);
        tree.put(CatalogueTree.CHILD, parent, child);
    }

    /** Moves a child to another parent, or to none ({@code parentBranch} 0). */
    void reparent(final Branch child, final long parentBranch, final long parentEpoch) {
        tree.remove(CatalogueTree.CHILD, child.parentBranch, child.number);
        child.parentBranch = parentBranch;
        child.parentEpoch = parentBranch == 0 ? 0 : parentEpoch;
        if (parentBranch != 0) {
            putChild(parentBranch, parentEpoch, child.number);
        }
        write(child);
        lineages.clear();
    }

    /** Numbers of the branches that stand on snapshots of this one, with the epochs they stand on. */
    Map<Long, Long> children(final long number) {
        final Map<Long, Long> children = new HashMap<>();
        for (boolean more = tree.next(CatalogueTree.CHILD, number, 0);
                more;
                more = tree.next(CatalogueTree.CHILD, number, tree.sub() + 1)) {
            children.put(tree.sub(), tree.read("child branch").getInt());
        }
        return children;
    }

    /** Numbers of a volume's branches, oldest first. */
    static List<Long> ofVolume(final CatalogueTree tree, final long volume) {
        final List<Long> numbers = new ArrayList<>();
        for (boolean more = tree.next(CatalogueTree.VOLUME_BRANCH, volume, 0);
                more;
                more = tree.next(CatalogueTree.VOLUME_BRANCH, volume, tree.sub() + 1)) {
            numbers.add(tree.sub());
        }
        return numbers;
    }

    // ---- lineages

    /** What the head of the branch reads through. Takes the lock only the first time, and after a parent has changed. */
    Lineage lineage(final Long number) {
        final Lineage known = lineages.get(number);
        if (known != null) {
            return known;
        }
        store.lock();
        try {
            final long stamp = store.stamp();
            beforeLook.run();
            final List<Long> numbers = new ArrayList<>(List.of(number));
            final List<Long> epochs = new ArrayList<>(List.of(Extent.HEAD));
            for (Branch at = get(number); at.hasParent(); at = get(at.parentBranch)) {
                numbers.add(at.parentBranch);
                epochs.add(at.parentEpoch);
            }
            final Lineage lineage = new Lineage(
                    numbers.stream().mapToLong(Long::longValue).toArray(),
                    epochs.stream().mapToLong(Long::longValue).toArray());
            lineages.put(number, lineage);
            if (store.readOnly() && store.stamp() != stamp) {
                lineages.remove(number); // What was forgotten meanwhile is not to come back.
            }
            return lineage;
        } finally {
            store.unlock();
        }
    }

    static NoSuchException deleted(final String name) {
        return new NoSuchException("deleted by the process that writes the store: " + name);
    }

    /** Throws {@link NoSuchException} unless the head or the snapshot can be read: a writer may have deleted it. */
    void requireReadable(final String name, final long number, final long epoch) {
        store.lock();
        try {
            beforeLook.run();
            final Branch branch = get(number);
            final boolean readable = epoch == Extent.HEAD
                    ? branch.head
                    : !branch.discarded
                            && tree.get(CatalogueTree.SNAPSHOT, number, epoch)
                            && !SnapshotRecord.readHidden(tree); // Kept for a clone, to which its versions move.
            if (!readable) {
                throw deleted(name);
            }
        } finally {
            store.unlock();
        }
    }

    /** Another generation has been opened. Takes no lock. */
    void forgetLineages() {
        lineages.clear();
    }

    // ---- the notes

    Set<Branch> restless() {
        return restless;
    }

    Map<Long, long[]> unclaimed() {
        return unclaimed;
    }

    /** Writes the records of all restless branches. */
    void settleAll() {
        List.copyOf(unclaimed.keySet()).forEach(this::get);
        List.copyOf(restless).forEach(this::write);
    }

    /** Forgets everything read so far: another generation has been opened. */
    void clear() {
        branches.clear();
        restless.clear();
        unclaimed.clear();
        lineages.clear();
    }
}
