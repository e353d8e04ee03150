package io.icecore.store;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.device.FileBlockDevice;
import io.icecore.store.tree.Key;
import io.icecore.store.tree.Tree;
import io.icecore.store.tree.TreeEntry;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random changes of trees, commits and reopenings against maps in memory; after each reopening every block is accounted
 * for. One fixed seed and one fresh; {@code -Dmodel.seed=N} replays one.
 */
class StoreModelTest {
    @TempDir
    Path directory;

    @Test
    void treesHoldWhatWasPutThroughCommitsAndReopenings() {
        run(1);
        run(Long.getLong("model.seed", System.nanoTime()));
    }

    private void run(final long seed) {
        final String replay = "-Dmodel.seed=" + seed;
        final Random random = new Random(seed);
        final FileBlockDevice created = FileBlockDevice.create(directory.resolve("s" + seed), 64 << 20, false);
        Store.format(created, "test");
        created.close();
        final TreeMap<Long, byte[]> head = new TreeMap<>();
        final TreeMap<Long, byte[]> history = new TreeMap<>();
        for (int session = 0; session < 6; session++) {
            final int cacheNodes = random.nextBoolean() ? 4 : 1000;
            final Store store =
                    Store.open(FileBlockDevice.open(directory.resolve("s" + seed)), Clock.systemUTC(), cacheNodes);
            compare(store.head(), head, replay);
            compare(store.history(), history, replay);
            StoreAudit.check(store, new HashSet<>(), replay);
            final int steps = 200 + random.nextInt(3000);
            final int keys = 1 << (4 + random.nextInt(12));
            final int valueMax = random.nextInt(3) == 0 ? TreeEntry.VALUE_LENGTH_MAX : 40;
            final boolean shrinking = random.nextInt(3) == 0;
            for (int step = 0; step < steps; step++) {
                final boolean first = random.nextBoolean();
                change(
                        store,
                        first ? store.head() : store.history(),
                        first ? head : history,
                        random,
                        keys,
                        valueMax,
                        shrinking);
                if (random.nextInt(30) == 0) {
                    move(
                            store,
                            first ? store.head() : store.history(),
                            first ? store.history() : store.head(),
                            first ? head : history,
                            first ? history : head,
                            random,
                            keys,
                            replay);
                }
                if (random.nextInt(20) == 0) {
                    store.commit();
                }
            }
            store.commit();
            compare(store.head(), head, replay);
            probe(store.history(), history, random, keys);
            store.close();
        }
    }

    private static void change(
            final Store store,
            final Tree tree,
            final TreeMap<Long, byte[]> model,
            final Random random,
            final int keys,
            final int valueMax,
            final boolean shrinking) {
        final long key = random.nextInt(keys);
        store.lock();
        try {
            if (random.nextInt(10) < (shrinking ? 7 : 3)) {
                assertThat(tree.remove(hi(key), lo(key))).isEqualTo(model.remove(key) != null);
            } else {
                final byte[] value = new byte[random.nextInt(valueMax + 1)];
                random.nextBytes(value);
                tree.put(hi(key), lo(key), new UnsafeBuffer(value), 0, value.length);
                model.put(key, value);
            }
        } finally {
            store.unlock();
        }
    }

    private static void move(
            final Store store,
            final Tree from,
            final Tree to,
            final TreeMap<Long, byte[]> fromModel,
            final TreeMap<Long, byte[]> toModel,
            final Random random,
            final int keys,
            final String replay) {
        final long start = random.nextInt(keys);
        final long[] key = {hi(start), lo(start)};
        final int max = 1 + random.nextInt(200);
        final long before = from.moves();
        store.lock();
        try {
            final TreeEntry entry = new TreeEntry();
            int moved = from.moveTo(to, key, max);
            while (moved < 0) {
                if (from.ceiling(
                        key[0], key[1], entry)) { // Of the leaf that was not in memory nothing may come after the key.
                    to.ceiling(entry.hi(), entry.lo(), entry);
                }
                moved = from.moveTo(to, key, max);
            }
            assertThat(moved).as(replay).isBetween(fromModel.ceilingKey(start) == null ? 0 : 1, max);
            assertThat(from.moves() != before).as(replay).isEqualTo(moved > 0);
            for (int i = 0; i < moved; i++) {
                final Map.Entry<Long, byte[]> next = fromModel.ceilingEntry(start);
                fromModel.remove(next.getKey());
                toModel.put(next.getKey(), next.getValue());
                if (i == moved - 1) {
                    assertThat(key).as(replay).containsExactly(hi(next.getKey()), lo(next.getKey()) + 1);
                }
            }
        } finally {
            store.unlock();
        }
    }

