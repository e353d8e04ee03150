package io.icecore.store.tree;

import io.icecore.store.format.NodePage;

/**
 * A node in memory. Clean nodes are cached, dirty ones belong to the next commit.
 *
 * <p>{@code home} is the block that the node's parent names, and what the cache knows it by; {@code block} is where its
 * newest written image is. The two differ while the redirect table leads from one to the other. A node that was never
 * written has a negative home, which its parent (dirty too) names until the commit.
 */
final class Node {
    NodePage page;
    long home;
    long block;
    long generation;
    boolean dirty;
    boolean dropped;

    /** Relocated by the commit under way, and not yet on the device: must not be evicted. */
    boolean writing;

    /** Set by any thread that uses the node, cleared by the clock hand; a lost update costs one early eviction. */
    boolean touched = true;

    Node(final NodePage page, final long home, final long block, final long generation) {
        this.page = page;
        this.home = home;
        this.block = block;
        this.generation = generation;
    }

    boolean neverWritten() {
        return home < 0;
    }
}
