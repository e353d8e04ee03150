package io.icecore.store.tree;

/**
 * How well the node cache serves, since the store was opened.
 *
 * @param hits        leaves that a look-up or a change found in memory
 * @param misses      nodes that had to be read from the device
 * @param innerMisses those of them that were no leaves
 * @param nodes       in memory now, those that wait for a commit among them
 * @param capacity    nodes kept in memory at most, beside those that wait for a commit
 */
public record CacheFigures(long hits, long misses, long innerMisses, int nodes, int capacity) {
    /** Share of hits in both, 1 before the first. */
    public double hitRate() {
        return hits + misses == 0 ? 1 : (double) hits / (hits + misses);
    }
}
