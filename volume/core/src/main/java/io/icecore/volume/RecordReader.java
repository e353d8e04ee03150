package io.icecore.volume;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.tree.TreeEntry;

/** Decodes what {@link RecordWriter} encoded. What does not fit is a {@link CorruptStoreException}. */
final class RecordReader {
    private TreeEntry entry;
    private String structure;
    private int at;

    /** Starts at the version byte and checks it. */
    RecordReader wrap(final TreeEntry entry, final String structure, final int version) {
        this.entry = entry;
        this.structure = structure;
        at = 0;
        final int found = getByte();
        if (found != version) {
            throw corrupt("record version " + found + " (expected: " + version + ")");
        }
        return this;
    }

    int getByte() {
        return entry.value.getByte(advance(Byte.BYTES)) & 0xFF;
    }

    int getShort() {
        return entry.value.getShort(advance(Short.BYTES), LITTLE_ENDIAN) & 0xFFFF;
    }

    long getInt() {
        return entry.value.getInt(advance(Integer.BYTES), LITTLE_ENDIAN) & 0xFFFF_FFFFL;
    }

    long getLong() {
        return entry.value.getLong(advance(Long.BYTES), LITTLE_ENDIAN);
    }

    String getName() {
        return string(getByte());
    }

    byte[] getBytes() {
        final int count = getShort();
        final byte[] bytes = new byte[Math.min(count, TreeEntry.VALUE_LENGTH_MAX)];
        entry.value.getBytes(advance(count), bytes);
        return bytes;
    }

    private String string(final int count) {
        final byte[] bytes = new byte[count];
        entry.value.getBytes(advance(count), bytes);
        return new String(bytes, UTF_8);
    }

    CorruptStoreException corrupt(final String problem) {
        return new CorruptStoreException(
                structure + " (" + entry.a() + ", " + entry.b() + ", " + entry.c() + ") of the catalogue", -1, problem);
    }

    private int advance(final int count) {
        final int start = at;
        if (count > entry.length() - start) {
            throw corrupt("length " + entry.length() + " (expected: >= " + (start + count) + ")");
        }
        at = start + count;
        return start;
    }
}
