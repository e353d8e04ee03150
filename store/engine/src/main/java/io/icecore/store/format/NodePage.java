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
 * offset   size  field       content
 * -------  ----  ----------  ---------------------------------------------------------------
 *       0     4  magic       "ICEN"
 *       4     4  checksum    CRC-32C of the block without this field
 *       8     1  tree        number of the tree, which is the number of its root
 *       9     1  level       0 for a leaf
 *      10     2  count       entries; 0 only in a leaf that is the root
 *      12     2  heapStart   lowest byte in use by entries
 *      14     2  reserved    zero
 *      16     8  block       own block
 *      24     8  generation  of the commit that wrote it
 *      32    16  storeId
 *      48  2 * n slots       where each entry starts, ascending by key
 * heapStart   -  entries     from the end of the block downwards, without gaps
 *
 * entry: key hi (6), key lo (8), value length (2), value
 * value in an inner node: block of the child (6), its generation (8); keys of a child are at or above its entry's key,
 * except that the first child takes everything below as well
 * </pre>
 *
 * <p>Entries lie without gaps: removal closes the hole at once, so that free space is always one piece.
 */
public final class NodePage {
    public static final int POINTER_LENGTH = Blocks.LENGTH + Long.BYTES;

    private static final int MAGIC = 0x4E45_4349;
    private static final int CHECKSUM_OFFSET = 4;
    private static final int TREE_OFFSET = 8;
    private static final int LEVEL_OFFSET = 9;
    private static final int COUNT_OFFSET = 10;
    private static final int HEAP_START_OFFSET = 12;
    private static final int BLOCK_OFFSET = 16;
    private static final int GENERATION_OFFSET = 24;
    private static final int STORE_ID_OFFSET = 32;
    private static final int SLOTS_OFFSET = 48;
    private static final int SLOT_LENGTH = 2;

    private static final int KEY_LO_OFFSET = 6;
    private static final int VALUE_LENGTH_OFFSET = 14;
    private static final int VALUE_OFFSET = 16;

    /** Bytes for entries and their slots. */
    public static final int ROOM = BLOCK_LENGTH - SLOTS_OFFSET;

    /** What an entry takes beside its value. */
    public static final int ENTRY_OVERHEAD = VALUE_OFFSET + SLOT_LENGTH;

    private final UnsafeBuffer buffer;

    /** An empty node over new memory. */
    public NodePage(final int tree, final int level) {
        this(new UnsafeBuffer(new byte[BLOCK_LENGTH]));
        buffer.putInt(0, MAGIC, LITTLE_ENDIAN);
        buffer.putByte(TREE_OFFSET, (byte) tree);
        buffer.putByte(LEVEL_OFFSET, (byte) level);
        heapStart(BLOCK_LENGTH);
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
        return heapStart() - SLOTS_OFFSET - SLOT_LENGTH * count();
    }

    public int usedBytes() {
        return ROOM - freeBytes();
    }

    public long hi(final int entry) {
        return Blocks.get(buffer, entryIndex(entry));
    }

    public long lo(final int entry) {
        return buffer.getLong(entryIndex(entry) + KEY_LO_OFFSET, LITTLE_ENDIAN);
    }

    /** Changes the key of an entry, which keeps its place. */
    public void key(final int entry, final long hi, final long lo) {
        Blocks.put(buffer, entryIndex(entry), hi);
        buffer.putLong(entryIndex(entry) + KEY_LO_OFFSET, lo, LITTLE_ENDIAN);
    }

    public int valueLength(final int entry) {
        return Short.toUnsignedInt(buffer.getShort(entryIndex(entry) + VALUE_LENGTH_OFFSET, LITTLE_ENDIAN));
    }

    /** Index of the value within {@link #image()}. */
    public int valueIndex(final int entry) {
        return entryIndex(entry) + VALUE_OFFSET;
    }

