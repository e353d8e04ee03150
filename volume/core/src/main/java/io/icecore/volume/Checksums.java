package io.icecore.volume;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/** CRC-32C of chunks, wherever their bytes are. Allocates nothing for a chunk. One for each thread. */
final class Checksums {
    private final CRC32C crc = new CRC32C();
    private final byte[] copy = new byte[VolumeData.CHUNK_LENGTH];
    private DirectBuffer source;
    private ByteBuffer view;

    /** The chunks that follow are in this buffer. */
    Checksums of(final DirectBuffer source) {
        this.source = source;
        view = source.byteArray() == null && source.byteBuffer() != null
                ? source.byteBuffer().duplicate().clear()
                : null;
        return this;
    }

    void release() {
        source = null;
        view = null;
    }

    /** Of the chunk at this index. */
    int at(final int index) {
        crc.reset();
        if (source.byteArray() != null) {
            crc.update(source.byteArray(), source.wrapAdjustment() + index, VolumeData.CHUNK_LENGTH);
        } else if (view != null) {
            final int from = source.wrapAdjustment() + index;
            crc.update(view.limit(from + VolumeData.CHUNK_LENGTH).position(from));
        } else {
            source.getBytes(index, copy);
            crc.update(copy, 0, copy.length);
        }
        return (int) crc.getValue();
    }

    /** Puts the checksums of {@code count} chunks from {@code index}, 4 bytes each, little-endian. */
    void putAll(final int index, final int count, final MutableDirectBuffer target) {
        for (int i = 0; i < count; i++) {
            target.putInt(i * Integer.BYTES, at(index + i * VolumeData.CHUNK_LENGTH), LITTLE_ENDIAN);
        }
    }
}
