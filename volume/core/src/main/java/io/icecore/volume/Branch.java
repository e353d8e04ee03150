package io.icecore.volume;

import io.icecore.store.format.CorruptStoreException;
import java.util.Arrays;
import org.agrona.collections.LongArrayList;

/**
 * One linear line of history of a volume. Used under the store's lock.
 *
 * <pre>
 * size  field         content
 *    1  version
 *    1  flags         1: has a head (else it is headless: rolled back or deleted)
 *                     2: discarded: nothing of it is kept any more, its snapshot records are leftovers
 *    8  volume
 *    4  parentBranch  branch that it reads through, 0: none
 *    4  parentEpoch   snapshot of that
 *    4  epoch         current: of the next snapshot, and birth of what is written now
 *    4  kept          snapshots kept: visible and hidden ones
 *    4  hidden        of these, the hidden ones
 *    4  held          of these, those with a hold
 *    8  written       chunks of the head born after the newest kept snapshot
 *    8  died          chunks of the history whose death is after the newest kept snapshot
 *    8  mapped        chunks of the head with a block
 * </pre>
 *
 * The last three change with every write; see {@link CommitNotes}. The kept epochs are read when they are needed.
 */
final class Branch {
    /** In place of an epoch: no snapshot is kept. */
    static final long NONE = -1;

    private static final int FLAG_HEAD = 1;
    private static final int FLAG_DISCARDED = 2;

    final long number;
    final long volume;
    long parentBranch;
    long parentEpoch;
    long epoch = 1;
    boolean head = true;
    boolean discarded;
    int hiddenCount;
    int heldCount;
    long writtenChunks;
    long diedChunks;
    long mappedChunks;

    /** Newest kept snapshot or {@link #NONE}: known even while the others have not been read. */
    private long newest = NONE;

    private int keptCount;
    private int changes;

    /** Those kept, from index {@code keptFrom}; null while they have not been read. */
    private long[] kept;

    private int keptFrom;

    Branch(final long number, final long volume) {
        this.number = number;
        this.volume = volume;
        kept = new long[0];
    }

    private Branch(final long number, final RecordReader reader) {
        this.number = number;
        final int flags = reader.getByte();
        head = (flags & FLAG_HEAD) != 0;
        discarded = (flags & FLAG_DISCARDED) != 0;
        volume = reader.getLong();
        parentBranch = reader.getInt();
        parentEpoch = reader.getInt();
        epoch = reader.getInt();
        keptCount = (int) reader.getInt();
        kept = keptCount == 0 ? new long[0] : null; // Records of a discarded branch are leftovers.
        hiddenCount = (int) reader.getInt();
        heldCount = (int) reader.getInt();
        writtenChunks = reader.getLong();
        diedChunks = reader.getLong();
        mappedChunks = reader.getLong();
    }

    /** Loads a branch without its kept epochs. */
    static Branch load(final CatalogueTree tree, final long number) {
        if (!tree.get(CatalogueTree.BRANCH, number, 0)) {
            throw new NoSuchException("no such branch: " + number);
        }
        final Branch branch = new Branch(number, tree.read("branch"));
        if (branch.keptCount > 0 && tree.previous(CatalogueTree.SNAPSHOT, number, branch.epoch)) {
            branch.newest = tree.sub();
        } else if (branch.keptCount > 0) {
            throw tree.read("branch").corrupt("no snapshot (expected: " + branch.keptCount + ")");
        }
        return branch;
    }

    /** Decodes the record that the tree has found, without its kept epochs. */
    static Branch read(final CatalogueTree tree) {
        return new Branch(tree.id(), tree.read("branch"));
    }

    void write(final CatalogueTree tree) {
        tree.write()
                .putByte((head ? FLAG_HEAD : 0) | (discarded ? FLAG_DISCARDED : 0))
                .putLong(volume)
                .putInt(parentBranch)
                .putInt(parentEpoch)
                .putInt(epoch)
                .putInt(keptCount)
                .putInt(hiddenCount)
                .putInt(heldCount)
                .putLong(writtenChunks)
                .putLong(diedChunks)
                .putLong(mappedChunks);
        tree.put(CatalogueTree.BRANCH, number, 0);
    }

    boolean hasParent() {
        return parentBranch != 0;
    }

    /** What a repair has counted; the epochs themselves are read again when they are needed. */
    void recount(final int keptNow, final int hiddenNow, final int heldNow) {
        keptCount = keptNow;
        hiddenCount = hiddenNow;
        heldCount = heldNow;
        kept = null;
    }

