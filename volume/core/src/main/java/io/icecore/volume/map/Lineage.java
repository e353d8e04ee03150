package io.icecore.volume.map;

/**
 * A point in the history of a branch, and the points that it reads through: (branch, epoch), its parent, and so on.
 * Immutable.
 */
public final class Lineage {
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
