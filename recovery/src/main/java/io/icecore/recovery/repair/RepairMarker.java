package io.icecore.recovery.repair;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.icecore.store.format.Checksum;
import java.util.UUID;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Says that a repair in place has begun on a store that has no superblock left: nodes of later generations are its own, and
 * it has not been completed. Written to a superblock slot, where opening takes it for nothing; cleared when the repair has
 * been published.
 *
 * <pre>
 * offset  size  field       content
 * ------  ----  ----------  --------------------------------------------
 *      0     8  magic       "ICEREPR" and a zero byte
 *      8     4  checksum    CRC-32C of the block without this field
 *     12     4  reserved    zero
 *     16    16  storeId
 *     32     8  block       own block
 *     40     8  generation  the newest that is not the repair's
 * </pre>
 *
 * The rest of the block is zero.
 */
public record RepairMarker(UUID storeId, long generation) {
    static final long MAGIC = 0x0052_5045_5245_4349L;

    private static final int CHECKSUM_OFFSET = 8;
    private static final int STORE_ID_OFFSET = 16;
    private static final int BLOCK_OFFSET = 32;
    private static final int GENERATION_OFFSET = 40;

    UnsafeBuffer encode(final long block) {
        final UnsafeBuffer image = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
        image.putLong(0, MAGIC, LITTLE_ENDIAN);
        image.putLong(STORE_ID_OFFSET, storeId.getMostSignificantBits(), LITTLE_ENDIAN);
        image.putLong(STORE_ID_OFFSET + Long.BYTES, storeId.getLeastSignificantBits(), LITTLE_ENDIAN);
        image.putLong(BLOCK_OFFSET, block, LITTLE_ENDIAN);
        image.putLong(GENERATION_OFFSET, generation, LITTLE_ENDIAN);
        image.putInt(CHECKSUM_OFFSET, Checksum.around(image, 0, BLOCK_LENGTH, CHECKSUM_OFFSET), LITTLE_ENDIAN);
        return image;
    }

    /** Null when the block holds none. */
    public static RepairMarker decode(final DirectBuffer buffer, final int index, final long block) {
        if (buffer.getLong(index, LITTLE_ENDIAN) != MAGIC
                || buffer.getInt(index + CHECKSUM_OFFSET, LITTLE_ENDIAN)
                        != Checksum.around(buffer, index, BLOCK_LENGTH, CHECKSUM_OFFSET)
                || buffer.getLong(index + BLOCK_OFFSET, LITTLE_ENDIAN) != block) {
            return null;
        }
        return new RepairMarker(
                new UUID(
                        buffer.getLong(index + STORE_ID_OFFSET, LITTLE_ENDIAN),
                        buffer.getLong(index + STORE_ID_OFFSET + Long.BYTES, LITTLE_ENDIAN)),
                buffer.getLong(index + GENERATION_OFFSET, LITTLE_ENDIAN));
    }
}
