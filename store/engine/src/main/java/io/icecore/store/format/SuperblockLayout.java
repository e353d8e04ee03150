package io.icecore.store.format;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static org.agrona.BitUtil.SIZE_OF_INT;
import static org.agrona.BitUtil.SIZE_OF_LONG;

/**
 * Layout of a superblock: one block, little-endian. docs/format.md tells the story.
 *
 * <pre>
 * offset  size  field               content
 * ------  ----  ------------------  -----------------------------------------------------------------------------
 *      0     8  magic               "ICECORE" and a zero byte
 *      8     4  formatVersion       {@value #FORMAT_VERSION}; a reader refuses any other
 *     12     4  checksum            CRC-32C of the block without this field
 *     16    16  storeId             UUID, most significant half first
 *     32     8  compatible          feature bits that an older program may ignore
 *     40     8  readOnlyCompatible  feature bits that an older program may ignore while it only reads
 *     48     8  incompatible        feature bits that an older program must refuse
 *     56     8  block               the block this copy was written to
 *     64     8  generation          the sequence counter; never recurs
 *     72     8  parentGeneration    the durable commit this one was built on; 0 for the first
 *     80     8  nonce               drawn by each opening: tells two writers apart
 *     88     8  time                epoch milliseconds
 *     96     4  flags               1 payload flushed, 2 sealing commit, 4 opening commit
 *    100     4  reserved            zero
 *    104     8  blockCount          length of the store in blocks
 *    112     4  segmentBlocks       blocks of a segment; a power of two from {@value #SEGMENT_BLOCKS_MIN} to
 *                                   {@value #SEGMENT_BLOCKS_MAX}, so that its bits fit into one entry of a tree
 *    116     4  slotStrideBlocks    blocks from one group of slots to the next; a power of two
 *    120     8  cursor              block at which allocation goes on
 *    128     8  usedBlocks          blocks allocated in this generation, superblock slots not counted
 *    136    16  nextSlots           two blocks: where the next commit means to write its superblock
 *    152     8  spillBlock          newest spill node of the space log, 0 for none
 *    160     8  spillGeneration     its generation
 *    168     4  redirectCount
 *    172     4  runCount
 *    176     4  spaceCount
 *    180     4  notesLength         bytes
 *    184    32  label               UTF-8, filled with zero bytes
 *    216    40  reserved            zero
 *    256   192  roots               8 of 24: block (8), generation (8), level (2), reserved (6); block 0 = empty tree
 *    448    64  reserved            zero
 *    512  3584  lists               redirects, runs, space entries, notes, one after the other; the rest is zero
 *
 * redirect: old block (6), new block (6), low half of the new node's generation (4)
 * run:      first block (6), count (2), CRC-32C of the blocks' own CRC-32Cs (4)
 * space:    first block (6), count (2) with the top bit set for a free
 * </pre>
 */
public final class SuperblockLayout {
    public static final long MAGIC = 0x0045_524F_4345_4349L;
    public static final int FORMAT_VERSION = 3;

    public static final int FLAG_PAYLOAD_FLUSHED = 1;
    public static final int FLAG_SEALING = 2;
    public static final int FLAG_OPENING = 4;

    public static final int SEGMENT_BLOCKS_MIN = 64;
    public static final int SEGMENT_BLOCKS_MAX = 8192;
    public static final int ROOT_COUNT = 8;
    public static final int LABEL_LENGTH = 32;
    public static final int REDIRECT_LENGTH = 16;
    public static final int RUN_LENGTH = 12;
    public static final int SPACE_LENGTH = 8;

    static final int MAGIC_OFFSET = 0;
    static final int FORMAT_VERSION_OFFSET = MAGIC_OFFSET + SIZE_OF_LONG;
    static final int CHECKSUM_OFFSET = FORMAT_VERSION_OFFSET + SIZE_OF_INT;
    static final int STORE_ID_OFFSET = CHECKSUM_OFFSET + SIZE_OF_INT;
    static final int COMPATIBLE_OFFSET = STORE_ID_OFFSET + 2 * SIZE_OF_LONG;
    static final int READ_ONLY_COMPATIBLE_OFFSET = COMPATIBLE_OFFSET + SIZE_OF_LONG;
    static final int INCOMPATIBLE_OFFSET = READ_ONLY_COMPATIBLE_OFFSET + SIZE_OF_LONG;
    static final int BLOCK_OFFSET = INCOMPATIBLE_OFFSET + SIZE_OF_LONG;
    static final int GENERATION_OFFSET = BLOCK_OFFSET + SIZE_OF_LONG;
    static final int PARENT_GENERATION_OFFSET = GENERATION_OFFSET + SIZE_OF_LONG;
    static final int NONCE_OFFSET = PARENT_GENERATION_OFFSET + SIZE_OF_LONG;
    static final int TIME_OFFSET = NONCE_OFFSET + SIZE_OF_LONG;
    static final int FLAGS_OFFSET = TIME_OFFSET + SIZE_OF_LONG;
    static final int BLOCK_COUNT_OFFSET = FLAGS_OFFSET + 2 * SIZE_OF_INT;
    static final int SEGMENT_BLOCKS_OFFSET = BLOCK_COUNT_OFFSET + SIZE_OF_LONG;
    static final int SLOT_STRIDE_OFFSET = SEGMENT_BLOCKS_OFFSET + SIZE_OF_INT;
    static final int CURSOR_OFFSET = SLOT_STRIDE_OFFSET + SIZE_OF_INT;
    static final int USED_BLOCKS_OFFSET = CURSOR_OFFSET + SIZE_OF_LONG;
    static final int NEXT_SLOTS_OFFSET = USED_BLOCKS_OFFSET + SIZE_OF_LONG;
    static final int SPILL_BLOCK_OFFSET = NEXT_SLOTS_OFFSET + 2 * SIZE_OF_LONG;
    static final int SPILL_GENERATION_OFFSET = SPILL_BLOCK_OFFSET + SIZE_OF_LONG;
    static final int REDIRECT_COUNT_OFFSET = SPILL_GENERATION_OFFSET + SIZE_OF_LONG;
    static final int RUN_COUNT_OFFSET = REDIRECT_COUNT_OFFSET + SIZE_OF_INT;
    static final int SPACE_COUNT_OFFSET = RUN_COUNT_OFFSET + SIZE_OF_INT;
    static final int NOTES_LENGTH_OFFSET = SPACE_COUNT_OFFSET + SIZE_OF_INT;
    static final int LABEL_OFFSET = NOTES_LENGTH_OFFSET + SIZE_OF_INT;
    static final int ROOTS_OFFSET = 256;
    static final int ROOT_LENGTH = 24;
    static final int LISTS_OFFSET = 512;

    /** Room that redirects, runs, space entries and notes share, in bytes. */
    public static final int LISTS_LENGTH = BLOCK_LENGTH - LISTS_OFFSET;

    static {
        // The table above and the chain of constants must agree; a slip here would be a silent format change.
        assert GENERATION_OFFSET == 64;
        assert BLOCK_COUNT_OFFSET == 104;
        assert SPILL_BLOCK_OFFSET == 152;
        assert LABEL_OFFSET + LABEL_LENGTH == 216;
        assert ROOTS_OFFSET + ROOT_COUNT * ROOT_LENGTH == 448;
    }

    private SuperblockLayout() {}
}
