package io.icecore.store.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

/** Nodes against a sorted map. {@code -Dnode.seed=N} replays the fresh seed. */
class NodePageTest {
    private static final UUID STORE = new UUID(1, 2);
    private static final int ROUNDS = 200;
    private static final int VALUE_LENGTH_MAX = 40;

    private final UnsafeBuffer value = new UnsafeBuffer(new byte[VALUE_LENGTH_MAX]);

    private record Key(long hi, long lo) implements Comparable<Key> {
        @Override
        public int compareTo(final Key other) {
            return hi != other.hi ? Long.compare(hi, other.hi) : Long.compareUnsigned(lo, other.lo);
        }
    }

    @Test
    void holdsWhatWasPutHoweverFarApartTheKeysAre() {
        run(1);
        run(Long.getLong("node.seed", System.nanoTime()));
    }

    private void run(final long seed) {
        final Random random = new Random(seed);
        for (int round = 0; round < ROUNDS; round++) {
            final String replay = "-Dnode.seed=" + seed + ", round " + round;
            final int bits = random.nextInt(Long.SIZE + 4);
            final TreeMap<Key, byte[]> model = new TreeMap<>();
            final NodePage page = new NodePage(3, 0);
            for (int step = 0; step < 300; step++) {
                change(page, model, key(random, bits), random);
            }
            compare(page, model, replay);
            probe(page, model, random, bits, replay);
            halve(page, model, replay);
        }
    }

    /** Keys that differ in so many of their low bits; now and then one from far away. */
    private static Key key(final Random random, final int bits) {
        final long lo = random.nextLong() & (bits >= Long.SIZE ? -1L : (1L << bits) - 1);
        final boolean far = random.nextInt(200) == 0;
        return new Key(bits > Long.SIZE || far ? random.nextInt(3) + 5 : 5, bits < 56 ? 7L << 56 | lo : lo);
    }

    private void change(final NodePage page, final TreeMap<Key, byte[]> model, final Key key, final Random random) {
        final int entry = page.floor(key.hi, key.lo);
        if (model.containsKey(key)) {
            page.remove(entry);
            model.remove(key);
            return;
        }
        final byte[] bytes = new byte[random.nextInt(VALUE_LENGTH_MAX)];
        random.nextBytes(bytes);
        value.putBytes(0, bytes);
        if (page.takes(key.hi, key.lo, bytes.length)) {
            page.insert(entry + 1, key.hi, key.lo, value, 0, bytes.length);
            model.put(key, bytes);
        } else if (page.count() > 0) {
            final int gone = random.nextInt(page.count());
            model.remove(new Key(page.hi(gone), page.lo(gone)));
            page.remove(gone);
        }
    }

    private static void compare(final NodePage page, final TreeMap<Key, byte[]> model, final String replay) {
        page.seal(STORE, 77, 5);
        page.verify("node", STORE, 3, 0, 77, 5);
        assertThat(page.count()).as(replay).isEqualTo(model.size());
        int entry = 0;
        for (final Map.Entry<Key, byte[]> expected : model.entrySet()) {
            assertThat(new Key(page.hi(entry), page.lo(entry))).as(replay).isEqualTo(expected.getKey());
            final byte[] bytes = new byte[page.valueLength(entry)];
            page.image().getBytes(page.valueIndex(entry), bytes);
            assertThat(Arrays.equals(bytes, expected.getValue())).as(replay).isTrue();
            entry++;
        }
    }

    private static void probe(
            final NodePage page,
            final TreeMap<Key, byte[]> model,
            final Random random,
            final int bits,
            final String replay) {
        for (int i = 0; i < 20; i++) {
            final Key key = key(random, bits);
            final int expected = model.headMap(key, true).size() - 1;
            assertThat(page.floor(key.hi, key.lo)).as(replay).isEqualTo(expected);
        }
    }

    /** Both halves take no more room than they did together, and come together again. */
    private static void halve(final NodePage page, final TreeMap<Key, byte[]> model, final String replay) {
        final int middle = page.count() / 2;
        if (middle == 0) {
            return;
        }
        final NodePage left = new NodePage(3, 0);
        left.append(page, 0, middle);
        final NodePage right = new NodePage(3, 0);
        right.append(page, middle, page.count());
        assertThat(left.usedBytes() + right.usedBytes()).as(replay).isLessThanOrEqualTo(page.usedBytes());
        final int together = left.usedBytesWith(right);
        assertThat(together).as(replay).isLessThanOrEqualTo(page.usedBytes());
        left.append(right, 0, right.count());
        assertThat(left.usedBytes()).as(replay).isEqualTo(together);
        compare(left, model, replay);
    }

    @Test
    void neighboursTakeTheRoomOfWhatTellsThemApart() {
        final NodePage page = new NodePage(3, 0);
        for (int i = 0; i < 100; i++) {
            page.insert(i, 1L << 16, 5000L << 32 | i, value, 0, 15);
        }
        assertThat(page.usedBytes()).isEqualTo(100 * (1 + 2 + 2 + 15));
    }
}
