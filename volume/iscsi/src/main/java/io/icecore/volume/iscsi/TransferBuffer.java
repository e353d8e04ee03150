package io.icecore.volume.iscsi;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.IoBuffer;
import java.nio.ByteBuffer;
import org.agrona.BufferUtil;

/** Memory for the data of one command, seen by the socket and by the volume. */
final class TransferBuffer {
    final ByteBuffer bytes;
    final IoBuffer view;

    TransferBuffer(final int length) {
        bytes = BufferUtil.allocateDirectAligned(length, BlockDevice.BLOCK_LENGTH); // The device takes it as it is.
        view = new IoBuffer(bytes);
    }

    int length() {
        return bytes.capacity();
    }
}
