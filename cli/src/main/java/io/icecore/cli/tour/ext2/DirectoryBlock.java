package io.icecore.cli.tour.ext2;

import static io.icecore.cli.tour.ext2.Ext2Layout.*;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * One block of a directory while it is being filled: entries one after the other, the last one as long as what is left.
 *
 * <pre>
 * offset  size  field
 *      0     4  inode   0: an unused entry
 *      4     2  length  of the whole entry: leads to the next one; a multiple of 4
 *      6     1  length of the name
 *      7     1  type    1 file, 2 directory
 *      8     n  name
 * </pre>
 */
final class DirectoryBlock {
    private final ByteBuffer block = ByteBuffer.allocate(BLOCK_LENGTH).order(ByteOrder.LITTLE_ENDIAN);
    private int last = -1;
    private int end;

    /** False when the entry does not fit; then nothing is changed. */
    boolean add(final String name, final int inode, final int type) {
        final byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        final int length = ENTRY_NAME + (bytes.length + 3 & ~3);
        if (end + length > BLOCK_LENGTH) {
            return false;
        }
        block.putInt(end + ENTRY_INODE, inode);
        block.putShort(end + ENTRY_LENGTH, (short) length);
        block.put(end + ENTRY_NAME_LENGTH, (byte) bytes.length);
        block.put(end + ENTRY_TYPE, (byte) type);
        block.put(end + ENTRY_NAME, bytes);
        last = end;
        end += length;
        return true;
    }

    /** The block as it goes to the disk; further entries go to a new one. */
    ByteBuffer finish() {
        final ByteBuffer finished = ByteBuffer.allocate(BLOCK_LENGTH).order(ByteOrder.LITTLE_ENDIAN);
        finished.put(0, block, 0, end);
        final int lastEntry = Math.max(last, 0); // An empty block is one unused entry.
        finished.putShort(lastEntry + ENTRY_LENGTH, (short) (BLOCK_LENGTH - lastEntry));
        last = -1;
        end = 0;
        return finished;
    }
}
