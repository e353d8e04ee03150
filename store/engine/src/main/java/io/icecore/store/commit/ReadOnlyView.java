package io.icecore.store.commit;

import io.icecore.store.format.Superblock;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * A store as a process sees it that only reads, while another may write: it stands at one generation and moves to the
 * newest when blocks of its own may have been reused.
 */
public final class ReadOnlyView {
    private static final long MOVING = -1;

    private final OpenedStore store;
    private CommitParticipant participant;

    /** The generation that every look-up sees, or {@link #MOVING} while some see the one before and some the next. */
    private volatile long standing;

    public ReadOnlyView(final OpenedStore store) {
        this.store = store;
        standing = store.current.generation;
        store.forest.onMismatch(this::refresh);
    }

    public void join(final CommitParticipant newParticipant) {
        participant = newParticipant;
    }

    /**
     * The generation that look-ups see. Equal numbers before and after say that all look-ups in between saw this one.
     * Waits for the end of a move, which reads nothing.
     */
    public long generation() {
        long now = standing;
        while (now == MOVING) {
            Thread.onSpinWait();
            now = standing;
        }
        return now;
    }

    /**
     * True while nothing reachable in generation {@code stamp} can have been overwritten: the newest commit is at most the
     * one after it. Otherwise moves on, so that the next look-up finds what is there now.
     */
    public boolean unchangedSince(final long stamp) {
        final Superblock newest = Opener.newestReadable(store.device, store.slots);
        if (newest.generation <= stamp + 1) {
            return true;
        }
        stand(newest);
        return false;
    }

    /** Moves to the newest generation; false when it already stands there. */
    public boolean refresh() {
        final Superblock newest = Opener.newestReadable(store.device, store.slots);
        if (newest.generation == store.current.generation) {
            return false;
        }
        stand(newest);
        return true;
    }

    private synchronized void stand(final Superblock newest) {
        if (newest.generation <= store.current.generation) {
            return;
        }
        standing = MOVING; // Before the first tree moves, until after the last: no look-up in between goes unnoticed.
        try {
            store.forest.load(newest);
            store.current = newest;
            if (participant != null) {
                participant.loadNotes(new UnsafeBuffer(newest.notes), newest.notes.length);
            }
        } finally {
            standing = store.current.generation;
        }
    }
}
