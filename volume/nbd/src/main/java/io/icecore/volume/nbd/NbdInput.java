package io.icecore.volume.nbd;

import io.icecore.store.device.IoBuffer;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import org.agrona.BufferUtil;

/**
 * What a client sends: a receive buffer in front of its socket. Used by the connection's thread alone.
 *
 * <p>Every wait for the client goes through here, so this is also where the rule is kept that nothing stays unsent while
 * the connection waits: the client may be waiting for just that.
 */
final class NbdInput implements AutoCloseable {
    /** Bytes: some sixty 4 KiB writes with one system call. */
    static final int LENGTH = 256 << 10;
    /** After a long payload another one is likely: do not read much of it into the wrong buffer. */
    private static final int WINDOW_AFTER_LONG_PAYLOAD = 4 << 10;

    /** Called before the socket is read, while what has been received still stands where it was. */
    interface BeforeWait {
        /** Returns whether nothing will be sent until the client has said more. */
        boolean run() throws IOException;
    }

    private final ReadableByteChannel channel;
    private final ReadableByteChannel awake;
    private final ByteBuffer received = ByteBuffer.allocateDirect(LENGTH);
    private final IoBuffer view = new IoBuffer(received);
    private BeforeWait beforeWait = () -> false;
    private int window = LENGTH;

    /** @param awake the same stream, read where nothing is sent meanwhile */
    NbdInput(final ReadableByteChannel channel, final ReadableByteChannel awake) {
        this.channel = channel;
        this.awake = awake;
        received.limit(0);
    }

    void beforeWait(final BeforeWait action) {
        beforeWait = action;
    }

    /** Bytes received and not consumed: from position to limit. Whoever decodes moves the position. */
    ByteBuffer received() {
        return received;
    }

    /** The same memory; index {@code received().position()} is the next byte. Valid until the next wait. */
    IoBuffer view() {
        return view;
    }

    int remaining() {
        return received.remaining();
    }

    void consume(final int length) {
        received.position(received.position() + length);
    }

    /** Waits until there is at least one more byte. False at the end of the stream. */
    boolean fill() throws IOException {
        assert received.remaining() < LENGTH : "no room to fill";
        final ReadableByteChannel source = beforeWait.run() ? awake : channel;
        received.compact();
        received.limit(Math.min(LENGTH, Math.max(received.position() + 1, window)));
        window = LENGTH;
        try {
            return source.read(received) > 0;
        } finally {
            received.flip();
        }
    }

    /** Waits until {@code length} bytes are there to be consumed; at most {@value #LENGTH}. */
    void require(final int length) throws IOException {
        while (received.remaining() < length) {
            if (!fill()) {
                throw new EOFException("client left in the middle of a message");
            }
        }
    }

    /** Fills {@code target}: what has been received is copied, the rest goes straight from the socket to its place. */
    void readFully(final ByteBuffer target) throws IOException {
        final int buffered = Math.min(received.remaining(), target.remaining());
        target.put(target.position(), received, received.position(), buffered);
        target.position(target.position() + buffered);
        consume(buffered);
        while (target.hasRemaining()) {
            beforeWait.run();
            if (channel.read(target) < 0) {
                throw new EOFException("client left in the middle of a message");
            }
            window = WINDOW_AFTER_LONG_PAYLOAD;
        }
    }

    /** Consumes {@code length} bytes without keeping them. */
    void skip(final long length) throws IOException {
        long left = length;
        while (left > received.remaining()) {
            left -= received.remaining();
            consume(received.remaining());
            require(1);
        }
        consume((int) left);
    }

    /** Frees the buffer; nothing may use it any more. */
    @Override
    public void close() {
        BufferUtil.free(received);
    }
}