    /** The last entry whose key is not above (hi, lo); -1 when all are. */
    public int floor(final long hi, final long lo) {
        int low = 0;
        int high = count() - 1;
        while (low <= high) {
            final int middle = (low + high) >>> 1;
            if (compare(middle, hi, lo) <= 0) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return high;
    }

    /** Negative, zero or positive as the entry's key is below, at or above (hi, lo). */
    public int compare(final int entry, final long hi, final long lo) {
        final int at = entryIndex(entry);
        final long entryHi = Blocks.get(buffer, at);
        return entryHi != hi
                ? Long.compare(entryHi, hi)
                : Long.compareUnsigned(buffer.getLong(at + KEY_LO_OFFSET, LITTLE_ENDIAN), lo);
    }

    /** Inserts before {@code entry}. There is room. */
    public void insert(
            final int entry,
            final long hi,
            final long lo,
            final DirectBuffer value,
            final int index,
            final int length) {
        assert length + ENTRY_OVERHEAD <= freeBytes() : length + " into " + freeBytes();
        final int count = count();
        final int at = heapStart() - VALUE_OFFSET - length;
        heapStart(at);
        Blocks.put(buffer, at, hi);
        buffer.putLong(at + KEY_LO_OFFSET, lo, LITTLE_ENDIAN);
        buffer.putShort(at + VALUE_LENGTH_OFFSET, (short) length, LITTLE_ENDIAN);
        buffer.putBytes(at + VALUE_OFFSET, value, index, length);
        final int slot = SLOTS_OFFSET + SLOT_LENGTH * entry;
        buffer.putBytes(slot + SLOT_LENGTH, buffer, slot, SLOT_LENGTH * (count - entry));
        buffer.putShort(slot, (short) at, LITTLE_ENDIAN);
        buffer.putShort(COUNT_OFFSET, (short) (count + 1), LITTLE_ENDIAN);
    }

    /** Removes the entry and closes the gap it leaves. */
    public void remove(final int entry) {
        final int count = count();
        final int at = entryIndex(entry);
        final int length = VALUE_OFFSET + valueLength(entry);
        final int heapStart = heapStart();
        buffer.putBytes(heapStart + length, buffer, heapStart, at - heapStart);
        final int slot = SLOTS_OFFSET + SLOT_LENGTH * entry;
        buffer.putBytes(slot, buffer, slot + SLOT_LENGTH, SLOT_LENGTH * (count - 1 - entry));
        for (int i = 0, s = SLOTS_OFFSET; i < count - 1; i++, s += SLOT_LENGTH) {
            final int other = Short.toUnsignedInt(buffer.getShort(s, LITTLE_ENDIAN));
            if (other < at) {
                buffer.putShort(s, (short) (other + length), LITTLE_ENDIAN);
            }
        }
        buffer.setMemory(SLOTS_OFFSET + SLOT_LENGTH * (count - 1), SLOT_LENGTH, (byte) 0);
        buffer.setMemory(heapStart, length, (byte) 0); // Bytes not in use are zero, so that equal nodes are equal.
        heapStart(heapStart + length);
        buffer.putShort(COUNT_OFFSET, (short) (count - 1), LITTLE_ENDIAN);
    }

    /** Overwrites a value by one of the same length. */
    public void replace(final int entry, final DirectBuffer value, final int index, final int length) {
        assert length == valueLength(entry);
        buffer.putBytes(valueIndex(entry), value, index, length);
    }

    /** Appends the entries {@code from} to {@code to} (exclusive) of another node, which are above all of this one. */
    public void append(final NodePage other, final int from, final int to) {
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
                buffer.getInt(CHECKSUM_OFFSET, LITTLE_ENDIAN),
                Checksum.around(buffer, 0, BLOCK_LENGTH, CHECKSUM_OFFSET));
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
        boolean sane = heapStart <= BLOCK_LENGTH && heapStart >= SLOTS_OFFSET + SLOT_LENGTH * count && level() >= 0;
        int used = 0;
        for (int entry = 0; sane && entry < count; entry++) {
            final int at = entryIndex(entry);
            sane = at >= heapStart && at + VALUE_OFFSET <= BLOCK_LENGTH;
            if (sane) {
                final int end = at + VALUE_OFFSET + valueLength(entry);
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

    private static void expect(
            final String structure, final long position, final String field, final long actual, final long expected) {
        if (actual != expected) {
            throw CorruptStoreException.mismatch(structure, position, field, actual, expected);
        }
    }

    private int entryIndex(final int entry) {
        assert 0 <= entry && entry < count() : "entry=" + entry + ", count=" + count();
        return Short.toUnsignedInt(buffer.getShort(SLOTS_OFFSET + SLOT_LENGTH * entry, LITTLE_ENDIAN));
    }

    private int heapStart() {
        return Short.toUnsignedInt(buffer.getShort(HEAP_START_OFFSET, LITTLE_ENDIAN));
    }

    private void heapStart(final int index) {
        buffer.putShort(HEAP_START_OFFSET, (short) index, LITTLE_ENDIAN);
    }
}
