package io.icecore.volume;

import io.icecore.store.Store;
import io.icecore.store.device.StoreException;
import io.icecore.store.tree.Seek;
import io.icecore.volume.map.Extent;
import io.icecore.volume.map.HistoryMap;

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
    private final HistoryMap history;
    private final Extent version = new Extent();
    private final Extent place = new Extent();
    private boolean passing;

    /** A leaf of the recent tree cannot be read: no pass gets beyond it. */
    private boolean damaged;

    /** Where the pass goes on: what comes first at or after (branch, chunk, birth). */
    private long branch;

    private long chunk;
    private long birth;

    RecentDrain(final Volumes volumes) {
        this.volumes = volumes;
        store = volumes.store();
        history = volumes.data().history();
    }

    /** Begins a pass if none is under way, due or not. */
    void begin() {
        if (!passing) {
            passing = true;
            branch = 0;
            chunk = 0;
            birth = 0;
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
        for (int i = 0; passing && i < VERSIONS_PER_STEP; i++) {
            switch (history.nextRecent(branch, chunk, birth, true, version)) {
                case UNREAD -> {
                    return false;
                }
                case NONE -> passing = false;
                case FOUND -> {
                    standAt(version);
                    if (history.seekOld(version, true, place) == Seek.UNREAD) {
                        return false;
                    }
                    volumes.changing();
                    history.drain(version);
                    volumes.changed();
                    birth++;
                }
            }
        }
        return true;
    }

    private void standAt(final Extent extent) {
        branch = extent.branch();
        chunk = extent.chunk();
        birth = extent.birth();
    }

    /** Without the lock. */
    private void readAhead() {
        try {
            if (history.nextRecent(branch, chunk, birth, false, version) == Seek.NONE) {
                return;
            }
        } catch (final StoreException ex) {
            passing = false;
            damaged = true;
            throw ex;
        }
        try {
            history.seekOld(version, false, place);
        } catch (final StoreException ex) {
            standAt(version);
            birth++; // It stays where it is.
            throw ex;
        }
    }
}
