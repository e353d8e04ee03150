package io.icecore.recovery.check;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A range of the device, two bits a block: has it an owner, and does the free-space map say that it is in use? Large
 * devices are looked at range by range, so that memory is bounded whatever their size. Bits may be set from several
 * threads at once.
 */
final class BlockRange {
    private static final VarHandle BITS = MethodHandles.arrayElementVarHandle(long[].class);

    /** Told of maximal runs of blocks with the same problem. */
    @FunctionalInterface
    interface RunVisitor {
        void run(long block, long count);
    }

    private final long first;
    private final long end;
    private final long[] owned;
    private final long[] used;

    BlockRange(final long first, final long end) {
        assert first < end;
        this.first = first;
        this.end = end;
        owned = new long[(int) ((end - first + 63) >>> 6)];
        used = new long[owned.length];
    }

    boolean contains(final long block) {
        return first <= block && block < end;
    }

    boolean overlaps(final long from, final long to) {
        return from < end && first < to;
    }

    /** Notes an owner of the block, which is in this range. False when it has one already. */
    boolean own(final long block) {
        final int word = (int) (block - first >>> 6);
        final long bit = 1L << (block - first);
        return ((long) BITS.getAndBitwiseOr(owned, word, bit) & bit) == 0;
    }

    /** What the free-space map says of a run, as far as that is in this range. */
    void use(final long block, final long count, final boolean inUse) {
        for (long at = Math.max(block, first); at < Math.min(block + count, end); at++) {
            final int word = (int) (at - first >>> 6);
            final long bit = 1L << (at - first);
            if (inUse) {
                BITS.getAndBitwiseOr(used, word, bit);
            } else {
                BITS.getAndBitwiseAnd(used, word, ~bit);
            }
        }
    }

    boolean used(final long block) {
        return (used[(int) (block - first >>> 6)] >>> (block - first) & 1) != 0;
    }

    long ownedCount() {
        return count(owned);
    }

    long usedCount() {
        return count(used);
    }

    private static long count(final long[] bits) {
        long count = 0;
        for (final long word : bits) {
            count += Long.bitCount(word);
        }
        return count;
    }

    /** Runs in use without an owner. */
    void ownerless(final RunVisitor visitor) {
        runs(used, owned, visitor);
    }

    /** Runs with an owner that are not in use. */
    void unprotected(final RunVisitor visitor) {
        runs(owned, used, visitor);
    }

    private void runs(final long[] bits, final long[] without, final RunVisitor visitor) {
        long start = -1;
        for (int word = 0; word < bits.length; word++) {
            final long set = bits[word] & ~without[word];
            if (set == (start < 0 ? 0 : -1L)) {
                continue;
            }
            for (int bit = 0; bit < 64; bit++) {
                final boolean here = (set >>> bit & 1) != 0;
                final long block = first + word * 64L + bit;
                if (here && start < 0) {
                    start = block;
                } else if (!here && start >= 0) {
                    visitor.run(start, block - start);
                    start = -1;
                }
            }
        }
        if (start >= 0) {
            visitor.run(start, end - start);
        }
    }
}
