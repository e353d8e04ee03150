package io.icecore.cli.control;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.charset.StandardCharsets;

/**
 * One message between a client and the daemon. Network byte order.
 *
 * <pre>
 * offset  size  field    content
 * ------  ----  -------  -----------------------------------------
 *      0     4  length   of the payload, 0 to {@value #PAYLOAD_LENGTH_MAX}
 *      4     1  type     {@link Type#code}
 *      5     n  payload
 * </pre>
 *
 * <p>A connection carries one command:
 * <pre>
 *   client                                        daemon
 *     | REQUEST  a {@link ControlRequest}           |
 *     |-------------------------------------------->|  parses and executes it
 *     |                    OUT, ERR  bytes to print |
 *     |<--------------------------------------------|  any number, at any time
 *     |                                     WANT_IN |
 *     |<--------------------------------------------|  only when the command reads its standard input
 *     | IN  bytes, none at the end of the input     |
 *     |-------------------------------------------->|  one for each WANT_IN, so neither end ever holds more than that
 *     |                           EXIT  code, 4 bytes
 *     |<--------------------------------------------|  the last; both close
 * </pre>
 * A client that goes away abandons its command: what it did stands or is undone as the command sees fit.
 */
record Frame(Type type, ByteBuffer payload) {
    /** Checked before anything is allocated: the peer chooses the number. */
    static final int PAYLOAD_LENGTH_MAX = 256 << 10;

    private static final int HEADER_LENGTH = 5;

    enum Type {
        REQUEST(1),
        IN(2),
        OUT(3),
        ERR(4),
        WANT_IN(5),
        EXIT(6);

        private final int code;

        Type(final int code) {
            this.code = code;
        }

        static Type of(final int code) throws IOException {
            for (final Type type : values()) {
                if (type.code == code) {
                    return type;
                }
            }
            throw new IOException("control frame: type " + code + " (expected: 1 to " + values().length + ")");
        }
    }

    /** Waits for the next frame. Returns null when the peer closed between two frames. */
    static Frame read(final ByteChannel channel) throws IOException {
        final ByteBuffer header = ByteBuffer.allocate(HEADER_LENGTH);
        if (!fill(channel, header)) {
            return null;
        }
        final int length = header.getInt(0);
        if (length < 0 || length > PAYLOAD_LENGTH_MAX) {
            throw new IOException("control frame: length " + length + " (expected: 0 to " + PAYLOAD_LENGTH_MAX + ")");
        }
        final Type type = Type.of(header.get(4));
        final ByteBuffer payload = ByteBuffer.allocate(length);
        if (length > 0 && !fill(channel, payload)) {
            throw new EOFException("control frame: connection closed within a frame");
        }
        return new Frame(type, payload.flip());
    }

    /** False when the channel ended before the first byte. */
    private static boolean fill(final ByteChannel channel, final ByteBuffer target) throws IOException {
        while (target.hasRemaining()) {
            if (channel.read(target) < 0) {
                if (target.position() == 0) {
                    return false;
                }
                throw new EOFException("control frame: connection closed within a frame");
            }
        }
        return true;
    }

    /** Writes one frame; for one thread at a time. */
    static void write(final ByteChannel channel, final Type type, final byte[] bytes, final int index, final int length)
            throws IOException {
        assert length <= PAYLOAD_LENGTH_MAX : length;
        final ByteBuffer frame = ByteBuffer.allocate(HEADER_LENGTH + length);
        frame.putInt(length).put((byte) type.code).put(bytes, index, length).flip();
        while (frame.hasRemaining()) {
            channel.write(frame);
        }
    }

    static void write(final ByteChannel channel, final Type type, final byte[] bytes) throws IOException {
        write(channel, type, bytes, 0, bytes.length);
    }

    String text() {
        return StandardCharsets.UTF_8.decode(payload.duplicate()).toString();
    }
}
