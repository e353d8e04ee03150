package io.icecore.store.tree;

import io.icecore.store.Store;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.sim.SimClock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Nodes read for each access to a tree that does not fit into the node cache, and what other policies would read for the same
 * accesses. Counts, so that it does not matter what else the machine does.
 */
final class CacheHitRate {
    private static final long DEVICE_LENGTH = 1L << 29;
    private static final int VALUE_LENGTH = 20;
    private static final int PER_COMMIT = 64;

    /**
     * Nodes read for each access, once the cache is warm.
     *
     * @param misses            by the cache as it is
     * @param innerMisses       those of them that are no leaves
     * @param leastRecentlyUsed by a cache of the same capacity that evicts what has not been used for longest
     * @param best              by one that knows the future, and evicts what is needed again last
     */
    record Rates(double misses, double innerMisses, double leastRecentlyUsed, double best) {}

    /** Which key is accessed. */
    interface Load {
        /**
         * @param time   0 to 1, of the whole load
         * @param random 0 to 1
         */
        int key(double time, double random);
    }

    private final SimBlockDevice filled;
    private final UnsafeBuffer value = new UnsafeBuffer(new byte[VALUE_LENGTH]);
    private final TreeEntry entry = new TreeEntry();

    /** Per level: first keys of its nodes. */
    private final List<TreeMap<Long, Integer>> levels = new ArrayList<>();

    private int nodes;
    private int innerNodes;

    CacheHitRate(final int entries) {
        final SimBlockDevice device = new SimBlockDevice(DEVICE_LENGTH);
        Store.format(device, "test");
        try (Store store = Store.open(device, new SimClock(Instant.EPOCH), 1 << 20)) {
            for (int i = 0; i < entries; i++) {
                put(store, (int) (i * 7919L % entries)); // Leaves as random writes leave them.
                if (i % 20_000 == 0) {
                    store.commit();
                }
            }
            store.commit();
            filled = device.fork();
            store.forest().walk((tree, level, home, page) -> {
                if (tree == store.head().number) {
                    while (levels.size() <= level) {
                        levels.add(new TreeMap<>());
                    }
                    levels.get(level).put(page.lo(0) >>> 32, nodes++);
                    innerNodes += level > 0 ? 1 : 0;
                }
            });
        }
    }

    int nodes() {
        return nodes;
    }

    int innerNodes() {
        return innerNodes;
    }

    Rates measure(final int capacity, final int accesses, final int writesInTen, final Load load) {
        final int[] keys = new int[accesses];
        final int[] path = new int[accesses * levels.size()];
        final SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < accesses; i++) {
            keys[i] = load.key((double) i / accesses, random.nextDouble());
            for (int level = 0; level < levels.size(); level++) {
                final Map.Entry<Long, Integer> node = levels.get(level).floorEntry((long) keys[i]);
                path[(i + 1) * levels.size() - 1 - level] =
                        node == null ? levels.get(level).firstEntry().getValue() : node.getValue();
            }
        }
        final int warm = accesses / 2;
        final double[] real = real(keys, warm, capacity, writesInTen);
        final double counted = accesses - warm;
        return new Rates(
                real[0] / counted,
                real[1] / counted,
                leastRecentlyUsed(path, warm * levels.size(), capacity) / counted,
                best(path, warm * levels.size(), capacity) / counted);
    }

    private double[] real(final int[] keys, final int warm, final int capacity, final int writesInTen) {
        final SimBlockDevice copy = filled.fork();
        final SplittableRandom random = new SplittableRandom(2);
        try (Store store = Store.open(copy, new SimClock(Instant.EPOCH), capacity)) {
            CacheFigures before = null;
            int writes = 0;
            for (int i = 0; i < keys.length; i++) {
                if (i == warm) {
                    before = store.forest().cacheFigures();
                }
                if (random.nextInt(10) < writesInTen) {
                    put(store, keys[i]);
                    if (++writes % PER_COMMIT == 0) {
                        store.commit();
                    }
                } else {
                    store.head().floor(Key.hi(1, keys[i]), Key.lo(keys[i], 0), entry);
                }
            }
            final CacheFigures after = store.forest().cacheFigures();
            return new double[] {after.misses() - before.misses(), after.innerMisses() - before.innerMisses()};
        }
    }

    private void put(final Store store, final int key) {
        store.lock();
        try {
            store.head().put(Key.hi(1, key), Key.lo(key, 0), value, 0, VALUE_LENGTH);
        } finally {
            store.unlock();
        }
    }

    private static long leastRecentlyUsed(final int[] path, final int warm, final int capacity) {
        final LinkedHashMap<Integer, Boolean> cache = new LinkedHashMap<>(16, 0.75f, true);
        long misses = 0;
        for (int i = 0; i < path.length; i++) {
            if (cache.put(path[i], true) == null) {
                misses += i >= warm ? 1 : 0;
                if (cache.size() > capacity) {
                    cache.remove(cache.keySet().iterator().next());
                }
            }
        }
        return misses;
    }

    /** Belady's: out goes what is needed again last. */
    private static long best(final int[] path, final int warm, final int capacity) {
        final int[] next = new int[path.length];
        final Map<Integer, Integer> seen = new HashMap<>();
        for (int i = path.length - 1; i >= 0; i--) {
            next[i] = seen.getOrDefault(path[i], Integer.MAX_VALUE - path[i]);
            seen.put(path[i], i);
        }
        final TreeSet<long[]> byNext = new TreeSet<>(Arrays::compare);
        final Map<Integer, long[]> cache = new HashMap<>();
        long misses = 0;
        for (int i = 0; i < path.length; i++) {
            final long[] known = cache.remove(path[i]);
            if (known != null) {
                byNext.remove(known);
            } else {
                misses += i >= warm ? 1 : 0;
                if (cache.size() == capacity) {
                    cache.remove((int) byNext.pollLast()[1]);
                }
            }
            final long[] now = {next[i], path[i]};
            cache.put(path[i], now);
            byNext.add(now);
        }
        return misses;
    }
}
