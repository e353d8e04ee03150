package io.icecore.store.format;

import io.icecore.store.device.IoBuffer;
import java.util.zip.CRC32C;
import org.agrona.DirectBuffer;

/** CRC-32C (Castagnoli), the one checksum of the store: of superblocks, nodes and data alike. */
public final class Checksum {
    private static final ThreadLocal<CRC32C> CRC = ThreadLocal.withInitial(CRC32C::new);

    private Checksum() {}

    /** Checksum of {@code length} bytes at {@code index}; works on heap and on direct buffers, changes neither. */
    public static int of(final DirectBuffer buffer, final int index, final int length) {
        final CRC32C crc = CRC.get();
        crc.reset();
        update(crc, buffer, index, length);
        return (int) crc.getValue();
    }

    /** Checksum of a structure that holds its own checksum: the 4 bytes at {@code hole} do not count. */
    public static int around(final DirectBuffer buffer, final int index, final int length, final int hole) {
        final CRC32C crc = CRC.get();
        crc.reset();
        update(crc, buffer, index, hole);
        update(crc, buffer, index + hole + Integer.BYTES, length - hole - Integer.BYTES);
        return (int) crc.getValue();
    }

    private static void update(final CRC32C crc, final DirectBuffer buffer, final int index, final int length) {
        buffer.boundsCheck(index, length);
        final byte[] array = buffer.byteArray();
        if (array != null) {
            crc.update(array, buffer.wrapAdjustment() + index, length);
        } else {
            crc.update(IoBuffer.bytes(buffer, index, length));
        }
    }
}
