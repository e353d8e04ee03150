package io.icecore.store.format;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.util.UUID;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * One tree node: a sorted list of entries with values of any length. One block, little-endian, self-identifying.
 *
 * <pre>
 * offset           size  field       content
 * ---------  ----------  ----------  ---------------------------------------------------------------
 *       0             4  magic       "ICEN"
 *       4             4  checksum    CRC-32C of the block without this field
 *       8             1  tree        number of the tree, which is the number of its root
 *       9             1  level       0 for a leaf
 *      10             2  count       entries; 0 only in a leaf that is the root
 *      12             2  heapStart   lowest byte in use by values
 *      14             1  keyLength   bytes k of a key that each entry has for itself: 0 to 8, or 14, always in an inner node
 *      15             1  reserved    zero
 *      16             8  block       own block
 *      24             8  generation  of the commit that wrote it
 *      32            16  storeId
 *      48            14  common      what all keys share: hi (6), lo (8), its low k bytes zero; all zero when k is 14
 *      62  (k + 2) * n   entries     ascending: low k bytes of the key, or all 14, lo first; where its value starts (2)
 * heapStart          -   values      length (2), value; from the end of the block downwards, without gaps
 *
 * value in an inner node: block of the child (6), its generation (8); keys of a child are at or above its entry's key,
 * except that the first child takes everything below as well
 * </pre>
 *
 * <p>Keys stand side by side, because a search costs what it touches: few lines of memory instead of one for each entry
 * it looks at. Keys of a leaf are near each other, and take the room only of what tells them apart. A key that lies between
 * two others shares what they share; so only one that comes first or last can make the keys of a leaf longer.
 *
 * <p>Values lie without gaps: removal closes the hole at once, so that free space is always one piece.
 */
public final class NodePage {
    public static final int POINTER_LENGTH = Blocks.LENGTH + Long.BYTES;

    private static final int MAGIC = 0x4E45_4349;
    private static final int CHECKSUM_OFFSET = 4;
    private static final int TREE_OFFSET = 8;
    private static final int LEVEL_OFFSET = 9;
    private static final int COUNT_OFFSET = 10;
    private static final int HEAP_START_OFFSET = 12;
    private static final int KEY_LENGTH_OFFSET = 14;
    private static final int RESERVED_OFFSET = 15;
    private static final int BLOCK_OFFSET = 16;
    private static final int GENERATION_OFFSET = 24;
    private static final int STORE_ID_OFFSET = 32;
    private static final int COMMON_HI_OFFSET = 48;
    private static final int COMMON_LO_OFFSET = COMMON_HI_OFFSET + Blocks.LENGTH;
    private static final int ENTRIES_OFFSET = COMMON_LO_OFFSET + Long.BYTES;

    private static final int WHOLE_KEY_LENGTH = Long.BYTES + Blocks.LENGTH;
    private static final int VALUE_START_LENGTH = 2;
    private static final int VALUE_LENGTH_LENGTH = 2;

    /** Bytes for entries and their values. */
    public static final int ROOM = BLOCK_LENGTH - ENTRIES_OFFSET;

    static {
        assert ENTRIES_OFFSET == 62;
    }

    private final UnsafeBuffer buffer;

    /** An empty node over new memory. */
    public NodePage(final int tree, final int level) {
        this(new UnsafeBuffer(new byte[BLOCK_LENGTH]));
        buffer.putInt(0, MAGIC, LITTLE_ENDIAN);
        buffer.putByte(TREE_OFFSET, (byte) tree);
        buffer.putByte(LEVEL_OFFSET, (byte) level);
        heapStart(BLOCK_LENGTH);
        keyLength(level == 0 ? 0 : WHOLE_KEY_LENGTH);
    }

    /** A node over an image as read from the device; {@link #verify} says whether it is one. */
    public NodePage(final UnsafeBuffer image) {
        assert image.capacity() == BLOCK_LENGTH;
        buffer = image;
    }

    /** The same node over memory of its own. */
    public NodePage copy() {
        final UnsafeBuffer copy = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
        copy.putBytes(0, buffer, 0, BLOCK_LENGTH);
        return new NodePage(copy);
    }

