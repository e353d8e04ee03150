package io.icecore.store.device;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.agrona.BitUtil;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * Where Agrona's buffers become the {@link ByteBuffer}s that file channels want, and nowhere else.
 *
 * <p>A buffer over direct memory is passed on as it is. Anything else goes piece by piece through a direct buffer of this
 * thread of at most {@value #BOUNCE_LENGTH_MAX} bytes: handed a heap buffer, the JDK would make a temporary direct copy
 * of any length and keep it for the life of the thread.
 */
final class Transfer {
    static final int BOUNCE_LENGTH_MAX = 1 << 20;

    private static final int BOUNCE_LENGTH_MIN = 16 << 10;

    private static final ThreadLocal<ByteBuffer> BOUNCE = new ThreadLocal<>();

    /** Moves all that remains in {@code buffer} from or to the device, at {@code position}. */
    @FunctionalInterface
    interface Piece {
        void move(ByteBuffer buffer, long position) throws IOException;
    }

    private Transfer() {}

    static void into(
            final MutableDirectBuffer target,
            final int targetIndex,
            final int length,
            final long position,
            final Piece read)
            throws IOException {
        target.boundsCheck(targetIndex, length);
        if (isDirect(target)) {
            read.move(IoBuffer.bytes(target, targetIndex, length), position);
            return;
        }
        for (int done = 0; done < length; ) {
            final ByteBuffer bounce = bounce(length - done, 1);
            final int count = bounce.remaining();
            read.move(bounce, position + done);
            target.putBytes(targetIndex + done, bounce, 0, count);
            done += count;
        }
    }

    static void from(
            final DirectBuffer source, final int sourceIndex, final int length, final long position, final Piece write)
            throws IOException {
        source.boundsCheck(sourceIndex, length);
        if (isDirect(source)) {
            write.move(IoBuffer.bytes(source, sourceIndex, length), position);
            return;
        }
        for (int done = 0; done < length; ) {
            final ByteBuffer bounce = bounce(length - done, 1);
            final int count = bounce.remaining();
            source.getBytes(sourceIndex + done, bounce, 0, count);
            write.move(bounce, position + done);
            done += count;
        }
    }

    /** This thread's bounce buffer, with {@code length} bytes remaining or {@value #BOUNCE_LENGTH_MAX} if that is less. */
    static ByteBuffer bounce(final int length, final int alignment) {
        assert BOUNCE_LENGTH_MAX % alignment == 0 : alignment;
        final int wanted = Math.min(length, BOUNCE_LENGTH_MAX);
        ByteBuffer bounce = BOUNCE.get();
        if (bounce == null || bounce.capacity() < wanted || bounce.alignmentOffset(0, alignment) != 0) {
            final int capacity = Math.max(BOUNCE_LENGTH_MIN, BitUtil.findNextPositivePowerOfTwo(wanted));
            final int granule = Math.max(alignment, BlockDevice.BLOCK_LENGTH);
            bounce = ByteBuffer.allocateDirect(capacity + granule)
                    .alignedSlice(granule)
                    .slice(0, capacity);
            BOUNCE.set(bounce);
        }
        return bounce.clear().limit(wanted);
    }

    static boolean isDirect(final DirectBuffer buffer) {
        return buffer.byteBuffer() != null && buffer.byteBuffer().isDirect();
    }
}
