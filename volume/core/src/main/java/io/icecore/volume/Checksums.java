package io.icecore.volume;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.icecore.store.device.IoBuffer;
import java.util.zip.CRC32C;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/** CRC-32C of chunks, wherever their bytes are. One for each thread. */
final class Checksums {
    private final CRC32C crc = new CRC32C();
    private final byte[] copy = new byte[VolumeData.CHUNK_LENGTH];

    /** Of the chunk at this index. */
    int of(final DirectBuffer source, final int index) {
        crc.reset();
        if (source.byteArray() != null) {
            crc.update(source.byteArray(), source.wrapAdjustment() + index, VolumeData.CHUNK_LENGTH);
        } else if (source.byteBuffer() != null) {
            crc.update(IoBuffer.bytes(source, index, VolumeData.CHUNK_LENGTH));
        } else {
            source.getBytes(index, copy);
            crc.update(copy, 0, copy.length);
        }
        return (int) crc.getValue();
    }

    /** Puts the checksums of {@code count} chunks from {@code index}, 4 bytes each, little-endian. */
    void putAll(final DirectBuffer source, final int index, final int count, final MutableDirectBuffer target) {
        for (int i = 0; i < count; i++) {
            target.putInt(i * Integer.BYTES, of(source, index + i * VolumeData.CHUNK_LENGTH), LITTLE_ENDIAN);
        }
    }
}