    /** No head and nothing kept: it is never read again. */
    boolean dead() {
        return !head && keptCount == 0;
    }

    long newest() {
        return newest;
    }

    int keptCount() {
        return keptCount;
    }

    int visibleCount() {
        return keptCount - hiddenCount;
    }

    // ---- kept epochs, ascending

    /** Reads the kept epochs if that has not been done. */
    Branch withKept(final CatalogueTree tree) {
        if (kept == null) {
            final long[] epochs = readKept(tree);
            if (epochs.length != keptCount) {
                throw new CorruptStoreException(
                        "branch " + number, -1, epochs.length + " snapshots (expected: " + keptCount + ")");
            }
            kept = epochs;
            keptFrom = 0;
        }
        return this;
    }

    /** Reads the kept epochs; needs no lock when the tree is the caller's own. */
    long[] readKept(final CatalogueTree tree) {
        final LongArrayList epochs = new LongArrayList();
        for (boolean more = tree.next(CatalogueTree.SNAPSHOT, number, 0);
                more;
                more = tree.next(CatalogueTree.SNAPSHOT, number, tree.sub() + 1)) {
            epochs.addLong(tree.sub());
        }
        return epochs.toLongArray();
    }

    boolean knowsKept() {
        return kept != null;
    }

    /** Takes over what {@link #readKept} read without the lock, unless snapshots have come or gone since. */
    void offerKept(final long[] epochs, final int changesBefore) {
        if (kept == null && changes == changesBefore && epochs.length == keptCount) {
            kept = epochs;
            keptFrom = 0;
        }
    }

    /** Counts changes of the kept snapshots. */
    int changes() {
        return changes;
    }

    long kept(final int ordinal) {
        assert ordinal < keptCount : ordinal;
        return kept[keptFrom + ordinal];
    }

    /** Ordinal of a kept epoch, or, if it is not kept, {@code -1 - ordinal} of the first one after it. */
    int ordinalOf(final long epoch) {
        final int index = Arrays.binarySearch(kept, keptFrom, keptFrom + keptCount, epoch);
        return index >= 0 ? index - keptFrom : index + keptFrom;
    }

    /** Ordinal of the first kept epoch at or after this one; {@link #keptCount()} when there is none. */
    int ordinalFrom(final long epoch) {
        final int ordinal = ordinalOf(epoch);
        return ordinal >= 0 ? ordinal : -1 - ordinal;
    }

    /** Whether some kept snapshot sees a version with this life. */
    boolean sees(final long birth, final long death) {
        final int ordinal = ordinalFrom(birth);
        return ordinal < keptCount && kept(ordinal) < death;
    }

    /** The current epoch becomes a kept snapshot; the next one begins. */
    void closeEpoch() {
        if (kept != null) {
            if (keptFrom + keptCount == kept.length) {
                final long[] grown = new long[Math.max(8, keptCount + (keptCount >> 1))];
                System.arraycopy(kept, keptFrom, grown, 0, keptCount);
                kept = grown;
                keptFrom = 0;
            }
            kept[keptFrom + keptCount] = epoch;
        }
        keptCount++;
        changes++;
        newest = epoch++;
    }

    /** Takes these epochs, all kept and ascending, out of the line. The oldest ones cost nothing to remove. */
    void unkeep(final long[] gone) {
        int removed = 0;
        while (removed < gone.length && kept[keptFrom] == gone[removed]) {
            keptFrom++;
            keptCount--;
            removed++;
        }
        if (removed < gone.length) {
            final int end = keptFrom + keptCount;
            int to = keptFrom + ordinalOf(gone[removed]);
            for (int from = to; from < end; from++) {
                if (removed < gone.length && kept[from] == gone[removed]) {
                    removed++;
                } else {
                    kept[to++] = kept[from];
                }
            }
            keptCount = to - keptFrom;
        }
        assert removed == gone.length : "not kept: " + gone[removed];
        changes++;
        newest = keptCount == 0 ? NONE : kept(keptCount - 1);
    }

    /** Nothing is kept any more, nor is the head: the snapshot records that are left mean nothing. */
    void discardAll() {
        head = false;
        discarded = true;
        changes++;
        kept = new long[0];
        keptFrom = 0;
        keptCount = 0;
        hiddenCount = 0;
        heldCount = 0;
        newest = NONE;
    }
}
