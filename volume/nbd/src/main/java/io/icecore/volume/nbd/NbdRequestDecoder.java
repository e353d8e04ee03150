package io.icecore.volume.nbd;

import java.nio.ByteBuffer;

/**
 * Decodes request headers of the transmission phase (specification, "Request message"). Network byte order.
 *
 * <pre>
 * offset  size  field
 * ------  ----  -------------
 *      0     4  magic          {@code NBD_REQUEST_MAGIC}
 *      4     2  command flags
 *      6     2  type
 *      8     8  cookie         returned unchanged in the reply
 *     16     8  offset         unsigned
 *     24     4  length         unsigned
 *     28     n  payload        of a write: length bytes; left to whoever knows where they should go
 * </pre>
 *
 * <p>A flyweight: holds the last header decoded. Knows the wire and nothing of exports; {@link NbdRequestRules} says
 * whether the request makes sense.
 */
final class NbdRequestDecoder {
    static final int HEADER_LENGTH = 28;

    private int flags;
    private int type;
    private long cookie;
    private long offset;
    private long length;

    /**
     * True when a header was consumed, false when {@code received} does not hold all of one yet; then nothing is.
     *
     * @throws NbdProtocolException when what follows cannot be found any more: wrong magic, or a payload so long that no
     *                              honest client sends it
     */
    boolean decode(final ByteBuffer received) {
        if (received.remaining() < HEADER_LENGTH) {
            return false;
        }
        final int start = received.position();
        final int magic = received.getInt(start);
        if (magic != Nbd.REQUEST_MAGIC) {
            throw new NbdProtocolException(
                    String.format("request magic: 0x%x (expected: 0x%x)", magic, Nbd.REQUEST_MAGIC));
        }
        flags = Short.toUnsignedInt(received.getShort(start + 4));
        type = Short.toUnsignedInt(received.getShort(start + 6));
        cookie = received.getLong(start + 8);
        offset = received.getLong(start + 16);
        length = Integer.toUnsignedLong(received.getInt(start + 24));
        if (type == Nbd.CMD_WRITE && length > Nbd.PAYLOAD_LENGTH_MAX) {
            throw new NbdProtocolException(
                    "payload length: " + length + " (expected: at most " + Nbd.PAYLOAD_LENGTH_MAX + ")");
        }
        received.position(start + HEADER_LENGTH);
        return true;
    }

    int flags() {
        return flags;
    }

    boolean has(final int flag) {
        return (flags & flag) != 0;
    }

    int type() {
        return type;
    }

    long cookie() {
        return cookie;
    }

    /** As sent: unsigned, so a negative one lies far past the end of any export. */
    long offset() {
        return offset;
    }

    /** 0 to 2^32 - 1. */
    long length() {
        return length;
    }

    /** Bytes that follow the header, 0 to {@link Nbd#PAYLOAD_LENGTH_MAX}. */
    int payloadLength() {
        return type == Nbd.CMD_WRITE ? (int) length : 0;
    }
}
