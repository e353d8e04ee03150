package io.icecore.store.space;

import java.util.Arrays;

/**
 * One segment that the map has in memory: what is allocated in it, and what must not be allocated though it is free.
 *
 * <pre>
 *                    allocate            settle
 *   free ---------------------> in flight ------> used --free--> pending --(commit after next durable)--> free
 *     ^-------------abandon--------'
 *
 *   used:     bit in used
 *   withheld: in flight or pending, bit in withheld
 *   fenced:   a superblock slot, or behind the end of the store: never allocated
 * </pre>
 *
 * A segment is in exactly one of the four states block by block (S1). Until its base is loaded from the space tree,
 * changes are kept as masks: {@code known} says which bits of {@code used} are decided.
 */
final class Segment {
    final long number;
    final long[] used;
    final long[] withheld;
    private final long[] fenced;
    private long[] known;
    int withheldCount;

    /** Differs from the space tree. */
    boolean touched;

    /** Being filled. */
    boolean active;

    Segment(final long number, final int words) {
        this.number = number;
        used = new long[words];
        withheld = new long[words];
        fenced = new long[words];
        known = new long[words];
    }

    boolean loaded() {
        return known == null;
    }

    /** Fills in what the space tree says of the blocks that have not changed since. */
    void load(final SegmentSource source) {
        if (loaded()) {
            return;
        }
        final long[] base = new long[used.length];
        source.load(number, base);
        for (int word = 0; word < used.length; word++) {
            used[word] = used[word] & known[word] | base[word] & ~known[word];
        }
        known = null;
    }

    /** Range of bits becomes used or free. */
    void set(final int from, final int count, final boolean value) {
        for (int bit = from; bit < from + count; bit++) {
            final long mask = 1L << bit;
            assert !decided(bit) || (used[bit >> 6] & mask) != 0 != value
                    : (value ? "allocated twice: " : "freed twice: ") + (number * used.length * 64L + bit);
            if (value) {
                used[bit >> 6] |= mask;
            } else {
                used[bit >> 6] &= ~mask;
            }
            if (known != null) {
                known[bit >> 6] |= mask;
            }
        }
        touched = true;
    }

    private boolean decided(final int bit) {
        return known == null || (known[bit >> 6] & 1L << bit) != 0;
    }

    /** As {@link #set}, of an entry read from the device: only the last word on each block counts. */
    void replay(final int from, final int count, final boolean value) {
        assert !loaded();
        for (int bit = from; bit < from + count; bit++) {
            known[bit >> 6] |= 1L << bit;
            used[bit >> 6] = value ? used[bit >> 6] | 1L << bit : used[bit >> 6] & ~(1L << bit);
        }
        touched = true;
    }

    /** Blocks that can never be allocated. */
    void fence(final long[] bits) {
        System.arraycopy(bits, 0, fenced, 0, bits.length);
    }

    void withhold(final int from, final int count) {
        for (int bit = from; bit < from + count; bit++) {
            assert (withheld[bit >> 6] & 1L << bit) == 0 : "withheld twice: segment " + number + " bit " + bit;
            withheld[bit >> 6] |= 1L << bit;
        }
        withheldCount += count;
    }

    void release(final int from, final int count) {
        for (int bit = from; bit < from + count; bit++) {
            assert (withheld[bit >> 6] & 1L << bit) != 0 : "not withheld: segment " + number + " bit " + bit;
            withheld[bit >> 6] &= ~(1L << bit);
        }
        withheldCount -= count;
    }

    /** First block at or after {@code from} that can be allocated, or -1. The base is loaded. */
    int nextAvailable(final int from) {
        assert loaded();
        for (int word = from >> 6; word < used.length; word++) {
            long available = ~(used[word] | withheld[word] | fenced[word]);
            if (word == from >> 6) {
                available &= -1L << from;
            }
            if (available != 0) {
                return word * 64 + Long.numberOfTrailingZeros(available);
            }
        }
        return -1;
    }

    /** How many blocks from {@code from} on can be allocated in a row, at most {@code max}. */
    int availableRun(final int from, final int max) {
        int count = 0;
        for (int bit = from; count < max && bit < used.length * 64; bit++, count++) {
            if (((used[bit >> 6] | withheld[bit >> 6] | fenced[bit >> 6]) & 1L << bit) != 0) {
                break;
            }
        }
        return count;
    }

    /** Not a block of it is used, in flight or pending. */
    boolean empty() {
        assert loaded();
        return withheldCount == 0 && Arrays.stream(used).allMatch(word -> word == 0);
    }

    int usedCount() {
        assert loaded();
        int count = 0;
        for (final long word : used) {
            count += Long.bitCount(word);
        }
        return count;
    }

    int availableCount() {
        assert loaded();
        int count = 0;
        for (int word = 0; word < used.length; word++) {
            count += Long.bitCount(~(used[word] | withheld[word] | fenced[word]));
        }
        return count;
    }
}
