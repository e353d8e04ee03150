package io.icecore.store.format;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/** Entries of the space log, in superblocks and spill nodes: first block (6), count (2) with the top bit for a free. */
public final class SpaceEntries {
    private static final int FREE = 0x8000;

    private SpaceEntries() {}

    /** @param count 1 to 32767 blocks allocated, or negative: freed */
    public static void put(final MutableDirectBuffer buffer, final int index, final long block, final long count) {
        assert count != 0 && Math.abs(count) < FREE : count;
        Blocks.put(buffer, index, block);
        buffer.putShort(index + Blocks.LENGTH, (short) (count > 0 ? count : FREE | -count), LITTLE_ENDIAN);
    }

    public static long block(final DirectBuffer buffer, final int index) {
        return Blocks.get(buffer, index);
    }

    public static long count(final DirectBuffer buffer, final int index) {
        final int word = Short.toUnsignedInt(buffer.getShort(index + Blocks.LENGTH, LITTLE_ENDIAN));
        return word < FREE ? word : -(word & ~FREE);
    }
}
