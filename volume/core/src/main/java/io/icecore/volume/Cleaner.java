package io.icecore.volume;

import io.icecore.store.Store;
import io.icecore.store.space.StoreFullException;
import io.icecore.volume.map.Extent;
import io.icecore.volume.map.HeadMap;
import io.icecore.volume.map.HistoryMap;

/**
 * Empties segments when whole free ones run low, so that there is somewhere to write in long runs.
 *
 * <p>Nothing on the device says who owns a block. So one pass goes through the head and the history from end to end, and then
 * through the nodes of all trees, and moves whatever stands in one of the chosen segments; many segments share the cost of
 * the walk, which reads a hundredth of what is mapped at the worst.
 *
 * <p>That the entry of an extent is the same when it has been copied ({@link ExtentMover}) cannot be by chance: nothing is
 * allocated in those segments meanwhile.
 */
final class Cleaner {
    private static final int ENTRIES_LOOKED_AT_MAX = 2048;
    private static final int PARENTS_MAX = 16;

    private enum Phase {
        IDLE,
        HEAD,
        HISTORY,
        NODES
    }

    private final Store store;
    private final ExtentMover mover;
    private final HeadMap head;
    private final HistoryMap history;

    private Phase phase = Phase.IDLE;

    // Where the walk stands.
    private long branch;
    private long chunk;
    private long birth;
    private int tree;
    private final long[] key = new long[2];

    Cleaner(final Volumes volumes, final ExtentMover mover) {
        this.mover = mover;
        store = volumes.store();
        head = volumes.data().head();
        history = volumes.data().history();
    }

    /** Does one bounded piece of work; false when there is none. One thread. */
    boolean step() {
        switch (phase) {
            case IDLE -> {
                if (store.countSegments()) {
                    return true;
                }
                if (store.beginCleaning() == 0) {
                    return false;
                }
                begin(Phase.HEAD);
            }
            case HEAD, HISTORY -> moveExtents();
            case NODES -> moveNodes();
        }
        store.relieve();
        return true;
    }

    private void begin(final Phase next) {
        phase = next;
        branch = 0;
        chunk = 0;
        birth = 0;
        tree = 0;
        key[0] = 0;
        key[1] = 0;
    }

    private void end() {
        phase = Phase.IDLE;
        store.commit(); // Nodes move by being written.
        store.endCleaning();
    }

    private void moveExtents() {
        final boolean more = collect();
        if (mover.chunks() > 0) {
            try {
                mover.move(Integer.MAX_VALUE, () -> true);
            } catch (final StoreFullException ex) {
                end(); // No room to move anything: holes are filled from now on.
                return;
            }
        }
        if (!more) {
            begin(phase == Phase.HEAD ? Phase.HISTORY : Phase.NODES);
        }
    }

    /** Looks for extents to be moved, without the lock; false at the end of the tree. */
    private boolean collect() {
        mover.collect(phase == Phase.HEAD);
        for (int looked = 0; looked < ENTRIES_LOOKED_AT_MAX; looked++) {
            final Extent extent = mover.candidate();
            if (!next(extent)) {
                return false;
            }
            if (!extent.zeroes() && store.toBeMoved(extent.block(), extent.length()) && !mover.take()) {
                return true; // The next step begins with it.
            }
            branch = extent.branch();
            chunk = phase == Phase.HEAD ? extent.end() : extent.chunk();
            birth = extent.birth() + 1;
        }
        return true;
    }

    private boolean next(final Extent into) {
        return phase == Phase.HEAD ? head.next(branch, chunk, into) : history.next(branch, chunk, birth, into);
    }

    private void moveNodes() {
        for (int parents = 0; parents < PARENTS_MAX; parents++) {
            if (!store.moveNodes(tree, key)) {
                key[0] = 0;
                key[1] = 0;
                if (++tree == store.treeCount()) {
                    end();
                    return;
                }
            }
        }
    }
}
