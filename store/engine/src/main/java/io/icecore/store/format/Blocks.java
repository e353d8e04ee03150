package io.icecore.store.format;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/** Block numbers on the device: unsigned 48 bits, little-endian. */
public final class Blocks {
    public static final int LENGTH = 6;

    private Blocks() {}

    public static void put(final MutableDirectBuffer buffer, final int index, final long block) {
        assert 0 <= block && block < 1L << 48 : block;
        buffer.putInt(index, (int) block, LITTLE_ENDIAN);
        buffer.putShort(index + 4, (short) (block >>> 32), LITTLE_ENDIAN);
    }

    public static long get(final DirectBuffer buffer, final int index) {
        return Integer.toUnsignedLong(buffer.getInt(index, LITTLE_ENDIAN))
                | (long) Short.toUnsignedInt(buffer.getShort(index + 4, LITTLE_ENDIAN)) << 32;
    }
}
