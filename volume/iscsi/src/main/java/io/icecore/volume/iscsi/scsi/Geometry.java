package io.icecore.volume.iscsi.scsi;

import io.icecore.volume.Export;

/**
 * How a logical unit cuts its bytes into logical blocks.
 *
 * @param blockLength bytes of a logical block: 512 or 4096. A physical block is always {@value #PHYSICAL_LENGTH}
 */
public record Geometry(int blockLength) {
    public static final int PHYSICAL_LENGTH = 4096;
    /** Bytes that one command may read or write. */
    public static final int TRANSFER_LENGTH_MAX = 8 << 20;
    /** Bytes that one UNMAP or WRITE SAME may cover. */
    static final int UNMAP_LENGTH_MAX = 512 << 20;

    static final int WRITE_SAME_LENGTH_MAX = 16 << 20;
    static final int UNMAP_DESCRIPTORS_MAX = 256;
    private static final int OPTIMAL_TRANSFER_LENGTH = 1 << 20;

    public Geometry {
        if (blockLength != 512 && blockLength != 4096) {
            throw new IllegalArgumentException("blockLength: " + blockLength + " (expected: 512 or 4096)");
        }
    }

    /** Of COMPARE AND WRITE, whose CDB has one byte for the number. */
    int compareAndWriteBlocksMax() {
        return Math.min(0xff, blocks(Export.COMPARE_LENGTH_MAX));
    }

    int blocks(final int bytes) {
        return bytes / blockLength;
    }

    /** Logical blocks of a physical one. */
    int blocksPerPhysical() {
        return PHYSICAL_LENGTH / blockLength;
    }

    int optimalTransferBlocks() {
        return blocks(OPTIMAL_TRANSFER_LENGTH);
    }
}