    private static void compare(final Tree tree, final TreeMap<Long, byte[]> model, final String replay) {
        final TreeEntry entry = new TreeEntry();
        long from = 0;
        int found = 0;
        while (tree.ceiling(hi(from), lo(from), entry)) {
            final long key = entry.b() << 4 | entry.c();
            assertThat(valueOf(entry)).as(replay).isEqualTo(model.get(key));
            from = key + 1;
            found++;
        }
        assertThat(found).as(replay).isEqualTo(model.size());
    }

    private static void probe(final Tree tree, final TreeMap<Long, byte[]> model, final Random random, final int keys) {
        final TreeEntry entry = new TreeEntry();
        for (int i = 0; i < 200; i++) {
            final long key = random.nextInt(2 * keys);
            final Map.Entry<Long, byte[]> floor = model.floorEntry(key);
            assertThat(tree.floor(hi(key), lo(key), entry)).isEqualTo(floor != null);
            if (floor != null) {
                assertThat(entry.b() << 4 | entry.c()).isEqualTo(floor.getKey());
                assertThat(valueOf(entry)).isEqualTo(floor.getValue());
            }
            assertThat(tree.get(hi(key), lo(key), entry)).isEqualTo(model.containsKey(key));
        }
    }

    private static byte[] valueOf(final TreeEntry entry) {
        final byte[] bytes = new byte[entry.length()];
        entry.value.getBytes(0, bytes);
        return bytes;
    }

    /** In several branches, so that leaves hold keys that have little in common. */
    private static long hi(final long key) {
        return Key.hi(7 + (key >>> 10), key >>> 4);
    }

    private static long lo(final long key) {
        return Key.lo(key >>> 4, key & 15);
    }

    /** Such a key would make all keys of the leaf longer. */
    @Test
    void aKeyFarBelowThoseOfAFullLeafFindsAPlace() {
        for (int entries = 155; entries < 175; entries++) {
            final Path path = directory.resolve("far" + entries);
            final FileBlockDevice created = FileBlockDevice.create(path, 16 << 20, false);
            Store.format(created, "test");
            created.close();
            final Store store = Store.open(FileBlockDevice.open(path));
            final UnsafeBuffer value = new UnsafeBuffer(new byte[15]);
            store.lock();
            for (int chunk = 0; chunk < entries; chunk++) {
                store.head().put(Key.hi(9, chunk), Key.lo(chunk, 0), value, 0, 15);
            }
            store.head().put(Key.hi(2, 5), Key.lo(5, 0), value, 0, 15);
            store.unlock();
            store.commit();
            final TreeEntry entry = new TreeEntry();
            assertThat(store.head().ceiling(0, 0, entry)).isTrue();
            assertThat(entry.a()).isEqualTo(2);
            for (int chunk = 0; chunk < entries; chunk++) {
                assertThat(store.head().get(Key.hi(9, chunk), Key.lo(chunk, 0), entry))
                        .isTrue();
            }
            StoreAudit.check(store, new HashSet<>(), "entries " + entries);
            store.close();
            assertThat(path.toFile().delete()).isTrue();
        }
    }

    @Test
    void blocksSurviveCommitsAndAreReusedWhenFreed() {
        final FileBlockDevice created = FileBlockDevice.create(directory.resolve("blocks"), 16 << 20, false);
        Store.format(created, "test");
        created.close();
        final Store store = Store.open(FileBlockDevice.open(directory.resolve("blocks")));
        final long free = store.freeBlocks();
        final UnsafeBuffer data = new UnsafeBuffer(new byte[4096]);
        final UnsafeBuffer crc = new UnsafeBuffer(new byte[4]);
        for (int round = 0; round < 20_000; round++) { // 20 times the store.
            store.lock();
            final long run = store.allocate(1);
            store.unlock();
            final long block = run >>> 16;
            Arrays.fill(data.byteArray(), (byte) round);
            store.write(block, data, 0, 1);
            crc.putInt(0, io.icecore.store.format.Checksum.of(data, 0, 4096), LITTLE_ENDIAN);
            store.lock();
            store.settle(block, 1, crc, 0);
            store.free(block, 1);
            store.unlock();
            if (round % 50 == 0) {
                store.commit();
            }
        }
        store.commit();
        assertThat(free - store.freeBlocks()).isLessThan(100); // The space log's spill nodes and the space tree.
        StoreAudit.check(store, new HashSet<>(), "");
        store.close();
    }
}
