package io.icecore.volume;

import java.util.ArrayList;
import java.util.List;

/**
 * Deletes volumes. The mark is one commit, however many snapshots there are: the name goes, branches that nothing stands
 * on are discarded as a whole. Of a branch with children on it, the head goes, and {@link Housekeeping} deletes its
 * snapshots in slices; those with children stay, hidden, until the children have left.
 */
final class VolumeDeletion {
    private final Volumes volumes;
    private final SnapshotDeletion deletion;
    private final Attributes attributes;

    VolumeDeletion(final Volumes volumes, final SnapshotDeletion deletion, final Attributes attributes) {
        this.volumes = volumes;
        this.deletion = deletion;
        this.attributes = attributes;
    }

    void delete(final String name) {
        volumes.changeDurably(() -> {
            final VolumeRecord volume = volumes.volume(name);
            final List<Branch> branches = new ArrayList<>();
            for (final long number : Branches.ofVolume(volumes.tree(), volume.id)) {
                branches.add(volumes.branches().get(number));
            }
            for (final Branch branch : branches) {
                if (volumes.open().isAnyOpen(branch.number)) {
                    throw new BusyException("volume is exported: " + name);
                }
                if (branch.heldCount > 0) {
                    throw new BusyException("volume has held snapshots: " + name);
                }
            }
            for (final Branch branch : branches) {
                branch.withKept(volumes.tree());
            }
            volumes.changing();
            volumes.names().removeVolume(name);
            attributes.removeAll(volume.id);
            volume.deleted = true;
            volume.write(volumes.tree());
            branches.forEach(this::delete);
            volumes.tidyLater();
            return null;
        });
    }

    private void delete(final Branch branch) {
        if (volumes.branches().children(branch.number).isEmpty()) {
            deletion.discard(branch);
        } else if (branch.head) {
            deletion.remove(branch, new long[0], true);
        }
    }

    /** Deletes the next slice of visible snapshots of a branch of a deleted volume; false when there is none. */
    boolean deleteSlice(final Branch branch) {
        if (branch.visibleCount() == 0) {
            return false;
        }
        final CatalogueTree tree = volumes.tree();
        final List<Long> slice = new ArrayList<>();
        for (boolean more = tree.next(CatalogueTree.SNAPSHOT, branch.number, 0);
                more && slice.size() < SnapshotDeletion.SLICE_LENGTH;
                more = tree.next(CatalogueTree.SNAPSHOT, branch.number, tree.sub() + 1)) {
            if (!SnapshotRecord.readHidden(tree)) {
                slice.add(tree.sub());
            }
        }
        volumes.changing();
        deletion.mark(branch.withKept(tree), slice, false);
        return true;
    }
}
