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
    private static final int LEAF_CHANCES_MAX = 1;

    /** An inner node serves many leaves: without it each of them would cost two reads. */
    private static final int INNER_CHANCES_MAX = 3;

    NodePage page;
    final boolean leaf;
    long home;
    long block;
    long generation;
    boolean dirty;
    boolean dropped;

    /** Relocated by the commit under way, and not yet on the device: must not be evicted. */
    boolean writing;

    /**
     * How often the clock hand still passes the node by: raised by any thread that uses it, up to a bound, and lowered by the hand.
     * A lost update costs one early eviction.
     */
    private int chances;

    Node(final NodePage page, final long home, final long block, final long generation) {
        this.page = page;
        leaf = page.level() == 0;
        this.home = home;
        this.block = block;
        this.generation = generation;
    }

    /** One that was read because a look-up missed it. That this one comes back for a leaf is no second use. */
    static Node read(final NodePage page, final long home, final long block, final long generation) {
        final Node node = new Node(page, home, block, generation);
        node.chances = node.leaf ? -1 : 0;
        return node;
    }

    /** By any thread. */
    void use() {
        if (chances < (leaf ? LEAF_CHANCES_MAX : INNER_CHANCES_MAX)) {
            chances++;
        }
    }

    /** By the clock hand: whether the node is passed by once more. */
    boolean spare() {
        return chances-- > 0;
    }

    boolean neverWritten() {
        return home < 0;
    }
}
