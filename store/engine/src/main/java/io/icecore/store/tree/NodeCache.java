package io.icecore.store.tree;

import java.util.ArrayList;
import java.util.List;
import org.agrona.collections.Long2ObjectHashMap;

/**
 * Nodes in memory by home, at most so many clean ones: second-chance (clock) replacement. Nodes that the device does not
 * hold yet are never evicted; the committer bounds their number. Guarded by the forest's lock: gets under the read lock,
 * all else under the write lock.
 */
final class NodeCache {
    /** Least capacity: twice the longest path, so that a descent gets all of its nodes into memory at once. */
    private static final int CAPACITY_MIN = 2 * Forest.LEVEL_COUNT;

    private static final int STEPS_MAX = 64;

    private final int capacity;
    private final Long2ObjectHashMap<Node> nodes = new Long2ObjectHashMap<>();
    private final List<Node> ring = new ArrayList<>();
    private int hand;

    NodeCache(final int capacity) {
        this.capacity = Math.max(CAPACITY_MIN, capacity);
    }

    Node get(final long home) {
        return nodes.get(home);
    }

    void add(final Node node) {
        final Node before = nodes.put(node.home, node);
        assert before == null : "two nodes with home " + node.home;
        ring.add(node);
    }

    /**
     * Makes room, a little at each call. Not in the middle of a change, which holds nodes that are not dirty yet.
     *
     * @param held nodes that cannot be evicted now; they do not count, or many of them would drive out all others, and a
     *             descent that misses a node would find its parent gone when it comes back with it
     */
    void evict(final int held) {
        for (int steps = 0; ring.size() - held > capacity && steps < STEPS_MAX; steps++) {
            turn();
        }
    }

    private void turn() {
        final Node node = ring.get(hand);
        if (node.dropped || !node.dirty && !node.writing && !node.spare()) {
            if (!node.dropped) {
                nodes.remove(node.home);
            }
            final Node last = ring.remove(ring.size() - 1);
            if (last != node) {
                ring.set(hand++, last); // Mostly the newest: it is looked at once the hand has come round.
            }
        } else {
            hand++;
        }
        if (hand >= ring.size()) {
            hand = 0; // Now: the node that is added next comes to the end, and must not be the first that is looked at.
        }
    }

    /** The node's parent names it by another block from now on. */
    void rename(final long from, final long to) {
        final Node node = nodes.remove(from);
        if (node != null) {
            node.home = to;
            nodes.put(to, node);
        }
    }

    void drop(final Node node) {
        nodes.remove(node.home);
        node.dropped = true; // The clock hand takes it off the ring.
    }

    void clear() {
        nodes.clear();
        ring.clear();
        hand = 0;
    }

    int capacity() {
        return capacity;
    }

    /** Nodes in memory, dropped ones that the hand has not met yet among them. */
    int size() {
        return ring.size();
    }
}
