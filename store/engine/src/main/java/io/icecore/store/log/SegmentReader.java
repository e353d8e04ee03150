package io.icecore.store.log;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.IoBuffer;
import io.icecore.store.format.NodePage;
import java.nio.ByteBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/** Reads blocks of a store. Any thread. What was read is verified by who asked for it. */
public final class SegmentReader {
    private static final ThreadLocal<IoBuffer> BLOCK =
            ThreadLocal.withInitial(() -> new IoBuffer(ByteBuffer.allocateDirect(BLOCK_LENGTH)));

    private final BlockDevice device;

    public SegmentReader(final BlockDevice device) {
        this.device = device;
    }

    /** Reads one block into new memory, as a node not yet verified. */
    public NodePage readNode(final long block) {
        final IoBuffer direct = BLOCK.get();
        device.read(block * BLOCK_LENGTH, direct, 0, BLOCK_LENGTH);
        final byte[] image = new byte[BLOCK_LENGTH];
        direct.getBytes(0, image);
        return new NodePage(new UnsafeBuffer(image));
    }

    public void read(final long block, final MutableDirectBuffer target, final int index, final int count) {
        device.read(block * BLOCK_LENGTH, target, index, count * BLOCK_LENGTH);
    }
}
