package io.icecore.store.format;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.util.UUID;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * Layout of a spill node: entries of the space log that the superblock had no room for. One block, little-endian.
 *
 * <pre>
 * offset  size  field               content
 * ------  ----  ------------------  ---------------------------------------------
 *      0     4  magic               "ICES"
 *      4     4  checksum            CRC-32C of the block without this field
 *      8    16  storeId
 *     24     8  block               own block
 *     32     8  generation          of the commit that wrote it
 *     40     8  previousBlock       the spill node before it, 0 for none
 *     48     8  previousGeneration
 *     56     4  count               1 to {@value #CAPACITY}
 *     60     4  reserved            zero
 *     64  8 * n entries             as in the superblock, oldest first
 * </pre>
 */
public final class SpillLayout {
    private static final int MAGIC = 0x5345_4349;
    private static final int CHECKSUM_OFFSET = 4;
    private static final int STORE_ID_OFFSET = 8;
    private static final int BLOCK_OFFSET = 24;
    private static final int GENERATION_OFFSET = 32;
    private static final int PREVIOUS_BLOCK_OFFSET = 40;
    private static final int PREVIOUS_GENERATION_OFFSET = 48;
    private static final int COUNT_OFFSET = 56;
    private static final int ENTRIES_OFFSET = 64;

    /** Entries of one node. */
    public static final int CAPACITY = (BLOCK_LENGTH - ENTRIES_OFFSET) / SuperblockLayout.SPACE_LENGTH;

    /** A decoded spill node; entries as in {@link Superblock#space}. */
    public record Spill(long previousBlock, long previousGeneration, long[] entries) {}

    private SpillLayout() {}

    public static void encode(
            final MutableDirectBuffer buffer,
            final UUID storeId,
            final long block,
            final long generation,
            final Spill spill) {
        buffer.setMemory(0, BLOCK_LENGTH, (byte) 0);
        buffer.putInt(0, MAGIC, LITTLE_ENDIAN);
        Superblock.putUuid(buffer, STORE_ID_OFFSET, storeId);
        buffer.putLong(BLOCK_OFFSET, block, LITTLE_ENDIAN);
        buffer.putLong(GENERATION_OFFSET, generation, LITTLE_ENDIAN);
        buffer.putLong(PREVIOUS_BLOCK_OFFSET, spill.previousBlock, LITTLE_ENDIAN);
        buffer.putLong(PREVIOUS_GENERATION_OFFSET, spill.previousGeneration, LITTLE_ENDIAN);
        buffer.putInt(COUNT_OFFSET, spill.entries.length / 2, LITTLE_ENDIAN);
        int at = ENTRIES_OFFSET;
        for (int i = 0; i < spill.entries.length; i += 2, at += SuperblockLayout.SPACE_LENGTH) {
            SpaceEntries.put(buffer, at, spill.entries[i], spill.entries[i + 1]);
        }
        buffer.putInt(CHECKSUM_OFFSET, Checksum.around(buffer, 0, BLOCK_LENGTH, CHECKSUM_OFFSET), LITTLE_ENDIAN);
    }

    /** @throws CorruptStoreException when the block is not exactly this spill node */
    public static Spill decode(final DirectBuffer buffer, final UUID storeId, final long block, final long generation) {
        final long position = block * BLOCK_LENGTH;
        expect(position, "magic", buffer.getInt(0, LITTLE_ENDIAN), MAGIC);
        expect(
                position,
                "checksum",
                Integer.toUnsignedLong(buffer.getInt(CHECKSUM_OFFSET, LITTLE_ENDIAN)),
                Integer.toUnsignedLong(Checksum.around(buffer, 0, BLOCK_LENGTH, CHECKSUM_OFFSET)));
        expect(position, "own block", buffer.getLong(BLOCK_OFFSET, LITTLE_ENDIAN), block);
        expect(position, "generation", buffer.getLong(GENERATION_OFFSET, LITTLE_ENDIAN), generation);
        if (!Superblock.getUuid(buffer, STORE_ID_OFFSET).equals(storeId)) {
            throw new CorruptStoreException("spill node", position, "belongs to another store");
        }
        final int count = buffer.getInt(COUNT_OFFSET, LITTLE_ENDIAN);
        if (count < 1 || count > CAPACITY) {
            throw new CorruptStoreException(
                    "spill node", position, "count: " + count + " (expected: 1 to " + CAPACITY + ")");
        }
        final long[] entries = new long[2 * count];
        int at = ENTRIES_OFFSET;
        for (int i = 0; i < entries.length; i += 2, at += SuperblockLayout.SPACE_LENGTH) {
            entries[i] = SpaceEntries.block(buffer, at);
            entries[i + 1] = SpaceEntries.count(buffer, at);
        }
        return new Spill(
                buffer.getLong(PREVIOUS_BLOCK_OFFSET, LITTLE_ENDIAN),
                buffer.getLong(PREVIOUS_GENERATION_OFFSET, LITTLE_ENDIAN),
                entries);
    }

    private static void expect(final long position, final String field, final long actual, final long expected) {
        if (actual != expected) {
            throw CorruptStoreException.mismatch("spill node", position, field, actual, expected);
        }
    }
}
