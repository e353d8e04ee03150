package io.icecore.volume.map;

import static org.agrona.BitUtil.SIZE_OF_INT;

import io.icecore.store.tree.Key;
import io.icecore.store.tree.Seek;
import io.icecore.store.tree.Tree;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/** The history tree: versions that only snapshots still see. Lookups by any thread; changes under the store's lock. */
public final class HistoryMap {
    private final Tree tree;
    private final UnsafeBuffer value = new UnsafeBuffer(new byte[ExtentLayout.VALUE_LENGTH_MAX]);

    /** Used under the store's lock. */
    private final Extent current = new Extent();

    public HistoryMap(final Tree tree) {
        this.tree = tree;
    }

    /** What a lookup of a chunk at a snapshot found. */
    enum Found {
        VISIBLE,
        /** The branch had not written the chunk by then. */
        NOTHING,
        /** Only a version that was replaced by then; so another one should be there. */
        REPLACED
    }

    /**
     * Finds the entry that covers the chunk and is visible to the snapshot of this epoch.
     *
     * <p>Entries are aligned pieces, so those that can cover the chunk start at {@code chunk & -(2^i)}; entries with one
     * start have disjoint lifetimes, so one floor seek decides each start. Nearest first: 2 seeks on average, 7 at most. A
     * seek that finds an earlier start has shown that there is nothing at those between.
     */
    Found find(final long branch, final long chunk, final long epoch, final Extent into) {
        Found found = Found.NOTHING;
        long last = chunk; // Nothing that could matter starts after this.
        for (int length = 1; length <= ExtentLayout.LENGTH_MAX; length <<= 1) {
            final long start = chunk & -length;
            if (start > last) {
                continue;
            }
            if (!tree.floor(Key.hi(branch, start), Key.lo(start, epoch), into.entry()) || into.branch() != branch) {
                break;
            }
            last = Math.min(into.chunk(), start - 1);
            if (into.chunk() == start && into.verified(true).end() > chunk) {
                if (epoch < into.death()) {
                    return Found.VISIBLE;
                }
                found = Found.REPLACED;
            }
        }
        return found;
    }

    /** Finds the first entry at or after (chunk, birth); false when the branch has none. */
    public boolean ceiling(final long branch, final long chunk, final long birth, final Extent into) {
        return ceiling(branch, chunk, birth, false, into) == Seek.FOUND;
    }

    /** The same; see {@link Tree#ceiling(long, long, boolean, io.icecore.store.tree.TreeEntry)}. */
    public Seek ceiling(
            final long branch, final long chunk, final long birth, final boolean patient, final Extent into) {
        final Seek seek = tree.ceiling(Key.hi(branch, chunk), Key.lo(chunk, birth), patient, into.entry());
        if (seek == Seek.FOUND) {
            if (into.branch() != branch) {
                return Seek.NONE;
            }
            into.verified(true);
        }
        return seek;
    }

    /** Finds the first entry of any branch at or after (branch, chunk, birth). */
    public boolean next(final long branch, final long chunk, final long birth, final Extent into) {
        if (tree.ceiling(Key.hi(branch, chunk), Key.lo(chunk, birth), into.entry())) {
            into.verified(true);
            return true;
        }
        return false;
    }

    /** As {@link HeadMap#repoint}. */
    public boolean repoint(final Extent seen, final long block) {
        final long chunk = seen.chunk();
        if (!tree.get(Key.hi(seen.branch(), chunk), Key.lo(chunk, seen.birth()), current.entry())
                || !current.verified(true).sameBlocks(seen)) {
            return false;
        }
        put(
                seen.branch(),
                chunk,
                current.length(),
                seen.birth(),
                current.death(),
                block,
                current.checksums(),
                ExtentLayout.CHECKSUMS_OFFSET);
        return true;
    }

    /**
     * Inserts a version, cut into aligned pieces.
     *
     * @param checksums of its chunks from {@code index}; not read when the block is {@link ExtentLayout#ZEROES}
     */
    void put(
            final long branch,
            final long chunk,
            final int length,
            final long birth,
            final long death,
            final long block,
            final DirectBuffer checksums,
            final int index) {
        assert birth < death : birth + ", " + death;
        final long end = chunk + length;
        for (long from = chunk; from < end; ) {
            final int piece = pieceLength(from, end);
            final int done = (int) (from - chunk);
            final long pieceBlock = block == ExtentLayout.ZEROES ? ExtentLayout.ZEROES : block + done;
            ExtentLayout.encode(value, death, piece, pieceBlock);
            if (block != ExtentLayout.ZEROES) {
                final int checksumsIndex = index + done * SIZE_OF_INT;
                value.putBytes(ExtentLayout.CHECKSUMS_OFFSET, checksums, checksumsIndex, piece * SIZE_OF_INT);
            }
            final int valueLength = ExtentLayout.valueLength(piece, pieceBlock);
            tree.put(Key.hi(branch, from), Key.lo(from, birth), value, 0, valueLength);
            from += piece;
        }
    }

    /** Length of the longest aligned piece that starts at {@code from} and ends at {@code end} or before. */
    static int pieceLength(final long from, final long end) {
        int piece = ExtentLayout.LENGTH_MAX;
        while ((from & piece - 1) != 0 || from + piece > end) {
            piece >>= 1;
        }
        return piece;
    }

    public boolean remove(final long branch, final long chunk, final long birth) {
        return tree.remove(Key.hi(branch, chunk), Key.lo(chunk, birth));
    }
}
