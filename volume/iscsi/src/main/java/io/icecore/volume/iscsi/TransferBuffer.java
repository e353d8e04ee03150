package io.icecore.volume.iscsi;

import java.nio.ByteBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/** Memory for the data of one command, seen by the socket and by the volume. */
final class TransferBuffer {
    final ByteBuffer bytes;
    final UnsafeBuffer view;

    TransferBuffer(final int length) {
        bytes = ByteBuffer.allocateDirect(length);
        view = new UnsafeBuffer(bytes);
    }

    int length() {
        return bytes.capacity();
    }
}
