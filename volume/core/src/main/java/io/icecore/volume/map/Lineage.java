package io.icecore.volume.map;

import java.util.Arrays;

/**
 * A point in the history of a branch, and the points that it reads through: (branch, epoch), its parent, and so on.
 * Immutable.
 */
public final class Lineage {
    /** Branches are numbered from 1. */
    private static final Lineage NOTHING = new Lineage(new long[] {0}, new long[] {0});

    private final long[] branches;
    private final long[] epochs;

    /** @param epochs of {@code branches}, one each; {@link Extent#HEAD} for the head, which only the first can be */
    public Lineage(final long[] branches, final long[] epochs) {
        assert branches.length == epochs.length && branches.length > 0;
        this.branches = branches.clone();
        this.epochs = epochs.clone();
    }

    /** The same branch at another epoch. */
    public Lineage at(final long epoch) {
        final long[] changed = epochs.clone();
        changed[0] = epoch;
        return new Lineage(branches, changed);
    }

    /** What the branch reads through. Without a parent that is nothing: a branch that does not exist. */
    public Lineage parent() {
        if (depth() == 1) {
            return NOTHING;
        }
        final int last = branches.length;
        return new Lineage(Arrays.copyOfRange(branches, 1, last), Arrays.copyOfRange(epochs, 1, last));
    }

    /** How many points there are: 1 when the branch has no parent. */
    public int depth() {
        return branches.length;
    }

    public long branch(final int level) {
        return branches[level];
    }

    public long epoch(final int level) {
        return epochs[level];
    }
}
