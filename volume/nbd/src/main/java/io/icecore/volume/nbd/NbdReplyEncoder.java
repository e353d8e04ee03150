package io.icecore.volume.nbd;

import java.nio.ByteBuffer;

/**
 * Encodes replies of the transmission phase (specification, "Simple reply message", "Structured reply chunk message" and
 * "Structured reply types"). Network byte order; at the target's position, which moves.
 *
 * <pre>
 * simple                      structured chunk
 * offset  size  field         offset  size  field
 * ------  ----  ------        ------  ----  --------------------------------------
 *      0     4  magic              0     4  magic
 *      4     4  error              4     2  flags      DONE on the last chunk
 *      8     8  cookie             6     2  type
 *     16     n  data               8     8  cookie
 *                                 16     4  length     of what follows
 *                                 20     n  payload    OFFSET_DATA: offset (8), data
 *                                                      BLOCK_STATUS: context id (4), (length (4), status (4))*
 *                                                      ERROR: error (4), message length (2), message
 * </pre>
 */
final class NbdReplyEncoder {
    static final int SIMPLE_LENGTH = 16;
    static final int CHUNK_HEADER_LENGTH = 20;
    static final int OFFSET_DATA_HEADER_LENGTH = CHUNK_HEADER_LENGTH + Long.BYTES;
    static final int BLOCK_STATUS_HEADER_LENGTH = CHUNK_HEADER_LENGTH + Integer.BYTES;
    /** Length (4) and status (4) of one extent. */
    static final int DESCRIPTOR_LENGTH = 8;
    /** More than any reply takes without its data. */
    static final int HEADER_LENGTH_MAX = 256;

    private NbdReplyEncoder() {}

    static void simple(final ByteBuffer target, final long cookie, final int error) {
        target.putInt(Nbd.SIMPLE_REPLY_MAGIC).putInt(error).putLong(cookie);
    }

    /** What stands before {@code length} bytes of data. */
    static void offsetData(
            final ByteBuffer target, final long cookie, final boolean done, final long offset, final int length) {
        chunk(target, cookie, done, Nbd.REPLY_TYPE_OFFSET_DATA, Long.BYTES + length);
        target.putLong(offset);
    }

    /** What stands before {@code count} descriptors. */
    static void blockStatus(final ByteBuffer target, final long cookie, final int contextId, final int count) {
        chunk(target, cookie, true, Nbd.REPLY_TYPE_BLOCK_STATUS, Integer.BYTES + count * DESCRIPTOR_LENGTH);
        target.putInt(contextId);
    }

    static void done(final ByteBuffer target, final long cookie) {
        chunk(target, cookie, true, Nbd.REPLY_TYPE_NONE, 0);
    }

    /** Always the last chunk. */
    static void error(final ByteBuffer target, final long cookie, final NbdError error) {
        final int length = Integer.BYTES + Short.BYTES + error.message.length;
        chunk(target, cookie, true, Nbd.REPLY_TYPE_ERROR, length);
        target.putInt(error.value).putShort((short) error.message.length).put(error.message);
    }

    private static void chunk(
            final ByteBuffer target, final long cookie, final boolean done, final int type, final int length) {
        target.putInt(Nbd.STRUCTURED_REPLY_MAGIC)
                .putShort((short) (done ? Nbd.REPLY_FLAG_DONE : 0))
                .putShort((short) type)
                .putLong(cookie)
                .putInt(length);
    }
}
