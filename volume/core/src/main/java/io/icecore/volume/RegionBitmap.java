package io.icecore.volume;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.agrona.BitUtil.SIZE_OF_BYTE;
import static org.agrona.BitUtil.SIZE_OF_SHORT;

import io.icecore.store.format.CorruptStoreException;
import java.util.Arrays;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * One container of a region bitmap: {@value #REGIONS} regions of one chunk each. In memory a plain bitmap; in the tree
 * whichever of three encodings is shortest. Little-endian.
 *
 * <pre>
 * offset  size  field   content
 * ------  ----  ------  -----------------------------------------------------------------------------------------
 *      0     1  type    {@value #TYPE_ARRAY} array, {@value #TYPE_RUNS} runs, {@value #TYPE_BITMAP} bitmap
 *      1     1  shift   0 to {@value #SHIFT_MAX}: one bit stands for 2^shift regions
 *      2     n  array   bit (2) each, ascending
 *               runs    first bit (2), bits that follow it (2) each, ascending, with a gap between them
 *               bitmap  one bit each, least significant first
 * </pre>
 *
 * <p>A set bit may always be unnecessary, a clear bit is a promise. So a container that would be longer than
 * {@value #ENCODED_LENGTH_MAX} bytes is coarsened: neighbours share a bit, which is set when one of theirs is.
 */
public final class RegionBitmap {
    /** Regions in a container. */
    public static final int REGIONS = 1 << 16;

    public static final int CONTAINER_SHIFT = 16;
    static final int ENCODED_LENGTH_MAX = 1800;

    static final int TYPE_ARRAY = 1;
    static final int TYPE_RUNS = 2;
    static final int TYPE_BITMAP = 3;

    /** With this one the bitmap always fits. */
    static final int SHIFT_MAX = 3;

    private static final int TYPE_OFFSET = 0;
    private static final int SHIFT_OFFSET = TYPE_OFFSET + SIZE_OF_BYTE;
    private static final int BITS_OFFSET = SHIFT_OFFSET + SIZE_OF_BYTE;
    private static final int RUN_LENGTH = 2 * SIZE_OF_SHORT;

    static {
        assert BITS_OFFSET + (REGIONS >> SHIFT_MAX) / Byte.SIZE <= ENCODED_LENGTH_MAX;
    }

    private final long[] words = new long[REGIONS / Long.SIZE];

    public void clear() {
        Arrays.fill(words, 0);
    }

    public boolean get(final int region) {
        return (words[region >>> 6] >>> region & 1) != 0;
    }

    /** Sets the regions from {@code from} to before {@code end}. */
    void set(final int from, final int end) {
        assert 0 <= from && from <= end && end <= REGIONS : from + ", " + end;
        fill(from, end, true);
    }

    void clear(final int from, final int end) {
        assert 0 <= from && from <= end && end <= REGIONS : from + ", " + end;
        fill(from, end, false);
    }

    private void fill(final int from, final int end, final boolean value) {
        int region = from;
        while (region < end) {
            final int stop = Math.min(end, (region | 63) + 1);
            final long mask = -1L >>> 64 - (stop - region) << region;
            if (value) {
                words[region >>> 6] |= mask;
            } else {
                words[region >>> 6] &= ~mask;
            }
            region = stop;
        }
    }

    void or(final RegionBitmap other) {
        for (int i = 0; i < words.length; i++) {
            words[i] |= other.words[i];
        }
    }

    void and(final RegionBitmap other) {
        for (int i = 0; i < words.length; i++) {
            words[i] &= other.words[i];
        }
    }

    /** One step along a run of removed snapshots: what is set here and in {@code next} is a candidate; then or. */
    void accumulate(final RegionBitmap next, final RegionBitmap candidates) {
        for (int i = 0; i < words.length; i++) {
            candidates.words[i] |= words[i] & next.words[i];
            words[i] |= next.words[i];
        }
    }

    boolean isEmpty() {
        for (final long word : words) {
            if (word != 0) {
                return false;
            }
        }
        return true;
    }

    public int cardinality() {
        int count = 0;
        for (final long word : words) {
            count += Long.bitCount(word);
        }
        return count;
    }

    /** First set region at or after {@code from}, or -1. */
    public int nextSet(final int from) {
        return next(from, 0);
    }

    /** First clear region at or after {@code from}, or {@link #REGIONS}. */
    public int nextClear(final int from) {
        final int region = next(from, -1);
        return region < 0 ? REGIONS : region;
    }

    private int next(final int from, final long invert) {
        if (from >= REGIONS) {
            return -1;
        }
        int word = from >>> 6;
        long bits = (words[word] ^ invert) & -1L << from;
        while (bits == 0) {
            if (++word == words.length) {
                return -1;
            }
            bits = words[word] ^ invert;
        }
        return (word << 6) + Long.numberOfTrailingZeros(bits);
    }

    // ---- encoding

    /** Writes the shortest encoding that fits, and returns its length. The bitmap is not empty. */
    int encode(final MutableDirectBuffer target, final int index) {
        assert !isEmpty();
        RegionBitmap bits = this;
        for (int shift = 0; ; shift++) {
            final int arrayLength = bits.cardinality() * SIZE_OF_SHORT;
            final int runsLength = bits.runCount() * RUN_LENGTH;
            final int bitmapLength = (REGIONS >> shift) / Byte.SIZE;
            final int length = BITS_OFFSET + Math.min(bitmapLength, Math.min(arrayLength, runsLength));
            if (length <= ENCODED_LENGTH_MAX) {
                target.putByte(index + SHIFT_OFFSET, (byte) shift);
                final int bitsIndex = index + BITS_OFFSET;
                if (length == BITS_OFFSET + runsLength) {
                    target.putByte(index + TYPE_OFFSET, (byte) TYPE_RUNS);
                    bits.encodeRuns(target, bitsIndex);
                } else if (length == BITS_OFFSET + arrayLength) {
                    target.putByte(index + TYPE_OFFSET, (byte) TYPE_ARRAY);
                    bits.encodeArray(target, bitsIndex);
                } else {
                    target.putByte(index + TYPE_OFFSET, (byte) TYPE_BITMAP);
                    bits.encodeWords(target, bitsIndex, bitmapLength);
                }
                return length;
            }
            bits = bits.halved();
        }
    }

    private void encodeArray(final MutableDirectBuffer target, final int index) {
        int at = index;
        for (int bit = nextSet(0); bit >= 0; bit = nextSet(bit + 1)) {
            target.putShort(at, (short) bit, LITTLE_ENDIAN);
            at += SIZE_OF_SHORT;
        }
    }

    private void encodeRuns(final MutableDirectBuffer target, final int index) {
        int at = index;
        for (int bit = nextSet(0); bit >= 0; ) {
            final int end = nextClear(bit);
            target.putShort(at, (short) bit, LITTLE_ENDIAN);
            target.putShort(at + SIZE_OF_SHORT, (short) (end - bit - 1), LITTLE_ENDIAN);
            at += RUN_LENGTH;
            bit = nextSet(end);
        }
    }

    private void encodeWords(final MutableDirectBuffer target, final int index, final int length) {
        for (int at = 0; at < length; at += Long.BYTES) {
            target.putLong(index + at, words[at / Long.BYTES], LITTLE_ENDIAN);
        }
    }

    private int runCount() {
        int count = 0;
        long before = 0; // The last bit of the word before.
        for (final long word : words) {
            count += Long.bitCount(word & ~(word << 1 | before));
            before = word >>> 63;
        }
        return count;
    }

    /** One bit for each two of these. */
    private RegionBitmap halved() {
        final RegionBitmap half = new RegionBitmap();
        for (int i = 0; i < words.length; i++) {
            half.words[i >>> 1] |= evenBits(words[i] | words[i] >>> 1) << ((i & 1) << 5);
        }
        return half;
    }

    /** Gathers bits 0, 2, 4 ... 62 in the lower half. */
    private static long evenBits(final long word) {
        long bits = word & 0x5555_5555_5555_5555L;
        bits = (bits | bits >>> 1) & 0x3333_3333_3333_3333L;
        bits = (bits | bits >>> 2) & 0x0F0F_0F0F_0F0F_0F0FL;
        bits = (bits | bits >>> 4) & 0x00FF_00FF_00FF_00FFL;
        bits = (bits | bits >>> 8) & 0x0000_FFFF_0000_FFFFL;
        return (bits | bits >>> 16) & 0x0000_0000_FFFF_FFFFL;
    }

    // ---- decoding

    /** Adds what is encoded there. Throws {@link CorruptStoreException} when that is no container. */
    public void orEncoded(final DirectBuffer source, final int index, final int length) {
        final int shift = checkedShift(source, index, length);
        final int bitsIndex = index + BITS_OFFSET;
        final int bitsLength = length - BITS_OFFSET;
        switch (source.getByte(index + TYPE_OFFSET)) {
            case TYPE_ARRAY -> {
                for (int at = 0; at < bitsLength; at += SIZE_OF_SHORT) {
                    final int bit = unsignedShort(source, bitsIndex + at);
                    setBits(bit, bit + 1, shift);
                }
            }
            case TYPE_RUNS -> {
                for (int at = 0; at < bitsLength; at += RUN_LENGTH) {
                    final int bit = unsignedShort(source, bitsIndex + at);
                    setBits(bit, bit + 1 + unsignedShort(source, bitsIndex + at + SIZE_OF_SHORT), shift);
                }
            }
            default -> orWords(source, bitsIndex, bitsLength, shift);
        }
    }

    private void orWords(final DirectBuffer source, final int index, final int length, final int shift) {
        for (int at = 0; at < length; at += Long.BYTES) {
            long word = source.getLong(index + at, LITTLE_ENDIAN);
            while (word != 0) {
                final int bit = at * Byte.SIZE + Long.numberOfTrailingZeros(word);
                setBits(bit, bit + 1, shift);
                word &= word - 1;
            }
        }
    }

    private void setBits(final int from, final int end, final int shift) {
        if (end << shift > REGIONS) {
            throw corrupt("bit " + (end - 1) + " (expected: < " + (REGIONS >> shift) + ")");
        }
        fill(from << shift, end << shift, true);
    }

    /** True when the encoded container has all regions from {@code from} to before {@code end}. Decodes nothing else. */
    public static boolean encodedHasAll(
            final DirectBuffer source, final int index, final int length, final int from, final int end) {
        final int shift = checkedShift(source, index, length);
        final int first = from >> shift;
        final int last = end - 1 >> shift;
        final int bitsIndex = index + BITS_OFFSET;
        final int bitsLength = length - BITS_OFFSET;
        return switch (source.getByte(index + TYPE_OFFSET)) {
            case TYPE_ARRAY -> {
                final int at = floor(source, bitsIndex, bitsLength / SIZE_OF_SHORT, SIZE_OF_SHORT, first);
                final int lastAt = at + last - first;
                yield at >= 0
                        && lastAt < bitsLength / SIZE_OF_SHORT
                        && unsignedShort(source, bitsIndex + at * SIZE_OF_SHORT) == first
                        && unsignedShort(source, bitsIndex + lastAt * SIZE_OF_SHORT) == last;
            }
            case TYPE_RUNS -> {
                final int at = floor(source, bitsIndex, bitsLength / RUN_LENGTH, RUN_LENGTH, first);
                yield at >= 0
                        && unsignedShort(source, bitsIndex + at * RUN_LENGTH)
                                        + unsignedShort(source, bitsIndex + at * RUN_LENGTH + SIZE_OF_SHORT)
                                >= last;
            }
            default -> {
                boolean all = (last >> 3) < bitsLength;
                for (int bit = first; all && bit <= last; bit++) {
                    all = (source.getByte(bitsIndex + (bit >> 3)) >> (bit & 7) & 1) != 0;
                }
                yield all;
            }
        };
    }

    /** Ordinal of the last entry that is not above the bit, or -1. Entries begin with their bit. */
    private static int floor(
            final DirectBuffer source, final int index, final int count, final int entryLength, final int bit) {
        int low = 0;
        int high = count;
        while (low < high) {
            final int middle = low + high >>> 1;
            if (unsignedShort(source, index + middle * entryLength) <= bit) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low - 1;
    }

    private static int checkedShift(final DirectBuffer source, final int index, final int length) {
        if (length <= BITS_OFFSET || length > ENCODED_LENGTH_MAX) {
            throw corrupt("length " + length + " (expected: 3 to " + ENCODED_LENGTH_MAX + ")");
        }
        final int shift = source.getByte(index + SHIFT_OFFSET);
        if (shift < 0 || shift > SHIFT_MAX) {
            throw corrupt("shift " + shift + " (expected: 0 to " + SHIFT_MAX + ")");
        }
        final int type = source.getByte(index + TYPE_OFFSET);
        final int bitsLength = length - BITS_OFFSET;
        final boolean lengthFits = switch (type) {
            case TYPE_ARRAY -> bitsLength % SIZE_OF_SHORT == 0;
            case TYPE_RUNS -> bitsLength % RUN_LENGTH == 0;
            case TYPE_BITMAP -> bitsLength == (REGIONS >> shift) / Byte.SIZE;
            default -> throw corrupt("type " + type + " (expected: 1 to 3)");
        };
        if (!lengthFits) {
            throw corrupt("length " + length + " does not fit type " + type + ", shift " + shift);
        }
        return shift;
    }

    private static int unsignedShort(final DirectBuffer source, final int index) {
        return source.getShort(index, LITTLE_ENDIAN) & 0xFFFF;
    }

    private static CorruptStoreException corrupt(final String problem) {
        return new CorruptStoreException("region bitmap container", -1, problem);
    }
}
