package io.icecore.store.tree;

import java.util.Collection;
import org.agrona.collections.Long2ObjectHashMap;

/**
 * Nodes rewritten since their parents were: old block -> new block and generation. One step, never a chain: a further
 * rewrite replaces the target. The old block stays allocated, for its parent still names it, until the parent is written.
 *
 * <p>Invariants: no target is a key (T1); every key is named by exactly one reachable parent (T2); no root is a key (T3);
 * between commits there are at most {@value #CAPACITY} entries (T4). Guarded by the forest's lock.
 */
final class RedirectTable {
    static final int CAPACITY = 64;

    /** One redirect. Tree, level and key are unknown (level -1) after opening until the node is needed. */
    static final class Redirect {
        final long home;
        long block;
        long generation;
        int tree;
        int level = -1;
        long hi;
        long lo;

        Redirect(final long home, final long block, final long generation) {
            this.home = home;
            this.block = block;
            this.generation = generation;
        }
    }

    private final Long2ObjectHashMap<Redirect> byHome = new Long2ObjectHashMap<>();

    Redirect get(final long home) {
        return byHome.get(home);
    }

    void put(final Redirect redirect) {
        byHome.put(redirect.home, redirect);
    }

    void remove(final long home) {
        byHome.remove(home);
    }

    int size() {
        return byHome.size();
    }

    Collection<Redirect> all() {
        return byHome.values();
    }

    void clear() {
        byHome.clear();
    }
}