    public DirectBuffer image() {
        return buffer;
    }

    public int tree() {
        return buffer.getByte(TREE_OFFSET);
    }

    public int level() {
        return buffer.getByte(LEVEL_OFFSET);
    }

    public int count() {
        return Short.toUnsignedInt(buffer.getShort(COUNT_OFFSET, LITTLE_ENDIAN));
    }

    public long block() {
        return buffer.getLong(BLOCK_OFFSET, LITTLE_ENDIAN);
    }

    public long generation() {
        return buffer.getLong(GENERATION_OFFSET, LITTLE_ENDIAN);
    }

    public int freeBytes() {
        return heapStart() - ENTRIES_OFFSET - entryLength() * count();
    }

    public int usedBytes() {
        return ROOM - freeBytes();
    }

    /** Bytes that an entry takes here, if its key makes no key longer. */
    public int entryBytes(final int valueLength) {
        return entryLength() + VALUE_LENGTH_LENGTH + valueLength;
    }

    /** Whether the node has room for one more entry. */
    public boolean takes(final long hi, final long lo, final int valueLength) {
        final int longer = keyLengthWith(hi, lo) - keyLength();
        return freeBytes() >= entryBytes(valueLength) + longer * (count() + 1);
    }

    /** Whether all keys stay as short as they are when this one joins them. */
    public boolean shares(final long hi, final long lo) {
        return keyLengthWith(hi, lo) == keyLength();
    }

    /** Used bytes if the entries of the other node, all above those of this one, were appended. Neither is empty. */
    public int usedBytesWith(final NodePage other) {
        final int count = count();
        final int otherCount = other.count();
        final int length =
                Math.max(keyLength(), keyLengthOf(hi(0), lo(0), other.hi(otherCount - 1), other.lo(otherCount - 1)));
        return usedBytes()
                + other.usedBytes()
                + (length - keyLength()) * count
                + (length - other.keyLength()) * otherCount;
    }

    public long hi(final int entry) {
        final int at = entryIndex(entry);
        return keyLength() == WHOLE_KEY_LENGTH
                ? Blocks.get(buffer, at + Long.BYTES)
                : Blocks.get(buffer, COMMON_HI_OFFSET);
    }

    public long lo(final int entry) {
        final int at = entryIndex(entry);
        return commonLo() | buffer.getLong(at, LITTLE_ENDIAN) & ownMask(keyLength());
    }

    /** Of an inner node: changes the key of an entry, which keeps its place. */
    public void key(final int entry, final long hi, final long lo) {
        assert level() > 0;
        putKey(entryIndex(entry), WHOLE_KEY_LENGTH, hi, lo);
    }

    public int valueLength(final int entry) {
        return Short.toUnsignedInt(buffer.getShort(valueStart(entry), LITTLE_ENDIAN));
    }

    /** Index of the value within {@link #image()}. */
    public int valueIndex(final int entry) {
        return valueStart(entry) + VALUE_LENGTH_LENGTH;
    }

