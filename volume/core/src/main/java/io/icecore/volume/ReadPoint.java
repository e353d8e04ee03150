package io.icecore.volume;

import io.icecore.volume.map.Extent;
import io.icecore.volume.map.Lineage;

/** What is read: a branch's head, or a snapshot of it. Follows the branch when its parent changes. Thread-safe. */
final class ReadPoint {
    private static final long PARENT = -1;

    private record Known(Lineage ofHead, Lineage ofPoint) {}

    private final Branches branches;
    private final String name;

    /** An object, to be looked up by it for every request. */
    private final Long branch;

    private final long epoch;
    private volatile Known known;

    /** What a branch reads through its parent; nothing any more when it has none. */
    static ReadPoint parentOf(final Branches branches, final long branch) {
        return new ReadPoint(branches, "the parent of branch " + branch, branch, PARENT);
    }

    /** @param epoch of a kept snapshot, or {@link Extent#HEAD} */
    ReadPoint(final Branches branches, final String name, final long branch, final long epoch) {
        this.branches = branches;
        this.name = name;
        this.branch = branch;
        this.epoch = epoch;
    }

    /** For messages: {@code volume} or {@code volume@snapshot}. */
    String name() {
        return name;
    }

    /** Whether this is the head of a branch, whatever it reads through its parent. */
    boolean head() {
        return epoch == Extent.HEAD;
    }

    long branch() {
        return branch;
    }

    private Lineage ofPoint(final Lineage ofHead) {
        if (epoch == PARENT) {
            return ofHead.parent();
        }
        branches.requireReadable(name, branch, epoch);
        return head() ? ofHead : ofHead.at(epoch);
    }

    private Lineage ofHead() {
        try {
            return branches.lineage(branch);
        } catch (final NoSuchException ex) {
            throw Branches.deleted(name);
        }
    }

    Lineage lineage() {
        final Lineage ofHead = ofHead();
        Known now = known;
        if (now == null || now.ofHead != ofHead) {
            now = new Known(ofHead, ofPoint(ofHead));
            known = now;
        }
        return now.ofPoint;
    }
}
