package io.icecore.cli.tour.ext2;

/**
 * Positions of the fields of an ext2 file system, revision 1, with blocks of {@value #BLOCK_LENGTH} bytes. Little-endian.
 *
 * <pre>
 * block          content, for each group of blocks
 * -------------  --------------------------------------------------------------------------------------------
 * first          superblock and group descriptors: in group 0 and, as backup copies, in groups 1, 3^n, 5^n, 7^n
 * then           block bitmap, inode bitmap, inode table, blocks of files and directories
 * </pre>
 *
 * <p>The first superblock starts at byte {@value #SUPERBLOCK_POSITION}, its copies at the start of their block.
 */
final class Ext2Layout {
    static final int BLOCK_LENGTH = 4096;
    static final int LOG_BLOCK_LENGTH = 2;
    static final int SECTOR_LENGTH = 512;
    static final int SUPERBLOCK_POSITION = 1024;
    static final int SUPERBLOCK_LENGTH = 1024;

    static final int MAGIC = 0xEF53;
    static final int REVISION = 1;
    static final int STATE_CLEAN = 1;
    static final int ERRORS_CONTINUE = 1;
    static final int INCOMPATIBLE_FILETYPE = 0x2;
    static final int READ_ONLY_COMPATIBLE_SPARSE_SUPER = 0x1;

    static final int SB_INODES_COUNT = 0;
    static final int SB_BLOCKS_COUNT = 4;
    static final int SB_FREE_BLOCKS_COUNT = 12;
    static final int SB_FREE_INODES_COUNT = 16;
    static final int SB_FIRST_DATA_BLOCK = 20;
    static final int SB_LOG_BLOCK_SIZE = 24;
    static final int SB_LOG_FRAGMENT_SIZE = 28;
    static final int SB_BLOCKS_PER_GROUP = 32;
    static final int SB_FRAGMENTS_PER_GROUP = 36;
    static final int SB_INODES_PER_GROUP = 40;
    static final int SB_WRITE_TIME = 48;
    static final int SB_MAX_MOUNT_COUNT = 54;
    static final int SB_MAGIC = 56;
    static final int SB_STATE = 58;
    static final int SB_ERRORS = 60;
    static final int SB_LAST_CHECK = 64;
    static final int SB_REVISION = 76;
    static final int SB_FIRST_INODE = 84;
    static final int SB_INODE_SIZE = 88;
    static final int SB_GROUP_NUMBER = 90;
    static final int SB_INCOMPATIBLE = 96;
    static final int SB_READ_ONLY_COMPATIBLE = 100;
    static final int SB_UUID = 104;
    static final int SB_VOLUME_NAME = 120;
    static final int VOLUME_NAME_LENGTH_MAX = 16;

    static final int DESCRIPTOR_LENGTH = 32;
    static final int GD_BLOCK_BITMAP = 0;
    static final int GD_INODE_BITMAP = 4;
    static final int GD_INODE_TABLE = 8;
    static final int GD_FREE_BLOCKS_COUNT = 12;
    static final int GD_FREE_INODES_COUNT = 14;
    static final int GD_USED_DIRECTORIES_COUNT = 16;

    static final int INODE_LENGTH = 128;
    static final int ROOT_INODE = 2;
    /** Inodes 1 to 10 are reserved; lost+found is by custom the first of the others. */
    static final int FIRST_INODE = 11;

    static final int DIRECT_POINTERS = 12;
    static final int INDIRECT = 12;
    static final int DOUBLE_INDIRECT = 13;
    static final int POINTERS_PER_INODE = 15;
    static final int POINTERS_PER_BLOCK = BLOCK_LENGTH / Integer.BYTES;

    static final int ENTRY_INODE = 0;
    static final int ENTRY_LENGTH = 4;
    static final int ENTRY_NAME_LENGTH = 6;
    static final int ENTRY_TYPE = 7;
    static final int ENTRY_NAME = 8;
    static final int NAME_LENGTH_MAX = 255;
    static final int TYPE_FILE = 1;
    static final int TYPE_DIRECTORY = 2;

    private Ext2Layout() {}
}
