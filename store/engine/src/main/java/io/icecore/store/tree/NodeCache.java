package io.icecore.store.tree;

import java.util.ArrayList;
import java.util.List;
import org.agrona.collections.Long2ObjectHashMap;

/**
 * Nodes in memory by home, at most so many clean ones: second-chance (clock) replacement. Nodes that the device does not
 * hold yet are never evicted; the committer bounds their number. Guarded by the forest's lock: gets under the read lock, all else under the write lock.
 */
final class NodeCache {
    private final int capacity;
    private final Long2ObjectHashMap<Node> nodes = new Long2ObjectHashMap<>();
    private final List<Node> ring = new ArrayList<>();
    private int hand;

    NodeCache(final int capacity) {
        this.capacity = capacity;
    }

    Node get(final long home) {
        return nodes.get(home);
    }

    void add(final Node node) {
        final Node before = nodes.put(node.home, node);
        assert before == null : "two nodes with home " + node.home;
        ring.add(node);
    }

    /** Makes room. Not in the middle of a change, which holds nodes that are not dirty yet. */
    void evict() {
        for (int steps = 0; ring.size() > capacity && steps < 64; steps++) {
            turn();
        }
    }

    private void turn() {
        if (hand >= ring.size()) {
            hand = 0;
        }
        final Node node = ring.get(hand);
        if (node.dropped || !node.dirty && !node.writing && !node.touched) {
            if (!node.dropped) {
                nodes.remove(node.home);
            }
            final Node last = ring.remove(ring.size() - 1);
            if (last != node) {
                ring.set(hand, last);
            }
        } else {
            node.touched = false;
            hand++;
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

    int size() {
        return ring.size();
    }
}