    /** The last entry whose key is not above (hi, lo); -1 when all are. */
    public int floor(final long hi, final long lo) {
        final int length = keyLength();
        final int last = count() - 1;
        if (length == WHOLE_KEY_LENGTH) {
            return floorOfWhole(hi, lo, last);
        }
        final long mask = ownMask(length);
        final long commonHi = Blocks.get(buffer, COMMON_HI_OFFSET);
        final int side = hi != commonHi ? Long.compare(hi, commonHi) : Long.compareUnsigned(lo & ~mask, commonLo());
        if (side != 0) {
            return side < 0 ? -1 : last;
        }
        final long own = lo & mask;
        final int stride = length + VALUE_START_LENGTH;
        int low = 0;
        int high = last;
        while (low <= high) {
            final int middle = (low + high) >>> 1;
            final long key = buffer.getLong(ENTRIES_OFFSET + middle * stride, LITTLE_ENDIAN) & mask;
            if (Long.compareUnsigned(key, own) <= 0) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return high;
    }

    private int floorOfWhole(final long hi, final long lo, final int last) {
        final int stride = WHOLE_KEY_LENGTH + VALUE_START_LENGTH;
        int low = 0;
        int high = last;
        while (low <= high) {
            final int middle = (low + high) >>> 1;
            final int at = ENTRIES_OFFSET + middle * stride;
            final long entryHi = Blocks.get(buffer, at + Long.BYTES);
            if (entryHi < hi || entryHi == hi && Long.compareUnsigned(buffer.getLong(at, LITTLE_ENDIAN), lo) <= 0) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return high;
    }

    /** Negative, zero or positive as the entry's key is below, at or above (hi, lo). */
    public int compare(final int entry, final long hi, final long lo) {
        final long entryHi = hi(entry);
        return entryHi != hi ? Long.compare(entryHi, hi) : Long.compareUnsigned(lo(entry), lo);
    }

    /** Inserts before {@code entry}. The node {@link #takes} it. */
    public void insert(
            final int entry,
            final long hi,
            final long lo,
            final DirectBuffer value,
            final int index,
            final int length) {
        assert takes(hi, lo, length) : length + " into " + freeBytes();
        final int count = count();
        lengthenKeys(keyLengthWith(hi, lo), hi, lo);
        final int start = heapStart() - VALUE_LENGTH_LENGTH - length;
        heapStart(start);
        buffer.putShort(start, (short) length, LITTLE_ENDIAN);
        buffer.putBytes(start + VALUE_LENGTH_LENGTH, value, index, length);
        final int stride = entryLength();
        final int at = ENTRIES_OFFSET + stride * entry;
        buffer.putBytes(at + stride, buffer, at, stride * (count - entry));
        putKey(at, keyLength(), hi, lo);
        buffer.putShort(at + keyLength(), (short) start, LITTLE_ENDIAN);
        buffer.putShort(COUNT_OFFSET, (short) (count + 1), LITTLE_ENDIAN);
    }

    /** Removes the entry and closes the gap it leaves. */
    public void remove(final int entry) {
        final int count = count();
        final int start = valueStart(entry);
        final int length = VALUE_LENGTH_LENGTH + valueLength(entry);
        final int heapStart = heapStart();
        buffer.putBytes(heapStart + length, buffer, heapStart, start - heapStart);
        final int stride = entryLength();
        final int at = entryIndex(entry);
        buffer.putBytes(at, buffer, at + stride, stride * (count - 1 - entry));
        final int end = ENTRIES_OFFSET + stride * (count - 1);
        for (int s = ENTRIES_OFFSET + keyLength(); s < end; s += stride) {
            final int other = Short.toUnsignedInt(buffer.getShort(s, LITTLE_ENDIAN));
            if (other < start) {
                buffer.putShort(s, (short) (other + length), LITTLE_ENDIAN);
            }
        }
        buffer.setMemory(end, stride, (byte) 0);
        buffer.setMemory(heapStart, length, (byte) 0); // Bytes not in use are zero, so that equal nodes are equal.
        heapStart(heapStart + length);
        buffer.putShort(COUNT_OFFSET, (short) (count - 1), LITTLE_ENDIAN);
        if (count == 1 && level() == 0) {
            buffer.setMemory(COMMON_HI_OFFSET, WHOLE_KEY_LENGTH, (byte) 0);
            keyLength(0);
        }
    }

    /** Overwrites a value by one of the same length. */
    public void replace(final int entry, final DirectBuffer value, final int index, final int length) {
        assert length == valueLength(entry);
        buffer.putBytes(valueIndex(entry), value, index, length);
    }

    /** Appends the entries {@code from} to {@code to} (exclusive) of another node, which are above all of this one. */
    public void append(final NodePage other, final int from, final int to) {
        if (from == to) {
            return;
        }
        final long hi = other.hi(from);
        final long lo = other.lo(from);
        final int among = level() > 0 ? WHOLE_KEY_LENGTH : keyLengthOf(hi, lo, other.hi(to - 1), other.lo(to - 1));
        lengthenKeys(Math.max(among, keyLengthWith(hi, lo)), hi, lo);
        for (int entry = from; entry < to; entry++) {
            insert(
                    count(),
                    other.hi(entry),
                    other.lo(entry),
                    other.buffer,
                    other.valueIndex(entry),
                    other.valueLength(entry));
        }
    }

    /** Of an inner node: block of the child. */
    public long childBlock(final int entry) {
        return Blocks.get(buffer, valueIndex(entry));
    }

    /** Of an inner node: generation of the child. */
    public long childGeneration(final int entry) {
        return buffer.getLong(valueIndex(entry) + Blocks.LENGTH, LITTLE_ENDIAN);
    }

    public void child(final int entry, final long block, final long generation) {
        Blocks.put(buffer, valueIndex(entry), block);
        buffer.putLong(valueIndex(entry) + Blocks.LENGTH, generation, LITTLE_ENDIAN);
    }

    /** Makes the image ready to be written to {@code block} by commit {@code generation}. */
    public void seal(final UUID storeId, final long block, final long generation) {
        Superblock.putUuid(buffer, STORE_ID_OFFSET, storeId);
        buffer.putLong(BLOCK_OFFSET, block, LITTLE_ENDIAN);
        buffer.putLong(GENERATION_OFFSET, generation, LITTLE_ENDIAN);
        buffer.putInt(CHECKSUM_OFFSET, Checksum.around(buffer, 0, BLOCK_LENGTH, CHECKSUM_OFFSET), LITTLE_ENDIAN);
    }

    /**
     * Proves that this is the node a pointer means, and that it can be used without further checks.
     *
     * @param structure what is being read, for the message
     * @throws CorruptStoreException for any other bytes
     */
    public NodePage verify(
            final String structure,
            final UUID storeId,
            final int tree,
            final int level,
            final long block,
            final long generation) {
        final long position = block * BLOCK_LENGTH;
        verifyIdentity(structure, storeId, block);
        expect(structure, position, "generation", generation(), generation);
        expect(structure, position, "tree", tree(), tree);
        expect(structure, position, "level", level(), level);
        return this;
    }

    /** Proves that this is some node of the store, written to this block; who points at it is for the caller to know. */
    public NodePage verifyIdentity(final String structure, final UUID storeId, final long block) {
        final long position = block * BLOCK_LENGTH;
        expect(structure, position, "magic", buffer.getInt(0, LITTLE_ENDIAN), MAGIC);
        expect(
                structure,
                position,
                "checksum",
                Integer.toUnsignedLong(buffer.getInt(CHECKSUM_OFFSET, LITTLE_ENDIAN)),
                Integer.toUnsignedLong(Checksum.around(buffer, 0, BLOCK_LENGTH, CHECKSUM_OFFSET)));
        expect(structure, position, "own block", block(), block);
        if (!Superblock.getUuid(buffer, STORE_ID_OFFSET).equals(storeId)) {
            throw new CorruptStoreException(structure, position, "belongs to another store");
        }
        verifyEntries(structure, position);
        return this;
    }

    private void verifyEntries(final String structure, final long position) {
        final int count = count();
        final int heapStart = heapStart();
        boolean sane = verifyKeyLength()
                && heapStart >= ENTRIES_OFFSET + entryLength() * count
                && heapStart <= BLOCK_LENGTH - VALUE_LENGTH_LENGTH * count;
        int used = 0;
        for (int entry = 0; sane && entry < count; entry++) {
            final int at = valueStart(entry);
            sane = at >= heapStart && at + VALUE_LENGTH_LENGTH <= BLOCK_LENGTH;
            if (sane) {
                final int end = valueIndex(entry) + valueLength(entry);
                used += end - at;
                sane = end <= BLOCK_LENGTH
                        && (level() == 0 || valueLength(entry) == POINTER_LENGTH)
                        && (entry == 0 || compare(entry - 1, hi(entry), lo(entry)) < 0);
            }
        }
        if (!sane || used != BLOCK_LENGTH - heapStart) {
            throw new CorruptStoreException(structure, position, "entries out of bounds or out of order");
        }
    }

    private boolean verifyKeyLength() {
        final int length = keyLength();
        final boolean whole = length == WHOLE_KEY_LENGTH;
        return (whole || level() == 0 && length <= Long.BYTES)
                && level() >= 0
                && buffer.getByte(RESERVED_OFFSET) == 0
                && (commonLo() & ownMask(length)) == 0
                && (!whole || Blocks.get(buffer, COMMON_HI_OFFSET) == 0);
    }

    private static void expect(
            final String structure, final long position, final String field, final long actual, final long expected) {
        if (actual != expected) {
            throw CorruptStoreException.mismatch(structure, position, field, actual, expected);
        }
    }

    // ---- keys

    /** Mask of the part of lo that each key has for itself. */
    private static long ownMask(final int keyLength) {
        return keyLength == 0 ? 0 : -1L >>> Math.max(0, Long.SIZE - Byte.SIZE * keyLength);
    }

    /** Bytes of two keys, and of all between them, that differ. */
    private static int keyLengthOf(final long hi1, final long lo1, final long hi2, final long lo2) {
        return hi1 != hi2
                ? WHOLE_KEY_LENGTH
                : (Long.SIZE - Long.numberOfLeadingZeros(lo1 ^ lo2) + Byte.SIZE - 1) / Byte.SIZE;
    }

    /** Length of keys that this key needs beside those that are here. */
    private int keyLengthWith(final long hi, final long lo) {
        final int length = keyLength();
        return length == WHOLE_KEY_LENGTH || count() == 0
                ? length
                : Math.max(
                        length,
                        keyLengthOf(Blocks.get(buffer, COMMON_HI_OFFSET), commonLo(), hi, lo & ~ownMask(length)));
    }

    /** Gives keys a length that tells those that are here from this one. */
    private void lengthenKeys(final int newLength, final long hi, final long lo) {
        final int count = count();
        final int length = keyLength();
        if (count > 0 && newLength == length) {
            return;
        }
        final int[] starts = new int[count];
        final long[] his = new long[count];
        final long[] los = new long[count];
        for (int entry = 0; entry < count; entry++) {
            starts[entry] = valueStart(entry);
            his[entry] = hi(entry);
            los[entry] = lo(entry);
        }
        keyLength(newLength);
        Blocks.put(buffer, COMMON_HI_OFFSET, newLength == WHOLE_KEY_LENGTH ? 0 : hi);
        buffer.putLong(COMMON_LO_OFFSET, newLength == WHOLE_KEY_LENGTH ? 0 : lo & ~ownMask(newLength), LITTLE_ENDIAN);
        for (int entry = 0; entry < count; entry++) {
            final int at = ENTRIES_OFFSET + entryLength() * entry;
            putKey(at, newLength, his[entry], los[entry]);
            buffer.putShort(at + newLength, (short) starts[entry], LITTLE_ENDIAN);
        }
    }

    private void putKey(final int at, final int length, final long hi, final long lo) {
        if (length == WHOLE_KEY_LENGTH) {
            buffer.putLong(at, lo, LITTLE_ENDIAN);
            Blocks.put(buffer, at + Long.BYTES, hi);
        } else {
            for (int i = 0; i < length; i++) {
                buffer.putByte(at + i, (byte) (lo >>> Byte.SIZE * i));
            }
        }
    }

    private int keyLength() {
        return Byte.toUnsignedInt(buffer.getByte(KEY_LENGTH_OFFSET));
    }

    private void keyLength(final int length) {
        buffer.putByte(KEY_LENGTH_OFFSET, (byte) length);
    }

    private long commonLo() {
        return buffer.getLong(COMMON_LO_OFFSET, LITTLE_ENDIAN);
    }

    private int entryLength() {
        return keyLength() + VALUE_START_LENGTH;
    }

    private int entryIndex(final int entry) {
        assert 0 <= entry && entry < count() : "entry=" + entry + ", count=" + count();
        return ENTRIES_OFFSET + entryLength() * entry;
    }

    private int valueStart(final int entry) {
        return Short.toUnsignedInt(buffer.getShort(entryIndex(entry) + keyLength(), LITTLE_ENDIAN));
    }

    private int heapStart() {
        return Short.toUnsignedInt(buffer.getShort(HEAP_START_OFFSET, LITTLE_ENDIAN));
    }

    private void heapStart(final int index) {
        buffer.putShort(HEAP_START_OFFSET, (short) index, LITTLE_ENDIAN);
    }
}
