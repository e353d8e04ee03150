package io.icecore.volume;

import io.icecore.store.format.CorruptStoreException;
import io.icecore.volume.map.Extent;
import java.util.List;

/**
 * Removes what nothing needs any more: dead branches, the leftovers of discarded ones, deleted volumes. One bounded piece
 * at a time, each consistent by itself.
 */
final class Housekeeping {
    /** Leftover records removed under one hold of the lock. */
    private static final int LEFTOVERS_MAX = 256;

    private final Volumes volumes;
    private final SnapshotDeletion deletion;
    private final VolumeDeletion volumeDeletion;
    private final Inheritance inheritance;
    private final CatalogueTree tree;

    Housekeeping(
            final Volumes volumes,
            final SnapshotDeletion deletion,
            final VolumeDeletion volumeDeletion,
            final Inheritance inheritance) {
        this.volumes = volumes;
        this.deletion = deletion;
        this.volumeDeletion = volumeDeletion;
        this.inheritance = inheritance;
        tree = volumes.tree();
    }

    /** Does one piece of work; false when there was none. */
    boolean step() {
        if (!volumes.takeTidyDue()) {
            return false;
        }
        final boolean worked = volumes.change(this::tidyOne);
        if (worked) {
            volumes.tidyLater(); // There may be more.
        }
        return worked;
    }

    private boolean tidyOne() {
        for (boolean more = tree.nextId(CatalogueTree.BRANCH, 0);
                more;
                more = tree.nextId(CatalogueTree.BRANCH, tree.id() + 1)) {
            final long number = tree.id();
            if (tidy(volumes.branches().get(number))) {
                return true;
            }
            tree.nextId(CatalogueTree.BRANCH, number);
        }
        return false;
    }

    private boolean tidy(final Branch branch) {
        if (branch.dead()) {
            return branch.hasParent() ? release(branch) : bury(branch);
        }
        if (volumes.records().get(branch.volume).deleted && volumeDeletion.deleteSlice(branch)) {
            return true;
        }
        return inheritance.adoptionDue(branch);
    }

    /** At once: a dead branch is never read again. */
    private boolean release(final Branch branch) {
        final Branch parent = volumes.branches().withKept(branch.parentBranch);
        final long epoch = branch.parentEpoch;
        volumes.changing();
        volumes.branches().reparent(branch, 0, 0);
        deletion.childLeft(parent, epoch);
        return true;
    }

    /** Of a dead branch that reads through nothing. */
    private boolean bury(final Branch branch) {
        if (ReclaimRecord.load(tree, branch.number) != null) {
            return false; // The reclaimer is not through.
        }
        if (removeLeftovers(branch)) {
            return true;
        }
        final Extent left = new Extent();
        if (volumes.data().head().ceiling(branch.number, 0, left)
                || volumes.data().history().ceiling(branch.number, 0, 0, left)) {
            throw new CorruptStoreException(
                    "branch " + branch.number, -1, "reclaimed (expected: nothing left, not " + left + ")");
        }
        volumes.changing();
        volumes.branches().remove(branch);
        final List<Long> siblings = Branches.ofVolume(tree, branch.volume);
        if (siblings.isEmpty()) {
            volumes.records().remove(branch.volume);
        }
        return true;
    }

    /** Snapshot records and region bitmaps of a branch that was discarded as a whole. */
    private boolean removeLeftovers(final Branch branch) {
        volumes.changing();
        int count = 0;
        while (count < LEFTOVERS_MAX && tree.next(CatalogueTree.SNAPSHOT, branch.number, 0)) {
            final SnapshotRecord snapshot = SnapshotRecord.read(tree);
            if (!snapshot.hidden) {
                volumes.names().removeSnapshot(branch.volume, snapshot.name);
            }
            tree.remove(CatalogueTree.SNAPSHOT, branch.number, snapshot.epoch);
            count++;
        }
        count += volumes.regions().dropSome(branch.number, LEFTOVERS_MAX);
        volumes.changed();
        return count > 0;
    }
}
