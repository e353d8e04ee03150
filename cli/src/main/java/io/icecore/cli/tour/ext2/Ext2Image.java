package io.icecore.cli.tour.ext2;

import static io.icecore.cli.tour.ext2.Ext2Layout.*;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;

/**
 * Writes a new ext2 file system into a sparse file, front to back.
 *
 * <p>Blocks of a file go to the disk as the file is added; inodes, bitmaps, directories and superblocks follow on {@link
 * #close()}, without which the file holds no file system. Memory: 128 bytes an inode and one entry a file. No file may
 * exceed 4 GiB (double-indirect blocks); no links, no owners but root, one time stamp for everything.
 */
public final class Ext2Image implements Closeable {
    private static final int INODE_PER_BYTES = 8192;
    private static final int BLOCKS_PER_GROUP = 8192;
    private static final int LOST_AND_FOUND_BLOCKS = 4;

    private static final class Directory {
        final int inode;
        final int parentInode;
        final Map<String, Entry> entries = new TreeMap<>();
        int subdirectories;

        Directory(final int inode, final int parentInode) {
            this.inode = inode;
            this.parentInode = parentInode;
        }
    }

    private record Entry(int inode, int type) {}

    private final FileChannel channel;
    private final Ext2Geometry geometry;
    private final int time;
    private final UUID uuid;
    private final String name;

    private final BitSet usedBlocks;
    private final ByteBuffer inodes;
    private final int[] directoriesInGroup;
    private final Map<String, Directory> directories = new HashMap<>();
    private final ByteBuffer block = littleEndianBlock();
    private int nextBlock;
    private int nextInode = FIRST_INODE;
    private boolean closed;

