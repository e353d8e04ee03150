package io.icecore.store;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.icecore.store.commit.CommitParticipant;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.tree.TreeEntry;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/** Another process that reads the store while it is written: what it gets is what some one commit held, or a new attempt. */
final class CrashReader implements CommitParticipant {
    private static final int ATTEMPTS = 4;

    private final Store store;
    private final String replay;
    private final TreeEntry entry = new TreeEntry();
    private final UnsafeBuffer data = new UnsafeBuffer(ByteBuffer.allocate(64 * BLOCK_LENGTH));
    private long ordinal;

    /** Look-ups that have not read their blocks yet, all of one stamp. */
    private final List<byte[]> lookedUp = new ArrayList<>();

    private long stamp;

    CrashReader(final SimBlockDevice device, final String replay) {
        this.replay = replay;
        store = Store.openReadOnly(device.openReadOnly());
        store.join(this);
    }

    @Override
    public int beforeCommit(final MutableDirectBuffer notes) {
        throw new AssertionError("a reader commits: " + replay);
    }

    @Override
    public void loadNotes(final DirectBuffer notes, final int length) {
        ordinal = length == 0 ? 0 : notes.getLong(0, LITTLE_ENDIAN);
    }

    /**
     * Looks one key up, and reads the data that it names.
     *
     * @param cuts what commits held, by ordinal; older ones are forgotten, newer ones may be there
     * @return false when it had to move on and look again, as often as it tried
     */
    boolean read(final SplittableRandom random, final int keys, final Map<Long, StoreContent> cuts) {
        final int tree = random.nextInt(StoreContent.TREE_COUNT);
        final long key =
                random.nextInt(keys) + (tree == StoreContent.HEAD && random.nextBoolean() ? StoreContent.DATA_KEY : 0);
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            final long before = ordinal;
            final long stamp = store.stamp();
            final boolean found = StoreContent.tree(store, tree).get(StoreContent.hi(key), StoreContent.lo(key), entry);
            final byte[] value = found ? StoreContent.valueOf(entry) : null;
            final boolean matches = !found || key < StoreContent.DATA_KEY || dataMatches(value);
            if (!cuts.containsKey(before)) {
                store.refresh();
            } else if (ordinal == before && store.unchangedSince(stamp)) {
                compare(tree, key, value, matches, cuts.get(before));
                return true;
            }
        }
        return false;
    }

    /** Looks up where the data of a key is, to be read later, if it is there. */
    void lookUp(final long key) {
        if (lookedUp.isEmpty()) {
            store.refresh();
            stamp = store.stamp();
        }
        final boolean found = store.head().get(StoreContent.hi(key), StoreContent.lo(key), entry);
        if (found && store.stamp() == stamp) {
            lookedUp.add(StoreContent.valueOf(entry));
        }
    }

    /**
     * Reads what was looked up, and forgets it.
     *
     * @return what became of each
     */
    List<String> readLookedUp() {
        final List<String> outcomes = new ArrayList<>();
        for (final byte[] value : lookedUp) {
            final boolean matches = dataMatches(value);
            final boolean unchanged = store.unchangedSince(stamp);
            if (unchanged && !matches) {
                throw new AssertionError(
                        "block " + StoreContent.blockOf(value) + " was reused under a reader's look-up: " + replay);
            }
            outcomes.add(unchanged ? "reader read after a look-up" : "reader's look-up too old to be read");
        }
        lookedUp.clear();
        return outcomes;
    }

    private boolean dataMatches(final byte[] value) {
        store.read(StoreContent.blockOf(value), data, 0, StoreContent.countOf(value));
        return StoreContent.dataMatches(value, data);
    }

    private void compare(
            final int tree, final long key, final byte[] value, final boolean matches, final StoreContent content) {
        final byte[] expected = content.trees.get(tree).get(key);
        if (!Arrays.equals(value, expected) || !matches) {
            throw new AssertionError("reader at cut " + content.ordinal + ": tree " + tree + " key " + key + ": "
                    + Arrays.toString(value) + ", data as named: " + matches + " (expected: "
                    + Arrays.toString(expected) + "): " + replay);
        }
    }
}
