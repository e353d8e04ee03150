package io.icecore.store.log;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.IoBuffer;
import io.icecore.store.format.Checksum;
import java.util.Arrays;
import org.agrona.BufferUtil;
import org.agrona.DirectBuffer;

/**
 * Writes the blocks of a commit (nodes, spill nodes): gathers them, sorts them by block and writes neighbours together.
 * Used by one thread at a time, the one that builds the commit.
 */
public final class SegmentWriter {
    private static final int STAGING_BLOCKS = 256;

    private final BlockDevice device;
    private final IoBuffer staging =
            new IoBuffer(BufferUtil.allocateDirectAligned(STAGING_BLOCKS * BLOCK_LENGTH, BLOCK_LENGTH));
    private long[] order = new long[64];
    private DirectBuffer[] images = new DirectBuffer[64];
    private int count;

    public SegmentWriter(final BlockDevice device) {
        this.device = device;
    }

    /** Adds a block; the image must not change until {@link #write()}. */
    public void add(final long block, final DirectBuffer image) {
        if (count == order.length) {
            order = Arrays.copyOf(order, 2 * count);
            images = Arrays.copyOf(images, 2 * count);
        }
        assert count < 1 << 16 : "too many nodes in one commit";
        order[count] = block << 16 | count;
        images[count++] = image;
    }

    /**
     * Writes what was added.
     *
     * @param uncovered takes the checksums of the blocks, for the commit's payload list; null when a flush of this commit
     *                  is still to come that covers them
     */
    public void write(final UncoveredBlocks uncovered) {
        Arrays.sort(order, 0, count);
        int from = 0;
        while (from < count) {
            final long first = order[from] >>> 16;
            int blocks = 0;
            while (from + blocks < count && blocks < STAGING_BLOCKS && order[from + blocks] >>> 16 == first + blocks) {
                final DirectBuffer image = images[(int) order[from + blocks] & 0xFFFF];
                staging.putBytes(blocks * BLOCK_LENGTH, image, 0, BLOCK_LENGTH);
                if (uncovered != null) {
                    uncovered.add(first + blocks, Checksum.of(image, 0, BLOCK_LENGTH));
                }
                blocks++;
            }
            device.write(first * BLOCK_LENGTH, staging, 0, blocks * BLOCK_LENGTH);
            from += blocks;
        }
        Arrays.fill(images, 0, count, null);
        count = 0;
    }
}
