package io.icecore.recovery.check;

import io.icecore.store.commit.OpenedStore;
import io.icecore.store.device.StoreException;
import io.icecore.store.tree.Forest;
import io.icecore.store.tree.Key;
import io.icecore.store.tree.Tree;
import io.icecore.store.tree.TreeEntry;
import io.icecore.volume.RegionBitmap;
import io.icecore.volume.VolumeNotes;

/** Which regions are set in a bitmap. */
final class RegionLookup {
    /** In place of an epoch: the regions that the reclaimer has to visit. */
    static final long CANDIDATES = 0;

    private final Tree tree;
    private final VolumeNotes notes;
    private final TreeEntry entry = new TreeEntry();

    /** @param notes of the commit: what was set in heads lately */
    RegionLookup(final Forest forest, final VolumeNotes notes) {
        tree = forest.tree(OpenedStore.REGIONS);
        this.notes = notes;
    }

    /** First chunk of the range that is not set in the bitmap of the epoch, or -1. */
    long firstClear(final long branch, final long epoch, final boolean head, final long from, final long end) {
        if (all(branch, epoch, from, end)) {
            return -1;
        }
        for (long chunk = from; chunk < end; chunk++) {
            if (!all(branch, epoch, chunk, chunk + 1) && !(head && inNotes(branch, chunk))) {
                return chunk;
            }
        }
        return -1;
    }

    boolean any(final long branch, final long epoch, final long from, final long end) {
        for (long chunk = from; chunk < end; chunk++) {
            if (all(branch, epoch, chunk, chunk + 1)) {
                return true;
            }
        }
        return false;
    }

    private boolean all(final long branch, final long epoch, final long from, final long end) {
        final long container = from >>> RegionBitmap.CONTAINER_SHIFT;
        if (container != end - 1 >>> RegionBitmap.CONTAINER_SHIFT || container > Key.C_MAX) {
            return false;
        }
        try {
            return tree.get(Key.hi(branch, epoch), Key.lo(epoch, container), entry)
                    && RegionBitmap.encodedHasAll(
                            entry.value, 0, entry.length(), regionOf(from), regionOf(end - 1) + 1);
        } catch (final StoreException ex) {
            throw new CatalogueLookup.UnknownException();
        }
    }

    private static int regionOf(final long chunk) {
        return (int) (chunk & RegionBitmap.REGIONS - 1);
    }

    private boolean inNotes(final long branch, final long chunk) {
        for (final VolumeNotes.Run run : notes.regions()) {
            if (run.branch() == branch && run.from() <= chunk && chunk < run.end()) {
                return true;
            }
        }
        return false;
    }
}
