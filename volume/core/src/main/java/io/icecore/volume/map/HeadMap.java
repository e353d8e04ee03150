package io.icecore.volume.map;

import static org.agrona.BitUtil.SIZE_OF_INT;

import io.icecore.store.tree.Key;
import io.icecore.store.tree.Seek;
import io.icecore.store.tree.Tree;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/** The head tree: what each branch's live end maps. Lookups by any thread; changes under the store's lock. */
public final class HeadMap {
    private final Tree tree;
    private final UnsafeBuffer value = new UnsafeBuffer(new byte[ExtentLayout.VALUE_LENGTH_MAX]);

    /** Used under the store's lock. */
    private final Extent current = new Extent();

    public HeadMap(final Tree tree) {
        this.tree = tree;
    }

    /** Finds the extent that covers the chunk; false when there is none. */
    public boolean covering(final long branch, final long chunk, final Extent into) {
        return tree.floor(Key.hi(branch, chunk), Key.lo(chunk, 0), into.entry())
                && into.branch() == branch
                && into.verified(false).end() > chunk;
    }

    /** Finds the first extent that starts at the chunk or after it; false when the branch has none. */
    public boolean ceiling(final long branch, final long chunk, final Extent into) {
        return ceiling(branch, chunk, false, into) == Seek.FOUND;
    }

    /** The same; see {@link Tree#ceiling(long, long, boolean, io.icecore.store.tree.TreeEntry)}. */
    public Seek ceiling(final long branch, final long chunk, final boolean patient, final Extent into) {
        final Seek seek = tree.ceiling(Key.hi(branch, chunk), Key.lo(chunk, 0), patient, into.entry());
        if (seek == Seek.FOUND) {
            if (into.branch() != branch) {
                return Seek.NONE;
            }
            into.verified(false);
        }
        return seek;
    }

    /** Finds the first extent of any branch at or after (branch, chunk). */
    public boolean next(final long branch, final long chunk, final Extent into) {
        if (tree.ceiling(Key.hi(branch, chunk), Key.lo(chunk, 0), into.entry())) {
            into.verified(false);
            return true;
        }
        return false;
    }

    /**
     * The extent's chunks are in other blocks now, in the same order.
     *
     * @param seen as a lookup found it, perhaps some time ago
     * @return false, and nothing is changed, when it is no longer so
     */
    public boolean repoint(final Extent seen, final long block) {
        final long chunk = seen.chunk();
        if (!tree.get(Key.hi(seen.branch(), chunk), Key.lo(chunk, 0), current.entry())
                || !current.verified(false).sameBlocks(seen)) {
            return false;
        }
        final int length = current.length();
        put(seen.branch(), chunk, length, current.birth(), block, current.checksums(), ExtentLayout.CHECKSUMS_OFFSET);
        return true;
    }

    /** Inserts or replaces the extent that starts at the chunk. */
    void put(
            final long branch,
            final long chunk,
            final int length,
            final long birth,
            final long block,
            final DirectBuffer checksums,
            final int index) {
        ExtentLayout.encode(value, birth, length, block);
        if (block != ExtentLayout.ZEROES) {
            value.putBytes(ExtentLayout.CHECKSUMS_OFFSET, checksums, index, length * SIZE_OF_INT);
        }
        put(branch, chunk, length, block);
    }

    /** Replaces an extent by itself and what follows it on the device: same birth, adjacent chunks, adjacent blocks. */
    void putJoined(final Extent left, final int length, final DirectBuffer checksums, final int index) {
        final int joined = left.length() + length;
        ExtentLayout.encode(value, left.birth(), joined, left.block());
        final int leftBytes = left.length() * SIZE_OF_INT;
        value.putBytes(ExtentLayout.CHECKSUMS_OFFSET, left.checksums(), ExtentLayout.CHECKSUMS_OFFSET, leftBytes);
        value.putBytes(ExtentLayout.CHECKSUMS_OFFSET + leftBytes, checksums, index, length * SIZE_OF_INT);
        put(left.branch(), left.chunk(), joined, left.block());
    }

    private void put(final long branch, final long chunk, final int length, final long block) {
        tree.put(Key.hi(branch, chunk), Key.lo(chunk, 0), value, 0, ExtentLayout.valueLength(length, block));
    }

    public boolean remove(final long branch, final long chunk) {
        return tree.remove(Key.hi(branch, chunk), Key.lo(chunk, 0));
    }
}
