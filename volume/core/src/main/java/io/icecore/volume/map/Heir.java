package io.icecore.volume.map;

import io.icecore.store.Store;
import org.agrona.DirectBuffer;

/**
 * Gives a branch, as its own, versions that it has read through its parent so far. They are born in epoch 0, before
 * everything the branch has written itself. Under the store's lock.
 */
public final class Heir {
    /** What the branch gained. */
    @FunctionalInterface
    public interface Gains {
        /** @param death {@link Extent#HEAD} or the epoch of the branch's own version that hides it */
        void gained(int chunks, long death);
    }

    /** In place of a death: the branch needs no inherited version there. */
    private static final long UNNEEDED = -1;

    private final Store store;
    private final HeadMap head;
    private final HistoryMap history;
    private final Extent own = new Extent();

    public Heir(final Store store, final HeadMap head, final HistoryMap history) {
        this.store = store;
        this.head = head;
        this.history = history;
    }

    /** Whether the branch needs an inherited version of the chunk. */
    public boolean needs(final long branch, final long oldestKept, final long chunk) {
        return death(branch, oldestKept, chunk) != UNNEEDED;
    }

    /**
     * Death that an inherited version would have: {@link Extent#HEAD} when the branch has none of its own, the birth of
     * the oldest one of its own when a kept snapshot is older than that, else {@link #UNNEEDED}.
     */
    private long death(final long branch, final long oldestKept, final long chunk) {
        long first = Extent.HEAD;
        if (head.covering(branch, chunk, own)) {
            first = own.birth();
        }
        long previous = -1;
        for (int length = 1; length <= ExtentLayout.LENGTH_MAX; length <<= 1) {
            final long start = chunk & -length;
            if (start != previous) {
                first = Math.min(first, oldestBirth(branch, start, chunk));
                previous = start;
            }
        }
        if (first == Extent.HEAD) {
            return Extent.HEAD;
        }
        return oldestKept < first ? first : UNNEEDED;
    }

    /** Birth of the oldest entry with this start that covers the chunk. */
    private long oldestBirth(final long branch, final long start, final long chunk) {
        for (long birth = 0; history.ceiling(branch, start, birth, own) && own.chunk() == start; ) {
            if (own.end() > chunk) {
                return own.birth();
            }
            birth = own.birth() + 1;
        }
        return Extent.HEAD;
    }

    /**
     * Hands over a run of chunks with settled blocks, or with none ({@link ExtentLayout#ZEROES}). Blocks of chunks that
     * the branch does not need are freed.
     *
     * @param oldestKept oldest kept snapshot of the branch, or {@link Extent#HEAD}
     */
    public void inherit(
            final long branch,
            final long oldestKept,
            final long chunk,
            final int count,
            final long block,
            final DirectBuffer checksums,
            final int index,
            final Gains gains) {
        int done = 0;
        while (done < count) {
            final long death = death(branch, oldestKept, chunk + done);
            int stop = done + 1;
            while (stop < count && death(branch, oldestKept, chunk + stop) == death) {
                stop++;
            }
            final long from = chunk + done;
            final int length = stop - done;
            final long firstBlock = block == ExtentLayout.ZEROES ? block : block + done;
            final int sums = index + done * Integer.BYTES;
            if (death == Extent.HEAD) {
                head.put(branch, from, length, 0, firstBlock, checksums, sums);
            } else if (death != UNNEEDED) {
                history.put(branch, from, length, 0, death, firstBlock, checksums, sums);
            }
            if (block != ExtentLayout.ZEROES) {
                if (death == UNNEEDED) {
                    store.free(firstBlock, length);
                } else {
                    gains.gained(length, death);
                }
            }
            done = stop;
        }
    }

    /** Hands over what an extent of the parent holds. The caller has taken it out of the tree. */
    public void inherit(final long branch, final long oldestKept, final Extent extent, final Gains gains) {
        inherit(
                branch,
                oldestKept,
                extent.chunk(),
                extent.length(),
                extent.block(),
                extent.checksums(),
                ExtentLayout.CHECKSUMS_OFFSET,
                gains);
    }
}
