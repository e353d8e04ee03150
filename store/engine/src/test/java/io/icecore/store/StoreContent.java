package io.icecore.store;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.format.Checksum;
import io.icecore.store.tree.Key;
import io.icecore.store.tree.Tree;
import io.icecore.store.tree.TreeEntry;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * What a store holds at one moment: the oracle of the crash tests.
 *
 * <p>Four trees of entries. Entries of the head tree from key {@link #DATA_KEY} on name runs of data blocks, with their
 * checksums; from {@link #BALLAST_KEY} on, runs that were allocated and never written.
 */
final class StoreContent {
    static final int TREE_COUNT = 4;
    static final int HEAD = 1;
    static final long DATA_KEY = 1L << 32;
    static final long BALLAST_KEY = 1L << 33;

    private static final int CHECKSUMS_OFFSET = Long.BYTES + Integer.BYTES;

    final List<TreeMap<Long, byte[]>> trees = new ArrayList<>();

    /** Ordinal of the cut that this is the content of, and the generation it was given. */
    long ordinal;

    long generation;

    StoreContent() {
        for (int tree = 0; tree < TREE_COUNT; tree++) {
            trees.add(new TreeMap<>());
        }
    }

    StoreContent copy() {
        final StoreContent copy = new StoreContent();
        for (int tree = 0; tree < TREE_COUNT; tree++) {
            copy.trees.get(tree).putAll(trees.get(tree)); // Values are never changed in place.
        }
        copy.ordinal = ordinal;
        copy.generation = generation;
        return copy;
    }

    static Tree tree(final Store store, final int tree) {
        return switch (tree) {
            case 0 -> store.catalogue();
            case HEAD -> store.head();
            case 2 -> store.history();
            default -> store.regions();
        };
    }

    static long hi(final long key) {
        return Key.hi(7, key >>> 4);
    }

    static long lo(final long key) {
        return Key.lo(key >>> 4, key & 15);
    }

    static long keyOf(final TreeEntry entry) {
        return entry.b() << 4 | entry.c();
    }

    static byte[] valueOf(final TreeEntry entry) {
        final byte[] bytes = new byte[entry.length()];
        entry.value.getBytes(0, bytes);
        return bytes;
    }

    // ---- data entries

    static byte[] dataValue(final long block, final int count, final int[] checksums) {
        final UnsafeBuffer value = new UnsafeBuffer(new byte[CHECKSUMS_OFFSET + checksums.length * Integer.BYTES]);
        value.putLong(0, block, LITTLE_ENDIAN);
        value.putInt(Long.BYTES, count, LITTLE_ENDIAN);
        for (int i = 0; i < checksums.length; i++) {
            value.putInt(CHECKSUMS_OFFSET + i * Integer.BYTES, checksums[i], LITTLE_ENDIAN);
        }
        return value.byteArray();
    }

    static long blockOf(final byte[] value) {
        return new UnsafeBuffer(value).getLong(0, LITTLE_ENDIAN);
    }

    static int countOf(final byte[] value) {
        return new UnsafeBuffer(value).getInt(Long.BYTES, LITTLE_ENDIAN);
    }

    /** Whether the blocks hold what the entry says. */
    static boolean dataMatches(final byte[] value, final UnsafeBuffer data) {
        for (int i = 0; i < countOf(value); i++) {
            final int expected = new UnsafeBuffer(value).getInt(CHECKSUMS_OFFSET + i * Integer.BYTES, LITTLE_ENDIAN);
            if (Checksum.of(data, i * BLOCK_LENGTH, BLOCK_LENGTH) != expected) {
                return false;
            }
        }
        return true;
    }

    Set<Long> dataBlocks() {
        final Set<Long> blocks = new HashSet<>();
        for (final byte[] value : trees.get(HEAD).tailMap(DATA_KEY).values()) {
            for (int i = 0; i < countOf(value); i++) {
                blocks.add(blockOf(value) + i);
            }
        }
        return blocks;
    }

    // ---- comparing

    /** Proves that the store holds exactly this: entries, and the bytes of data blocks. */
    void assertHeldBy(final Store store, final String replay) {
        for (int tree = 0; tree < TREE_COUNT; tree++) {
            assertTreeHeldBy(store, tree, replay);
        }
        final UnsafeBuffer data = new UnsafeBuffer(ByteBuffer.allocate(64 * BLOCK_LENGTH));
        for (final Map.Entry<Long, byte[]> entry :
                trees.get(HEAD).subMap(DATA_KEY, BALLAST_KEY).entrySet()) {
            store.read(blockOf(entry.getValue()), data, 0, countOf(entry.getValue()));
            if (!dataMatches(entry.getValue(), data)) {
                throw new AssertionError("data of key " + entry.getKey() + " at block " + blockOf(entry.getValue())
                        + " is not what was written: " + replay);
            }
        }
    }

    private void assertTreeHeldBy(final Store store, final int tree, final String replay) {
        final TreeEntry found = new TreeEntry();
        long from = 0;
        int count = 0;
        while (tree(store, tree).ceiling(hi(from), lo(from), found)) {
            final long key = keyOf(found);
            final byte[] expected = trees.get(tree).get(key);
            if (expected == null || !Arrays.equals(expected, valueOf(found))) {
                throw new AssertionError("tree " + tree + " key " + key + ": " + Arrays.toString(valueOf(found))
                        + " (expected: " + Arrays.toString(expected) + "): " + replay);
            }
            from = key + 1;
            count++;
        }
        assertThat(count)
                .as("entries of tree %d: %s", tree, replay)
                .isEqualTo(trees.get(tree).size());
    }
}
