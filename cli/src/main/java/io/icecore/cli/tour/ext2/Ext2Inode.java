package io.icecore.cli.tour.ext2;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * One file or directory: its kind, size, times and the blocks that hold it.
 *
 * <pre>
 * offset  size  field
 *      0     2  mode
 *      4     4  size       bytes; the upper half of a 64-bit size stands at 108
 *      8    12  accessed, changed, modified; then 4 bytes "deleted"
 *     26     2  links      directory entries that name it
 *     28     4  sectors    of 512 bytes, blocks of pointers included
 *     40    60  pointers   12 direct, 1 indirect, 1 double, 1 triple indirect; 0 is a hole
 * </pre>
 */
public final class Ext2Inode {
    public static final int MODE_TYPE_MASK = 0xF000;
    public static final int MODE_FILE = 0x8000;
    public static final int MODE_DIRECTORY = 0x4000;

    private static final int SIZE = 4;
    private static final int ACCESSED = 8;
    private static final int CHANGED = 12;
    private static final int MODIFIED = 16;
    private static final int LINKS = 26;
    private static final int SECTORS = 28;
    private static final int POINTERS = 40;
    private static final int SIZE_HIGH = 108;

    public int mode;
    /** Bytes. */
    public long size;
    /** Seconds since 1970, for all three times. */
    public int time;

    public int links;
    /** Of 512 bytes, blocks of pointers included. */
    public int sectors;

    public final int[] pointers = new int[Ext2Layout.POINTERS_PER_INODE];

    /** Reads the inode at {@code index} of a little-endian buffer. */
    public static Ext2Inode decode(final ByteBuffer table, final int index) {
        assert table.order() == ByteOrder.LITTLE_ENDIAN;
        final Ext2Inode inode = new Ext2Inode();
        inode.mode = Short.toUnsignedInt(table.getShort(index));
        inode.size = Integer.toUnsignedLong(table.getInt(index + SIZE))
                | Integer.toUnsignedLong(table.getInt(index + SIZE_HIGH)) << Integer.SIZE;
        inode.time = table.getInt(index + MODIFIED);
        inode.links = Short.toUnsignedInt(table.getShort(index + LINKS));
        inode.sectors = table.getInt(index + SECTORS);
        for (int i = 0; i < inode.pointers.length; i++) {
            inode.pointers[i] = table.getInt(index + POINTERS + i * Integer.BYTES);
        }
        return inode;
    }

    /** Writes the inode at {@code index} of a little-endian buffer; fields that it does not know stay as they are. */
    public void encode(final ByteBuffer table, final int index) {
        assert table.order() == ByteOrder.LITTLE_ENDIAN;
        table.putShort(index, (short) mode);
        table.putInt(index + SIZE, (int) size);
        table.putInt(index + SIZE_HIGH, (int) (size >>> Integer.SIZE));
        table.putInt(index + ACCESSED, time);
        table.putInt(index + CHANGED, time);
        table.putInt(index + MODIFIED, time);
        table.putShort(index + LINKS, (short) links);
        table.putInt(index + SECTORS, sectors);
        for (int i = 0; i < pointers.length; i++) {
            table.putInt(index + POINTERS + i * Integer.BYTES, pointers[i]);
        }
    }

    boolean isDirectory() {
        return (mode & MODE_TYPE_MASK) == MODE_DIRECTORY;
    }

    boolean isFile() {
        return (mode & MODE_TYPE_MASK) == MODE_FILE;
    }
}
