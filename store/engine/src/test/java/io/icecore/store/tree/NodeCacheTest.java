package io.icecore.store.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.format.NodePage;
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

    private static Node node(final long home) {
        return new Node(new NodePage(2, 0), home, home, 1);
    }
}
