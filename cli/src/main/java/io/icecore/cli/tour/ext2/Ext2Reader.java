package io.icecore.cli.tour.ext2;

import static io.icecore.cli.tour.ext2.Ext2Layout.*;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Finds files in an ext2 file system by their path and reads them, from any place that can read bytes at an offset.
 *
 * <p>Trusts nothing that it reads: every block number is checked against the size of the file system, every length before
 * memory is taken for it. Knows what {@link Ext2Image} writes and holes; refuses everything else by name.
 */
public final class Ext2Reader {
    private static final int FILE_LENGTH_MAX = 64 << 20;

    /**
     * A file and where its parts stand on the disk.
     *
     * @param inodePosition byte of the disk at which its inode begins
     * @param blocks        number of each of its blocks in order, 0 for a hole
     */
    public record File(int inodeNumber, long inodePosition, Ext2Inode inode, int[] blocks) {}

    private final DiskSource source;
    private final int blockCount;
    private final int inodeCount;
    private final int inodesPerGroup;

    public Ext2Reader(final DiskSource source) throws IOException {
        this.source = source;
        final ByteBuffer superblock = read(SUPERBLOCK_POSITION, SUPERBLOCK_LENGTH);
        expect("magic", Short.toUnsignedInt(superblock.getShort(SB_MAGIC)), MAGIC);
        expect("block length", superblock.getInt(SB_LOG_BLOCK_SIZE), LOG_BLOCK_LENGTH);
        expect("incompatible features", superblock.getInt(SB_INCOMPATIBLE), INCOMPATIBLE_FILETYPE);
        expect("inode length", Short.toUnsignedInt(superblock.getShort(SB_INODE_SIZE)), INODE_LENGTH);
        blockCount = superblock.getInt(SB_BLOCKS_COUNT);
        inodeCount = superblock.getInt(SB_INODES_COUNT);
        inodesPerGroup = superblock.getInt(SB_INODES_PER_GROUP);
        if (blockCount <= 0 || inodeCount <= 0 || inodesPerGroup <= 0) {
            throw new IOException("ext2 superblock: no blocks or no inodes");
        }
    }

    private static void expect(final String field, final int actual, final int expected) throws IOException {
        if (actual != expected) {
            throw new IOException(String.format("ext2 %s: 0x%x (expected: 0x%x)", field, actual, expected));
        }
    }

    /** Bytes of the file system. */
    public long length() {
        return (long) blockCount * BLOCK_LENGTH;
    }

    /** @param path names separated by slashes; an {@link IOException} says what is missing */
    public File find(final String path) throws IOException {
        File at = file(ROOT_INODE);
        for (final String name : path.split("/")) {
            if (!name.isEmpty()) {
                at = file(lookUp(at, name, path));
            }
        }
        return at;
    }

    private int lookUp(final File directory, final String name, final String path) throws IOException {
        if (!directory.inode.isDirectory()) {
            throw new IOException("ext2: no directory on the way to " + path + " where " + name + " should be");
        }
        for (final int number : directory.blocks) {
            final ByteBuffer block = readBlock(number);
            int at = 0;
            while (at < BLOCK_LENGTH) {
                final int length = entryLength(block, at, directory);
                final int inode = block.getInt(at + ENTRY_INODE);
                if (inode != 0 && nameAt(block, at).equals(name)) {
                    return inode;
                }
                at += length;
            }
        }
        throw new IOException("ext2: no file " + path);
    }

    private static int entryLength(final ByteBuffer block, final int at, final File directory) throws IOException {
        final int length = at + ENTRY_NAME > BLOCK_LENGTH ? 0 : Short.toUnsignedInt(block.getShort(at + ENTRY_LENGTH));
        if (length < ENTRY_NAME
                || at + length > BLOCK_LENGTH
                || ENTRY_NAME + Byte.toUnsignedInt(block.get(at + ENTRY_NAME_LENGTH)) > length) {
            throw new IOException("ext2: broken directory, inode " + directory.inodeNumber + ", entry at byte " + at);
        }
        return length;
    }

    private static String nameAt(final ByteBuffer block, final int at) {
        final int length = Byte.toUnsignedInt(block.get(at + ENTRY_NAME_LENGTH));
        return new String(block.array(), at + ENTRY_NAME, length, StandardCharsets.UTF_8);
    }

    /** The whole content; files of more than 64 MiB are refused. */
    public byte[] content(final File file) throws IOException {
        final byte[] content = new byte[(int) file.inode.size];
        for (int i = 0; i < file.blocks.length; i++) {
            final int at = i * BLOCK_LENGTH;
            readBlock(file.blocks[i]).get(0, content, at, Math.min(BLOCK_LENGTH, content.length - at));
        }
        return content;
    }

    private File file(final int number) throws IOException {
        if (number <= 0 || number > inodeCount) {
            throw new IOException("ext2: no inode " + number);
        }
        final int group = (number - 1) / inodesPerGroup;
        final int inGroup = (number - 1) % inodesPerGroup;
        final ByteBuffer descriptor = read(BLOCK_LENGTH + (long) group * DESCRIPTOR_LENGTH, DESCRIPTOR_LENGTH);
        final int table = checked(descriptor.getInt(GD_INODE_TABLE));
        final long position = (long) table * BLOCK_LENGTH + (long) inGroup * INODE_LENGTH;
        final Ext2Inode inode = Ext2Inode.decode(read(position, INODE_LENGTH), 0);
        if (!inode.isDirectory() && !inode.isFile() || inode.size > FILE_LENGTH_MAX) {
            throw new IOException("ext2: inode " + number + " is no file or directory of up to 64 MiB");
        }
        return new File(number, position, inode, blocksOf(inode));
    }

    private int[] blocksOf(final Ext2Inode inode) throws IOException {
        final int count = (int) ((inode.size + BLOCK_LENGTH - 1) / BLOCK_LENGTH);
        final BlockList blocks = new BlockList();
        for (int i = 0; i < Math.min(count, DIRECT_POINTERS); i++) {
            blocks.add(checked(inode.pointers[i]));
        }
        addPointers(blocks, inode.pointers[INDIRECT], count);
        if (blocks.count() < count) {
            final ByteBuffer pointers = readBlock(inode.pointers[DOUBLE_INDIRECT]);
            while (blocks.count() < count) {
                addPointers(blocks, pointers.getInt(), count);
            }
        }
        return blocks.toArray();
    }

    private void addPointers(final BlockList blocks, final int pointerBlock, final int count) throws IOException {
        if (blocks.count() < count) {
            final ByteBuffer pointers = readBlock(pointerBlock);
            while (pointers.hasRemaining() && blocks.count() < count) {
                blocks.add(checked(pointers.getInt()));
            }
        }
    }

    private int checked(final int block) throws IOException {
        if (block < 0 || block >= blockCount) {
            throw new IOException("ext2: block " + block + " (expected: less than " + blockCount + ")");
        }
        return block;
    }

    private ByteBuffer readBlock(final int number) throws IOException {
        if (number == 0) {
            return ByteBuffer.allocate(BLOCK_LENGTH).order(ByteOrder.LITTLE_ENDIAN); // A hole.
        }
        return read((long) checked(number) * BLOCK_LENGTH, BLOCK_LENGTH);
    }

    private ByteBuffer read(final long offset, final int length) throws IOException {
        final ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        source.read(offset, bytes);
        return bytes.flip();
    }
}
