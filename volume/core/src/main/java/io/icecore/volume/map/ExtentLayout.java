package io.icecore.volume.map;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.agrona.BitUtil.SIZE_OF_BYTE;
import static org.agrona.BitUtil.SIZE_OF_INT;
import static org.agrona.BitUtil.SIZE_OF_SHORT;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * Layout of the values of the trees head, recent and history. Little-endian.
 *
 * <pre>
 * tree             key                          epoch
 * ---------------  ---------------------------  -----------------------------------------
 * head             (branch, first chunk, 0)     birth: the epoch in which it was written
 * recent, history  (branch, first chunk, birth) death: the epoch in which it was replaced
 *
 * offset        size  field      content
 * ------  ----------  ---------  ----------------------------------------------------------------------------
 *      0           4  epoch      see above
 *      4           1  length     chunks, 1 to {@value #LENGTH_MAX}; in recent and history a power of two
 *      5           6  block      first block; {@value #ZEROES}: the extent reads as zeroes and has no blocks
 *     11  4 * length  checksums  CRC-32C of each chunk; none when block is {@value #ZEROES}
 * </pre>
 *
 * <p>Extents of the head are disjoint. Entries of recent and history are aligned: the first chunk is a multiple of the length.
 * So those with the same first chunk have disjoint lifetimes, and few first chunks can cover a given chunk.
 */
public final class ExtentLayout {
    /** Longest extent, in chunks. A power of two. */
    public static final int LENGTH_MAX = 64;

    /** In place of a block: reads as zeroes. Block 0 of a store never holds a chunk. */
    public static final long ZEROES = 0;

    public static final int EPOCH_OFFSET = 0;
    public static final int LENGTH_OFFSET = EPOCH_OFFSET + SIZE_OF_INT;
    public static final int BLOCK_OFFSET = LENGTH_OFFSET + SIZE_OF_BYTE;
    public static final int CHECKSUMS_OFFSET = BLOCK_OFFSET + SIZE_OF_INT + SIZE_OF_SHORT;
    public static final int VALUE_LENGTH_MAX = CHECKSUMS_OFFSET + LENGTH_MAX * SIZE_OF_INT;

    static {
        assert CHECKSUMS_OFFSET == 11;
        assert Integer.bitCount(LENGTH_MAX) == 1;
    }

    private ExtentLayout() {}

    /** Bytes of the value of an extent. */
    public static int valueLength(final int length, final long block) {
        return block == ZEROES ? CHECKSUMS_OFFSET : CHECKSUMS_OFFSET + length * SIZE_OF_INT;
    }

    static void encode(final MutableDirectBuffer value, final long epoch, final int length, final long block) {
        assert 0 < length && length <= LENGTH_MAX : length;
        value.putInt(EPOCH_OFFSET, (int) epoch, LITTLE_ENDIAN);
        value.putByte(LENGTH_OFFSET, (byte) length);
        value.putInt(BLOCK_OFFSET, (int) block, LITTLE_ENDIAN);
        value.putShort(BLOCK_OFFSET + SIZE_OF_INT, (short) (block >>> 32), LITTLE_ENDIAN);
    }

    public static long epoch(final DirectBuffer value) {
        return value.getInt(EPOCH_OFFSET, LITTLE_ENDIAN) & 0xFFFF_FFFFL;
    }

    public static int length(final DirectBuffer value) {
        return value.getByte(LENGTH_OFFSET) & 0xFF;
    }

    public static long block(final DirectBuffer value) {
        final long low = value.getInt(BLOCK_OFFSET, LITTLE_ENDIAN) & 0xFFFF_FFFFL;
        return (value.getShort(BLOCK_OFFSET + SIZE_OF_INT, LITTLE_ENDIAN) & 0xFFFFL) << 32 | low;
    }

    static int checksumIndex(final int ordinal) {
        return CHECKSUMS_OFFSET + ordinal * SIZE_OF_INT;
    }
}
