package io.icecore.volume;

import io.icecore.store.Store;
import io.icecore.store.device.StoreException;
import io.icecore.store.tree.TreeEntry;

/**
 * Moves versions from the recent tree of the history to the old one, in passes in the order of keys.
 *
 * <p>A pass begins when the recent tree is so large, compared with the old one, that several versions go to each leaf on
 * average: one at a time a leaf would be written for each. It ends at the end of the recent tree; what comes meanwhile
 * behind it waits for the next. Nothing of it needs to be kept: a pass that a crash cuts off begins anew when one is due.
 */
final class RecentDrain {
    private static final int LEAVES_MIN = 16;
    private static final int LEAVES_MAX = 4096;

    /** Leaves of the old tree for each of the recent one: some eight versions for each of them. */
    private static final int OLD_PER_RECENT = 14;

    private static final int VERSIONS_PER_STEP = 64;

    private final Volumes volumes;
    private final Store store;
    private final TreeEntry version = new TreeEntry();
    private final TreeEntry neighbour = new TreeEntry();
    private boolean passing;

    /** A leaf of the recent tree cannot be read: no pass gets beyond it. */
    private boolean damaged;

    /** Where the pass goes on: what comes first at or after this key, hi and lo. */
    private final long[] key = new long[2];

    RecentDrain(final Volumes volumes) {
        this.volumes = volumes;
        store = volumes.store();
    }

    /** Begins a pass if none is under way, due or not. */
    void begin() {
        if (!passing) {
            passing = true;
            key[0] = 0;
            key[1] = 0;
        }
    }

    /**
     * Moves some; false when no pass is due.
     *
     * @throws StoreException where a leaf cannot be read: the next step goes on behind it
     */
    boolean step() {
        if (!passing) {
            if (damaged || store.recent().leavesEstimate() <= leavesWanted()) {
                return false;
            }
            begin();
        }
        if (!volumes.changeBehindOthers(this::drainSome)) {
            readAhead();
        }
        return true;
    }

    /** Whether a pass is under way. */
    boolean passing() {
        return passing;
    }

    private long leavesWanted() {
        return Math.max(LEAVES_MIN, Math.min(LEAVES_MAX, store.history().leavesEstimate() / OLD_PER_RECENT));
    }

    /** False when a leaf has to be read first. */
    private boolean drainSome() {
        store.requireRoom();
        int moved = 1;
        for (int left = VERSIONS_PER_STEP; moved > 0 && left > 0; left -= moved) {
            volumes.changing();
            moved = store.recent().moveTo(store.history(), key, left);
            volumes.changed();
        }
        passing = moved != 0;
        return moved >= 0;
    }

    /** Without the lock. */
    private void readAhead() {
        try {
            if (!store.recent().ceiling(key[0], key[1], version)) {
                return;
            }
        } catch (final StoreException ex) {
            passing = false;
            damaged = true;
            throw ex;
        }
        try {
            store.history().ceiling(version.hi(), version.lo(), neighbour);
        } catch (final StoreException ex) {
            key[0] = version.hi(); // It stays where it is.
            key[1] = version.lo() + 1;
            throw ex;
        }
    }
}
