package io.icecore.store.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.Store;
import io.icecore.store.format.NodePage;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.sim.SimClock;
import java.time.Instant;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

class NodeCacheTest {
    @Test
    void keepsThePathOfADescentHoweverManyNodesAreDirty() {
        final NodeCache cache = new NodeCache(1);
        final int dirtyCount = 40;
        for (int home = 1; home <= dirtyCount; home++) {
            final Node node = node(home);
            node.dirty = true;
            cache.add(node);
        }
        for (int home = 101; home <= 104; home++) { // A descent brings one node after the other.
            cache.evict(dirtyCount);
            cache.add(node(home));
        }

        for (int home = 101; home <= 104; home++) {
            assertThat(cache.get(home)).as("home %d", home).isNotNull();
        }
    }

    /** Two leaves side by side, say: the second one must not drive out the first, or neither look-up comes to an end. */
    @Test
    void letsADescentHaveAllItsNodesAtOnceWhereverTheHandStands() {
        for (int before = 33; before < 33 + 80; before++) {
            final NodeCache cache = new NodeCache(1);
            for (int home = 1; home <= before; home++) {
                cache.evict(0);
                final Node node = node(home);
                cache.add(node);
                if (home % 3 > 0) {
                    node.use();
                }
            }
            int reads = 0;
            for (long missing = 1001; missing > 0; missing = firstMissing(cache, 1001, 1004)) {
                cache.evict(0);
                cache.add(Node.read(node(missing).page, missing, missing, 1));
                assertThat(++reads).as("reads, %d nodes before", before).isLessThan(40);
            }
        }
    }

    private static long firstMissing(final NodeCache cache, final long first, final long last) {
        for (long home = first; home <= last; home++) {
            final Node node = cache.get(home);
            if (node == null) {
                return home;
            }
            node.use();
        }
        return 0;
    }

    @Test
    void keepsToItsCapacityAndNeverEvictsADirtyNode() {
        final NodeCache cache = new NodeCache(50);
        final Node dirty = node(1);
        dirty.dirty = true;
        cache.add(dirty);
        for (int home = 2; home < 1000; home++) {
            cache.evict(1);
            cache.add(node(home));
        }

        assertThat(cache.get(1)).isSameAs(dirty);
        assertThat(cache.get(2)).isNull();
        assertThat(cache.size()).isLessThanOrEqualTo(52);
    }

    @Test
    void doesNotKeepDroppedNodes() {
        final NodeCache cache = new NodeCache(50);
        for (int home = 1; home < 1000; home++) {
            cache.evict(0);
            final Node node = node(home);
            cache.add(node);
            cache.drop(node);
        }

        assertThat(cache.size()).isLessThanOrEqualTo(52);
    }

    /** An import makes node after node, and misses none. */
    @Test
    void nodesThatChangesMakeAreEvictedAsWell() {
        final SimBlockDevice device = new SimBlockDevice(64 << 20);
        Store.format(device, "test");
        final int capacity = 60;
        try (Store store = Store.open(device, new SimClock(Instant.EPOCH), capacity)) {
            final UnsafeBuffer value = new UnsafeBuffer(new byte[64]);
            for (int commit = 0; commit < 50; commit++) {
                store.lock();
                try {
                    for (int i = 0; i < 1000; i++) {
                        store.head().put(1, 1000L * commit + i, value, 0, value.capacity());
                    }
                } finally {
                    store.unlock();
                }
                store.commit();
                assertThat(store.forest().cacheFigures().nodes())
                        .as("after commit %d", commit)
                        .isLessThanOrEqualTo(capacity);
            }
        }
    }

    private static Node node(final long home) {
        return new Node(new NodePage(2, 0), home, home, 1);
    }
}
