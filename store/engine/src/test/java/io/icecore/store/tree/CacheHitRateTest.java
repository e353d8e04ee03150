package io.icecore.store.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.tree.CacheHitRate.Load;
import io.icecore.store.tree.CacheHitRate.Rates;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** {@code -Dcache.entries=300000} makes the tree larger, {@code -Dcache.accesses=60000} the load longer. */
class CacheHitRateTest {
    private static final int ENTRIES = Integer.getInteger("cache.entries", 60_000);
    private static final int ACCESSES = Integer.getInteger("cache.accesses", 20_000);

    private static final Map<String, Load> LOADS = new TreeMap<>(Map.of(
            "uniform", CacheHitRateTest::uniform,
            "skewed", CacheHitRateTest::skewed,
            "moving", CacheHitRateTest::moving));

    /** Of all nodes that there are, for how many the cache has room: one in so many. */
    private static final int[] PARTS =
            Integer.getInteger("cache.entries") == null ? new int[] {16, 8, 4, 2} : new int[] {96, 32, 16, 8, 4, 2};

    /** Where no node is likelier than another one every policy is as good, give or take. */
    private static final double MORE_MAX = 0.02;

    /** So many more, for it takes the hand a turn to forget what is not used any more. */
    private static final double MORE_WHILE_MOVING_MAX = 0.1;

    /** Some are read when the load moves. */
    private static final double INNER_MAX = 0.01;

    private final CacheHitRate tree = new CacheHitRate(ENTRIES);

    @Test
    void readsNoMoreNodesThanIfTheLeastRecentlyUsedWereEvictedAndHardlyAnyInnerNode() {
        System.out.printf("%d nodes, %d of them inner%n", tree.nodes(), tree.innerNodes());
        System.out.println("load     writes  capacity  misses  inner   LRU     best");
        LOADS.forEach((name, load) -> {
            for (final int part : PARTS) {
                measure(name, load, tree.nodes() / part, 0);
                measure(name, load, tree.nodes() / part, 3);
            }
        });
    }

    private void measure(final String name, final Load load, final int capacity, final int writesInTen) {
        final Rates rates = tree.measure(capacity, ACCESSES, writesInTen, load);
        System.out.printf(
                "%-8s %4d %%  %8d  %.4f  %.4f  %.4f  %.4f%n",
                name,
                10 * writesInTen,
                capacity,
                rates.misses(),
                rates.innerMisses(),
                rates.leastRecentlyUsed(),
                rates.best());
        assertThat(rates.misses())
                .isLessThan(rates.leastRecentlyUsed() + (name.equals("moving") ? MORE_WHILE_MOVING_MAX : MORE_MAX));
        if (capacity > 2 * tree.innerNodes()) {
            assertThat(rates.innerMisses()).isLessThan(INNER_MAX);
        }
    }

    private static int uniform(final double time, final double random) {
        return (int) (ENTRIES * random);
    }

    /** Half of the accesses go to an eighth of the keys, a fifth to less than a hundredth. */
    private static int skewed(final double time, final double random) {
        return (int) (ENTRIES * random * random * random);
    }

    /** To a tenth of the keys, and after a while to another tenth. */
    private static int moving(final double time, final double random) {
        final int part = ENTRIES / 10;
        return (int) (20 * time) * 3 % 10 * part + (int) (part * random);
    }
}