    /**
     * Begins a file system in {@code file}, which must not exist.
     *
     * @param length bytes; a multiple of 32 MiB, the length of a group, at most 1 GiB
     * @param name   of the file system, at most 16 characters of ASCII
     */
    public static Ext2Image create(
            final Path file, final long length, final String name, final UUID uuid, final Instant time)
            throws IOException {
        final long groupLength = (long) BLOCKS_PER_GROUP * BLOCK_LENGTH;
        if (length <= 0 || length % groupLength != 0 || length > 1L << 30) {
            throw new IllegalArgumentException("length: " + length + " (expected: a multiple of 32 MiB up to 1 GiB)");
        }
        final int inodesPerGroup = (int) (groupLength / INODE_PER_BYTES);
        final Ext2Geometry geometry = new Ext2Geometry((int) (length / BLOCK_LENGTH), BLOCKS_PER_GROUP, inodesPerGroup);
        final FileChannel channel = FileChannel.open(
                file, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
        return new Ext2Image(channel, geometry, name, uuid, (int) time.getEpochSecond());
    }

    private Ext2Image(
            final FileChannel channel,
            final Ext2Geometry geometry,
            final String name,
            final UUID uuid,
            final int time) {
        this.channel = channel;
        this.geometry = geometry;
        this.name = name;
        this.uuid = uuid;
        this.time = time;
        usedBlocks = new BitSet(geometry.blockCount());
        inodes = ByteBuffer.allocate(geometry.inodeCount() * INODE_LENGTH).order(ByteOrder.LITTLE_ENDIAN);
        directoriesInGroup = new int[geometry.groupCount()];
        reserveGroups();
        addRoot();
    }

    private void reserveGroups() {
        for (int group = 0; group < geometry.groupCount(); group++) {
            usedBlocks.set(geometry.blockBitmap(group), geometry.firstFileBlock(group));
            if (Ext2Geometry.hasSuperblock(group)) {
                usedBlocks.set(geometry.firstBlock(group), geometry.blockBitmap(group));
            }
        }
    }

    private void addRoot() {
        directories.put("", new Directory(ROOT_INODE, ROOT_INODE));
        directory("lost+found"); // Takes FIRST_INODE: e2fsck reconnects orphans there.
    }

    /** Bytes that further files can take; a little less when they are large or in new directories. */
    public long freeBytes() {
        return (long) (geometry.blockCount() - usedBlocks.cardinality()) * BLOCK_LENGTH;
    }

    public int freeInodes() {
        return geometry.inodeCount() - nextInode + 1;
    }

    /** Files and directories so far, lost+found and the root not counted. */
    public int entryCount() {
        return nextInode - FIRST_INODE - 1;
    }

    /**
     * Adds a regular file of all that {@code content} gives, and the directories on its path.
     *
     * @param path names separated by slashes, not beginning with one
     * @return its inode number
     * @throws IOException when it does not fit, or when the content cannot be read; then it is not in the file system
     */
    public int file(final String path, final InputStream content) throws IOException {
        final int slash = path.lastIndexOf('/');
        final Directory directory = directory(slash < 0 ? "" : path.substring(0, slash));
        final int number = enter(directory, path.substring(slash + 1), TYPE_FILE);

        final BitSet usedBefore = (BitSet) usedBlocks.clone();
        final BlockList blocks = new BlockList();
        try {
            final Ext2Inode inode = new Ext2Inode();
            inode.mode = Ext2Inode.MODE_FILE | 0644;
            inode.links = 1;
            inode.size = writeContent(content, blocks);
            pointTo(inode, blocks);
            put(number, inode);
            return number;
        } catch (final IOException ex) {
            directory.entries.remove(path.substring(slash + 1));
            nextInode--;
            usedBlocks.and(usedBefore);
            nextBlock = 0;
            throw ex;
        }
    }

    private long writeContent(final InputStream content, final BlockList blocks) throws IOException {
        long size = 0;
        int length = BLOCK_LENGTH;
        while (length == BLOCK_LENGTH) {
            length = content.readNBytes(block.array(), 0, BLOCK_LENGTH);
            if (length > 0) {
                Arrays.fill(block.array(), length, BLOCK_LENGTH, (byte) 0);
                blocks.add(writeNewBlock(block));
                size += length;
            }
        }
        return size;
    }

    /** Adds a directory, and those on its path, where they do not exist. */
    public void addDirectory(final String path) {
        directory(path);
    }

    private Directory directory(final String path) {
        final Directory known = directories.get(path);
        if (known != null) {
            return known;
        }
        final int slash = path.lastIndexOf('/');
        final Directory parent = directory(slash < 0 ? "" : path.substring(0, slash));
        final int inode = enter(parent, path.substring(slash + 1), TYPE_DIRECTORY);
        final Directory created = new Directory(inode, parent.inode);
        parent.subdirectories++;
        directories.put(path, created);
        return created;
    }

    private int enter(final Directory directory, final String name, final int type) {
        final int length = name.getBytes(StandardCharsets.UTF_8).length;
        if (length == 0 || length > NAME_LENGTH_MAX || name.equals(".") || name.equals("..")) {
            throw new IllegalArgumentException("name: " + name + " (expected: 1 to 255 bytes, not . or ..)");
        }
        if (nextInode > geometry.inodeCount()) {
            throw new IllegalStateException("all " + geometry.inodeCount() + " inodes are taken");
        }
        if (directory.entries.putIfAbsent(name, new Entry(nextInode, type)) != null) {
            throw new IllegalArgumentException("exists already: " + name);
        }
        return nextInode++;
    }

    // ---- blocks

    private static ByteBuffer littleEndianBlock() {
        return ByteBuffer.allocate(BLOCK_LENGTH).order(ByteOrder.LITTLE_ENDIAN);
    }

    private int writeNewBlock(final ByteBuffer content) throws IOException {
        nextBlock = usedBlocks.nextClearBit(nextBlock);
        if (nextBlock >= geometry.blockCount()) {
            throw new IOException("file system of " + geometry.blockCount() + " blocks is full");
        }
        usedBlocks.set(nextBlock);
        writeBlock(nextBlock, content);
        return nextBlock;
    }

    private void writeBlock(final int number, final ByteBuffer content) throws IOException {
        write((long) number * BLOCK_LENGTH, content.duplicate().position(0).limit(BLOCK_LENGTH));
    }

    private void write(final long position, final ByteBuffer content) throws IOException {
        long at = position;
        while (content.hasRemaining()) {
            at += channel.write(content, at);
        }
    }

    /** Enters the blocks of a file into its inode, through blocks of pointers where there are more than twelve. */
    private void pointTo(final Ext2Inode inode, final BlockList blocks) throws IOException {
        final int written = blocks.count();
        int done = 0;
        int pointerBlocks = 0;
        while (done < Math.min(written, DIRECT_POINTERS)) {
            inode.pointers[done] = blocks.get(done);
            done++;
        }
        if (done < written) {
            inode.pointers[INDIRECT] = writePointers(blocks, done);
            done += POINTERS_PER_BLOCK;
            pointerBlocks++;
        }
        if (done < written) {
            final BlockList indirect = new BlockList();
            for (; done < written; done += POINTERS_PER_BLOCK) {
                indirect.add(writePointers(blocks, done));
            }
            inode.pointers[DOUBLE_INDIRECT] = writePointers(indirect, 0);
            pointerBlocks += indirect.count() + 1;
        }
        inode.sectors = (written + pointerBlocks) * (BLOCK_LENGTH / SECTOR_LENGTH);
    }

    private int writePointers(final BlockList blocks, final int from) throws IOException {
        final ByteBuffer pointers = littleEndianBlock();
        for (int i = from; i < Math.min(blocks.count(), from + POINTERS_PER_BLOCK); i++) {
            pointers.putInt(blocks.get(i));
        }
        return writeNewBlock(pointers);
    }

    private void put(final int number, final Ext2Inode inode) {
        inode.time = time;
        inode.encode(inodes, (number - 1) * INODE_LENGTH);
    }

    // ---- the end: directories, then everything that counts them

    /** Writes all that is not the content of a file. Only now is there a file system in the file. */
    @Override
    public void close() throws IOException {
        if (closed) {
            return;
        }
        closed = true;
        try (channel) {
            for (final Map.Entry<String, Directory> directory : directories.entrySet()) {
                writeDirectory(
                        directory.getValue(), directory.getKey().equals("lost+found") ? LOST_AND_FOUND_BLOCKS : 1);
            }
            for (int group = 0; group < geometry.groupCount(); group++) {
                writeGroup(group);
            }
            if (channel.size() < (long) geometry.blockCount() * BLOCK_LENGTH) {
                write((long) geometry.blockCount() * BLOCK_LENGTH - 1, ByteBuffer.allocate(1)); // Full length, sparse.
            }
        }
    }

    private void writeDirectory(final Directory directory, final int blocksMin) throws IOException {
        final BlockList blocks = new BlockList();
        final DirectoryBlock content = new DirectoryBlock();
        content.add(".", directory.inode, TYPE_DIRECTORY);
        content.add("..", directory.parentInode, TYPE_DIRECTORY);
        for (final Map.Entry<String, Entry> entry : directory.entries.entrySet()) {
            if (!content.add(entry.getKey(), entry.getValue().inode, entry.getValue().type)) {
                blocks.add(writeNewBlock(content.finish()));
                final boolean fits = content.add(entry.getKey(), entry.getValue().inode, entry.getValue().type);
                assert fits : "an empty block takes any entry";
            }
        }
        blocks.add(writeNewBlock(content.finish()));
        while (blocks.count() < blocksMin) {
            blocks.add(writeNewBlock(content.finish()));
        }

        final Ext2Inode inode = new Ext2Inode();
        inode.mode = Ext2Inode.MODE_DIRECTORY | 0755;
        inode.links = 2 + directory.subdirectories; // Its name, its own ".", the ".." of each directory in it.
        inode.size = (long) blocks.count() * BLOCK_LENGTH;
        pointTo(inode, blocks);
        put(directory.inode, inode);
        directoriesInGroup[(directory.inode - 1) / geometry.inodesPerGroup()]++;
    }

    private void writeGroup(final int group) throws IOException {
        writeBlock(geometry.blockBitmap(group), blockBitmap(group));
        writeBlock(geometry.inodeBitmap(group), inodeBitmap(group));
        final int tableLength = geometry.inodesPerGroup() * INODE_LENGTH;
        write(
                (long) geometry.inodeTable(group) * BLOCK_LENGTH,
                inodes.duplicate().limit((group + 1) * tableLength).position(group * tableLength));
        if (Ext2Geometry.hasSuperblock(group)) {
            final long first = (long) geometry.firstBlock(group) * BLOCK_LENGTH;
            write(group == 0 ? SUPERBLOCK_POSITION : first, superblock(group));
            write(first + BLOCK_LENGTH, descriptors());
        }
    }

    private ByteBuffer blockBitmap(final int group) {
        final int first = geometry.firstBlock(group);
        return bitmap(usedBlocks.get(first, first + geometry.blocksIn(group)), geometry.blocksIn(group));
    }

    private ByteBuffer inodeBitmap(final int group) {
        final BitSet used = new BitSet();
        used.set(0, usedInodes(group));
        return bitmap(used, geometry.inodesPerGroup());
    }

    /** Bits beyond the end of a group count as taken. */
    private static ByteBuffer bitmap(final BitSet used, final int length) {
        used.set(length, BLOCK_LENGTH * Byte.SIZE);
        return littleEndianBlock().put(used.toByteArray());
    }

    private int usedBlocks(final int group) {
        final int first = geometry.firstBlock(group);
        return usedBlocks.get(first, first + geometry.blocksIn(group)).cardinality();
    }

    private int usedInodes(final int group) {
        final int before = group * geometry.inodesPerGroup();
        return Math.max(0, Math.min(geometry.inodesPerGroup(), nextInode - 1 - before));
    }

    private ByteBuffer descriptors() {
        final ByteBuffer table =
                ByteBuffer.allocate(geometry.descriptorBlocks() * BLOCK_LENGTH).order(ByteOrder.LITTLE_ENDIAN);
        for (int group = 0; group < geometry.groupCount(); group++) {
            final int at = group * DESCRIPTOR_LENGTH;
            table.putInt(at + GD_BLOCK_BITMAP, geometry.blockBitmap(group));
            table.putInt(at + GD_INODE_BITMAP, geometry.inodeBitmap(group));
            table.putInt(at + GD_INODE_TABLE, geometry.inodeTable(group));
            table.putShort(at + GD_FREE_BLOCKS_COUNT, (short) (geometry.blocksIn(group) - usedBlocks(group)));
            table.putShort(at + GD_FREE_INODES_COUNT, (short) (geometry.inodesPerGroup() - usedInodes(group)));
            table.putShort(at + GD_USED_DIRECTORIES_COUNT, (short) directoriesInGroup[group]);
        }
        return table;
    }

    private ByteBuffer superblock(final int group) {
        final ByteBuffer superblock = ByteBuffer.allocate(SUPERBLOCK_LENGTH).order(ByteOrder.LITTLE_ENDIAN);
        superblock.putInt(SB_INODES_COUNT, geometry.inodeCount());
        superblock.putInt(SB_BLOCKS_COUNT, geometry.blockCount());
        superblock.putInt(SB_FREE_BLOCKS_COUNT, geometry.blockCount() - usedBlocks.cardinality());
        superblock.putInt(SB_FREE_INODES_COUNT, freeInodes());
        superblock.putInt(SB_FIRST_DATA_BLOCK, 0);
        superblock.putInt(SB_LOG_BLOCK_SIZE, LOG_BLOCK_LENGTH);
        superblock.putInt(SB_LOG_FRAGMENT_SIZE, LOG_BLOCK_LENGTH);
        superblock.putInt(SB_BLOCKS_PER_GROUP, geometry.blocksPerGroup());
        superblock.putInt(SB_FRAGMENTS_PER_GROUP, geometry.blocksPerGroup());
        superblock.putInt(SB_INODES_PER_GROUP, geometry.inodesPerGroup());
        superblock.putInt(SB_WRITE_TIME, time);
        superblock.putShort(SB_MAX_MOUNT_COUNT, (short) -1);
        superblock.putShort(SB_MAGIC, (short) MAGIC);
        superblock.putShort(SB_STATE, (short) STATE_CLEAN);
        superblock.putShort(SB_ERRORS, (short) ERRORS_CONTINUE);
        superblock.putInt(SB_LAST_CHECK, time);
        superblock.putInt(SB_REVISION, REVISION);
        superblock.putInt(SB_FIRST_INODE, FIRST_INODE);
        superblock.putShort(SB_INODE_SIZE, (short) INODE_LENGTH);
        superblock.putShort(SB_GROUP_NUMBER, (short) group);
        superblock.putInt(SB_INCOMPATIBLE, INCOMPATIBLE_FILETYPE);
        superblock.putInt(SB_READ_ONLY_COMPATIBLE, READ_ONLY_COMPATIBLE_SPARSE_SUPER);
        superblock.duplicate().position(SB_UUID).put(bytesOf(uuid));
        superblock.duplicate().position(SB_VOLUME_NAME).put(nameBytes());
        return superblock;
    }

    private static byte[] bytesOf(final UUID uuid) {
        return ByteBuffer.allocate(2 * Long.BYTES)
                .putLong(uuid.getMostSignificantBits())
                .putLong(uuid.getLeastSignificantBits())
                .array();
    }

    private byte[] nameBytes() {
        final byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
        assert bytes.length <= VOLUME_NAME_LENGTH_MAX : name;
        return bytes;
    }
}
