package io.icecore.volume;

import io.icecore.volume.map.Extent;
import io.icecore.volume.map.HeadMap;
import io.icecore.volume.map.HistoryMap;

/**
 * Brings the leaves that somebody will visit under the lock into memory without it: by looking up the next few versions from
 * where the visit came to a leaf that was not there. To be noted under the lock, run without it, by one thread.
 */
final class WalkAhead {
    private static final int VERSIONS = 64;

    private final HeadMap head;
    private final HistoryMap history;
    private final VersionWalk walk;
    private final Extent extent = new Extent();
    private Runnable noted;

    WalkAhead(final HeadMap head, final HistoryMap history) {
        this.head = head;
        this.history = history;
        walk = new VersionWalk(head, history);
    }

    void clear() {
        noted = null;
    }

    boolean isNoted() {
        return noted != null;
    }

    /** Notes that a walk over candidates cannot go on. They do not change until the run. */
    void note(final VersionWalk from, final RegionBitmap candidates) {
        walk.startAt(from);
        noted = () -> {
            VersionWalk.Step step = VersionWalk.Step.FOUND;
            for (int i = 0; i < VERSIONS && step == VersionWalk.Step.FOUND; i++) {
                step = walk.next(candidates, extent);
            }
        };
    }

    void noteHistory(final long branch, final long chunk, final long birth) {
        noted = () -> {
            boolean more = history.ceiling(branch, chunk, birth, extent);
            for (int i = 1; i < VERSIONS && more; i++) {
                more = history.ceiling(branch, extent.chunk(), extent.birth() + 1, extent);
            }
        };
    }

    void noteHead(final long branch, final long chunk) {
        noted = () -> {
            boolean more = head.ceiling(branch, chunk, extent);
            for (int i = 1; i < VERSIONS && more; i++) {
                more = head.ceiling(branch, extent.end(), extent);
            }
        };
    }

    /** Reads. Damage that it meets is thrown. */
    void run() {
        noted.run();
    }
}
