package io.icecore.cli.tour.ext2;

import static io.icecore.cli.tour.ext2.Ext2Layout.BLOCK_LENGTH;
import static io.icecore.cli.tour.ext2.Ext2Layout.DESCRIPTOR_LENGTH;
import static io.icecore.cli.tour.ext2.Ext2Layout.INODE_LENGTH;

/**
 * Where everything but files stands in a file system of a given size: a function of these three numbers alone.
 *
 * @param blockCount     of the whole file system
 * @param blocksPerGroup a multiple of 8, at most 32768: one block is the bitmap of a group
 * @param inodesPerGroup a multiple of 32: inode tables are whole blocks
 */
record Ext2Geometry(int blockCount, int blocksPerGroup, int inodesPerGroup) {
    private static final int BITS_PER_BLOCK = BLOCK_LENGTH * Byte.SIZE;
    private static final int INODES_PER_BLOCK = BLOCK_LENGTH / INODE_LENGTH;

    Ext2Geometry {
        require(blocksPerGroup > 0 && blocksPerGroup % 8 == 0 && blocksPerGroup <= BITS_PER_BLOCK, "blocksPerGroup");
        require(
                inodesPerGroup > 0 && inodesPerGroup % INODES_PER_BLOCK == 0 && inodesPerGroup <= BITS_PER_BLOCK,
                "inodesPerGroup");
        final int groupCount = ceilDiv(blockCount, blocksPerGroup);
        final int overhead =
                1 + ceilDiv(groupCount * DESCRIPTOR_LENGTH, BLOCK_LENGTH) + 2 + inodesPerGroup / INODES_PER_BLOCK;
        final int lastGroupBlocks = blockCount - (groupCount - 1) * blocksPerGroup;
        require(blockCount > 0 && lastGroupBlocks > overhead, "blockCount");
    }

    private static void require(final boolean holds, final String name) {
        if (!holds) {
            throw new IllegalArgumentException(name + " does not fit an ext2 file system");
        }
    }

    private static int ceilDiv(final int length, final int unit) {
        return (length + unit - 1) / unit;
    }

    int groupCount() {
        return ceilDiv(blockCount, blocksPerGroup);
    }

    int inodeCount() {
        return groupCount() * inodesPerGroup;
    }

    int firstBlock(final int group) {
        return group * blocksPerGroup;
    }

    /** The last group may be shorter. */
    int blocksIn(final int group) {
        return Math.min(blocksPerGroup, blockCount - firstBlock(group));
    }

    int descriptorBlocks() {
        return ceilDiv(groupCount() * DESCRIPTOR_LENGTH, BLOCK_LENGTH);
    }

    /** Feature sparse_super: copies in groups 0, 1 and the powers of 3, 5 and 7. */
    static boolean hasSuperblock(final int group) {
        return group <= 1 || isPower(group, 3) || isPower(group, 5) || isPower(group, 7);
    }

    private static boolean isPower(final int number, final int base) {
        int rest = number;
        while (rest % base == 0) {
            rest /= base;
        }
        return rest == 1;
    }

    int blockBitmap(final int group) {
        return firstBlock(group) + (hasSuperblock(group) ? 1 + descriptorBlocks() : 0);
    }

    int inodeBitmap(final int group) {
        return blockBitmap(group) + 1;
    }

    int inodeTable(final int group) {
        return inodeBitmap(group) + 1;
    }

    int inodeTableBlocks() {
        return inodesPerGroup / INODES_PER_BLOCK;
    }

    /** First block of the group that files may have. */
    int firstFileBlock(final int group) {
        return inodeTable(group) + inodeTableBlocks();
    }

    /** Byte of the file system at which the inode stands. Inodes count from 1. */
    long inodePosition(final int inode) {
        final int group = (inode - 1) / inodesPerGroup;
        final int index = (inode - 1) % inodesPerGroup;
        return (long) inodeTable(group) * BLOCK_LENGTH + (long) index * INODE_LENGTH;
    }
}
