package io.icecore.store.device;

import java.nio.ByteBuffer;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Direct memory that carries one request after the other: has the {@link ByteBuffer} at hand that file channels and checksums
 * want to have, which for any other buffer is made each time.
 *
 * <p>Used by one thread at a time.
 */
public final class IoBuffer extends UnsafeBuffer {
    private final ByteBuffer bytes;

    /** @param memory direct; its position and limit do not matter, and are left alone */
    public IoBuffer(final ByteBuffer memory) {
        super(memory);
        assert memory.isDirect();
        bytes = memory.duplicate();
    }

    /**
     * These bytes of a buffer over a {@link ByteBuffer}, from position to limit. Valid until the next call with the same
     * buffer.
     */
    public static ByteBuffer bytes(final DirectBuffer buffer, final int index, final int length) {
        final ByteBuffer bytes =
                buffer instanceof IoBuffer own ? own.bytes : buffer.byteBuffer().duplicate();
        final int start = buffer.wrapAdjustment() + index;
        return bytes.limit(start + length).position(start);
    }
}
