package io.icecore.store.space;

/**
 * Where superblock slots stand: groups of {@value #GROUP_SLOTS} adjacent blocks, one group at every multiple of the
 * stride, at most {@value #GROUPS_MAX} groups. The stride is a power of two fixed at format, so that a store that grows
 * gets further groups and never a slot on a live block. Slots are never allocated for anything else.
 */
public record SlotGeometry(int segmentBlocks, int strideBlocks) {
    public static final int GROUP_SLOTS = 4;
    public static final int GROUPS_MAX = 256;

    /** Blocks of a segment of a new store. */
    public static final int SEGMENT_BLOCKS = 1024;

    /** A new store gets more than half as many groups and at most this many; growing adds up to {@link #GROUPS_MAX}. */
    private static final int GROUPS_AT_FORMAT = 64;

    public SlotGeometry {
        assert Integer.bitCount(strideBlocks) == 1 && strideBlocks % segmentBlocks == 0;
    }

    public static SlotGeometry forNewStore(final long blockCount) {
        int stride = SEGMENT_BLOCKS;
        while ((blockCount + stride - 1) / stride > GROUPS_AT_FORMAT) {
            stride *= 2;
        }
        return new SlotGeometry(SEGMENT_BLOCKS, stride);
    }

    /** Whole groups in a store of this length. */
    public int groups(final long blockCount) {
        return (int) Math.min(GROUPS_MAX, (blockCount + strideBlocks - GROUP_SLOTS) / strideBlocks);
    }

    /** Blocks that slots take in a store of this length. */
    public long slotBlocks(final long blockCount) {
        return (long) groups(blockCount) * GROUP_SLOTS;
    }

    /** Block of a slot; slots are numbered through the groups. */
    public long slotBlock(final int slot) {
        return (long) (slot / GROUP_SLOTS) * strideBlocks + slot % GROUP_SLOTS;
    }

    public boolean sameGroup(final long slotBlock, final long otherSlotBlock) {
        return slotBlock / strideBlocks == otherSlotBlock / strideBlocks;
    }

    public int groupNear(final long block, final long blockCount) {
        return (int) Math.min(groups(blockCount) - 1, (block + strideBlocks / 2) / strideBlocks);
    }

    /** Bits of a segment that are never allocated: slots, and what lies behind the end of the store. */
    long[] fence(final long segment, final long blockCount) {
        final long[] bits = new long[segmentBlocks / 64];
        final long first = segment * segmentBlocks;
        if (first % strideBlocks == 0 && first / strideBlocks < groups(blockCount)) {
            bits[0] = (1L << GROUP_SLOTS) - 1;
        }
        for (long block = Math.max(first, blockCount); block < first + segmentBlocks; block++) {
            final int bit = (int) (block - first);
            bits[bit >> 6] |= 1L << bit;
        }
        return bits;
    }
}
