package io.icecore.volume.map;

import static org.agrona.BitUtil.SIZE_OF_INT;

import io.icecore.store.tree.Key;
import io.icecore.store.tree.Seek;
import io.icecore.store.tree.Tree;
import io.icecore.store.tree.TreeEntry;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * The history: versions that only snapshots still see. Lookups by any thread; changes under the store's lock.
 *
 * <p>It is kept in two trees of one layout. What leaves the head goes to the <em>recent</em> one, which is small: its leaves
 * are in the processor's caches, and many of the versions that a commit saves share one. {@code RecentDrain} moves it on to the
 * <em>old</em> one, in the order of keys, so many at a time that several go to each leaf.
 * <ul>
 *   <li>H1. A version is in one of the two, at every moment.</li>
 *   <li>H2. It moves one way only, and {@link Tree#moves} has changed for whoever no longer finds it in the recent tree.</li>
 * </ul>
 */
public final class HistoryMap {
    private final Tree recent;
    private final Tree old;
    private final UnsafeBuffer value = new UnsafeBuffer(new byte[ExtentLayout.VALUE_LENGTH_MAX]);

    /** Used under the store's lock. */
    private final Extent current = new Extent();

    public HistoryMap(final Tree recent, final Tree old) {
        this.recent = recent;
        this.old = old;
    }

    /** What a lookup of a chunk at a snapshot found. */
    enum Found {
        VISIBLE,
        /** The branch had not written the chunk by then. */
        NOTHING,
        /** Only a version that was replaced by then; so another one should be there. */
        REPLACED
    }

    /** Finds the entry that covers the chunk and is visible to the snapshot of this epoch. */
    Found find(final long branch, final long chunk, final long epoch, final Extent into) {
        while (true) {
            final long moves = recent.moves();
            final Found inOld = find(old, branch, chunk, epoch, into);
            if (inOld == Found.VISIBLE) {
                return inOld;
            }
            final Found found = find(recent, branch, chunk, epoch, into);
            if (found == Found.VISIBLE || moves == recent.moves()) { // H2: else it may have passed by between the two.
                return found == Found.NOTHING ? inOld : found;
            }
        }
    }

    /** As {@link #find}, where the old tree alone tells. When it does not, the recent one, or the head, may have it. */
    boolean isOld(final long branch, final long chunk, final long epoch, final Extent into) {
        return find(old, branch, chunk, epoch, into) == Found.VISIBLE;
    }

    /**
     * Entries are aligned pieces, so those that can cover the chunk start at {@code chunk & -(2^i)}; entries with one
     * start have disjoint lifetimes, so one floor seek decides each start. Nearest first: 2 seeks on average, 7 at most. A
     * seek that finds an earlier start has shown that there is nothing at those between.
     */
    private static Found find(
            final Tree tree, final long branch, final long chunk, final long epoch, final Extent into) {
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
        final Seek seek = ceiling(Key.hi(branch, chunk), Key.lo(chunk, birth), patient, into.entry());
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
        if (ceiling(Key.hi(branch, chunk), Key.lo(chunk, birth), false, into.entry()) == Seek.FOUND) {
            into.verified(true);
            return true;
        }
        return false;
    }

    private Seek ceiling(final long hi, final long lo, final boolean patient, final TreeEntry into) {
        while (true) {
            final Seek inRecent = recent.ceiling(hi, lo, patient, into); // First, see H2.
            if (inRecent == Seek.UNREAD) {
                return inRecent;
            }
            final long recentHi = into.hi();
            final long recentLo = into.lo();
            final Seek inOld = old.ceiling(hi, lo, patient, into); // Second: mostly it is this one.
            if (inRecent == Seek.NONE
                    || inOld == Seek.UNREAD
                    || inOld == Seek.FOUND && Key.compare(into.hi(), into.lo(), recentHi, recentLo) <= 0) {
                return inOld;
            }
            final Seek again = recent.ceiling(recentHi, recentLo, patient, into);
            if (again == Seek.UNREAD || again == Seek.FOUND && into.hi() == recentHi && into.lo() == recentLo) {
                return again;
            }
        }
    }

    /** Has the leaf read that a version of this key would be put into. */
    void touch(final long branch, final long chunk, final long birth, final Extent into) {
        recent.ceiling(Key.hi(branch, chunk), Key.lo(chunk, birth), into.entry());
    }

    /** As {@link HeadMap#repoint}. */
    public boolean repoint(final Extent seen, final long block) {
        final long hi = Key.hi(seen.branch(), seen.chunk());
        final long lo = Key.lo(seen.chunk(), seen.birth());
        final Tree tree = recent.get(hi, lo, current.entry()) ? recent : old;
        if (tree == old && !old.get(hi, lo, current.entry())
                || !current.verified(true).sameBlocks(seen)) {
            return false;
        }
        put(
                tree,
                seen.branch(),
                seen.chunk(),
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
        put(recent, branch, chunk, length, birth, death, block, checksums, index);
    }

    private void put(
            final Tree tree,
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
        final long hi = Key.hi(branch, chunk);
        final long lo = Key.lo(chunk, birth);
        return recent.remove(hi, lo) || old.remove(hi, lo);
    }
}
