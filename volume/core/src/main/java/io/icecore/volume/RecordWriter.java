package io.icecore.volume;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.icecore.store.tree.TreeEntry;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Encodes one record of the catalogue, field after field. Little-endian; a string is its length in bytes (1 or 2 bytes)
 * and UTF-8. A record that gets too long is an {@link IllegalArgumentException}: what people chose was too much.
 */
final class RecordWriter {
    final UnsafeBuffer buffer = new UnsafeBuffer(new byte[TreeEntry.VALUE_LENGTH_MAX]);
    private int length;

    RecordWriter start(final int version) {
        length = 0;
        return putByte(version);
    }

    int length() {
        return length;
    }

    RecordWriter putByte(final int value) {
        buffer.putByte(advance(Byte.BYTES), (byte) value);
        return this;
    }

    RecordWriter putShort(final int value) {
        buffer.putShort(advance(Short.BYTES), (short) value, LITTLE_ENDIAN);
        return this;
    }

    RecordWriter putInt(final long value) {
        assert value >>> 32 == 0 : value;
        buffer.putInt(advance(Integer.BYTES), (int) value, LITTLE_ENDIAN);
        return this;
    }

    RecordWriter putLong(final long value) {
        buffer.putLong(advance(Long.BYTES), value, LITTLE_ENDIAN);
        return this;
    }

    /** At most 255 bytes. */
    RecordWriter putName(final String value) {
        final byte[] bytes = value.getBytes(UTF_8);
        assert bytes.length <= 0xFF : bytes.length;
        putByte(bytes.length);
        buffer.putBytes(advance(bytes.length), bytes);
        return this;
    }

    RecordWriter putBytes(final byte[] bytes) {
        putShort(bytes.length);
        buffer.putBytes(advance(bytes.length), bytes);
        return this;
    }

    private int advance(final int count) {
        final int at = length;
        if (count > buffer.capacity() - at) {
            throw new IllegalArgumentException(
                    "record too long: names, labels and holds together take more than " + buffer.capacity() + " bytes");
        }
        length = at + count;
        return at;
    }
}
