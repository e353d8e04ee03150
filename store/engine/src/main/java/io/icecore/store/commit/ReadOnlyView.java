package io.icecore.store.commit;

import io.icecore.store.format.Superblock;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * A store as a process sees it that only reads, while another may write: it stands at one generation and moves to the
 * newest when blocks of its own may have been reused.
 */
public final class ReadOnlyView {
    private final OpenedStore store;
    private CommitParticipant participant;

    public ReadOnlyView(final OpenedStore store) {
        this.store = store;
        store.forest.onMismatch(this::refresh);
    }

    public void join(final CommitParticipant newParticipant) {
        participant = newParticipant;
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
        store.forest.load(newest);
        store.current = newest;
        if (participant != null) {
            participant.loadNotes(new UnsafeBuffer(newest.notes), newest.notes.length);
        }
    }
}
