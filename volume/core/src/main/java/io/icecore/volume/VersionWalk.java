package io.icecore.volume;

import io.icecore.store.tree.Seek;
import io.icecore.volume.map.Extent;
import io.icecore.volume.map.HeadMap;
import io.icecore.volume.map.HistoryMap;

/**
 * Walks the versions that start in the candidate regions of one container and were born in a range of epochs: first the
 * history, then, of a headless branch, the head.
 *
 * <p>Leaps in both directions: from a candidate region to the next entry, and from an entry to the next candidate region;
 * and within a region to the first birth of the range. So neither an empty region nor an old version costs a seek.
 */
final class VersionWalk {
    enum Step {
        FOUND,
        /** Nothing left. */
        END,
        /** Seeks have been spent; go on with the next call. */
        PAUSED,
        /** As PAUSED: what comes next has to be read from the device, see {@link #patient}. */
        UNREAD
    }

    private static final int SEEKS_MAX = 256;

    private final HeadMap head;
    private final HistoryMap history;
    private long branch;
    private long base;
    private long birthMin;
    private long birthMax;
    private boolean withHead;
    private boolean inHead;
    private int region;
    private long birth;
    private boolean patient;

    VersionWalk(final HeadMap head, final HistoryMap history) {
        this.head = head;
        this.history = history;
    }

    void start(
            final long branch, final long container, final long birthMin, final long birthMax, final boolean withHead) {
        this.branch = branch;
        this.birthMin = birthMin;
        this.birthMax = birthMax;
        this.withHead = withHead;
        base = container << RegionBitmap.CONTAINER_SHIFT;
        inHead = false;
        region = 0;
        birth = birthMin;
    }

    /** Stands where the other one does. */
    void startAt(final VersionWalk other) {
        branch = other.branch;
        birthMin = other.birthMin;
        birthMax = other.birthMax;
        withHead = other.withHead;
        base = other.base;
        inHead = other.inHead;
        region = other.region;
        birth = other.birth;
    }

    /** Whether a step rather pauses than read from the device: for a walk under the store's lock. */
    void patient(final boolean pauses) {
        patient = pauses;
    }

    boolean inHead() {
        return inHead;
    }

    /** Regions before this one have nothing left to visit. */
    int doneBefore() {
        return withHead && !inHead ? 0 : region;
    }

    Step next(final RegionBitmap candidates, final Extent into) {
        for (int seeks = 0; seeks < SEEKS_MAX; seeks++) {
            toCandidate(candidates);
            if (region < RegionBitmap.REGIONS) {
                final Seek seek = inHead
                        ? head.ceiling(branch, base + region, patient, into)
                        : history.ceiling(branch, base + region, birth, patient, into);
                if (seek == Seek.UNREAD) {
                    return Step.UNREAD;
                }
                if (seek == Seek.NONE || into.chunk() >= base + RegionBitmap.REGIONS) {
                    moveTo(RegionBitmap.REGIONS);
                } else if (inHead ? stepInHead(into) : stepInHistory(into)) {
                    return Step.FOUND;
                }
            }
            if (region >= RegionBitmap.REGIONS) {
                if (inHead || !withHead) {
                    return Step.END;
                }
                inHead = true;
                moveTo(0);
            }
        }
        return Step.PAUSED;
    }

    /** Moves behind what was looked up, or to it. Whether it is a version to visit. */
    private boolean stepInHistory(final Extent into) {
        if (into.chunk() > base + region) {
            moveTo((int) (into.chunk() - base));
            return false;
        }
        if (into.birth() > birthMax) {
            moveTo(region + 1);
            return false;
        }
        birth = into.birth() + 1;
        return true;
    }

    /** The same in the head. */
    private boolean stepInHead(final Extent into) {
        final boolean here = into.chunk() == base + region;
        moveTo(here ? region + 1 : (int) (into.chunk() - base));
        return here && into.birth() >= birthMin && into.birth() <= birthMax;
    }

    private void toCandidate(final RegionBitmap candidates) {
        final int candidate = candidates.nextSet(region);
        if (candidate != region) {
            moveTo(candidate < 0 ? RegionBitmap.REGIONS : candidate);
        }
    }

    private void moveTo(final int region) {
        this.region = region;
        birth = birthMin;
    }
}
