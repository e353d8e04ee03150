package io.icecore.volume.nbd;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import org.agrona.BufferUtil;

/**
 * Encodes what the server says during the handshake (specification, "Newstyle negotiation" and "Option reply types") and
 * sends it when it is full or told to.
 */
final class NbdOptionReplies implements AutoCloseable {
    private static final int REPLY_HEADER_LENGTH = 20;
    private static final int LENGTH = 16 << 10;

    private final WritableByteChannel channel;
    private final ByteBuffer staged = ByteBuffer.allocateDirect(LENGTH);

    NbdOptionReplies(final WritableByteChannel channel) {
        this.channel = channel;
    }

    void greeting() throws IOException {
        room(18);
        staged.putLong(Nbd.INIT_PASSWD).putLong(Nbd.IHAVEOPT).putShort((short)
                (Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES));
    }

    void acknowledge(final int option) throws IOException {
        header(option, Nbd.REP_ACK, 0);
    }

    void error(final int option, final int replyType, final String message) throws IOException {
        final byte[] text = truncated(message);
        header(option, replyType, text.length);
        staged.put(text);
    }

    /** One export of a list. */
    void server(final int option, final String name, final String description) throws IOException {
        final byte[] text = name.getBytes(UTF_8);
        final byte[] details = truncated(description);
        if (text.length > Nbd.STRING_LENGTH_MAX) {
            return; // It could not be asked for either.
        }
        header(option, Nbd.REP_SERVER, Integer.BYTES + text.length + details.length);
        staged.putInt(text.length).put(text).put(details);
    }

    void infoExport(final int option, final long size, final int flags) throws IOException {
        header(option, Nbd.REP_INFO, 12);
        staged.putShort((short) Nbd.INFO_EXPORT).putLong(size).putShort((short) flags);
    }

    void infoText(final int option, final int infoType, final String value) throws IOException {
        final byte[] text = truncated(value);
        header(option, Nbd.REP_INFO, Short.BYTES + text.length);
        staged.putShort((short) infoType).put(text);
    }

    void infoBlockSize(final int option) throws IOException {
        header(option, Nbd.REP_INFO, 14);
        staged.putShort((short) Nbd.INFO_BLOCK_SIZE)
                .putInt(Nbd.BLOCK_SIZE_MINIMUM)
                .putInt(Nbd.BLOCK_SIZE_PREFERRED)
                .putInt(Nbd.PAYLOAD_LENGTH_MAX);
    }

    void metaContext(final int option, final int contextId, final String name) throws IOException {
        final byte[] text = name.getBytes(UTF_8);
        header(option, Nbd.REP_META_CONTEXT, Integer.BYTES + text.length);
        staged.putInt(contextId).put(text);
    }

    /** The whole reply to EXPORT_NAME. */
    void exportName(final long size, final int flags, final boolean zeroes) throws IOException {
        room(10 + Nbd.EXPORT_NAME_ZEROES);
        staged.putLong(size).putShort((short) flags);
        if (zeroes) {
            staged.put(new byte[Nbd.EXPORT_NAME_ZEROES]);
        }
    }

    void send() throws IOException {
        staged.flip();
        while (staged.hasRemaining()) {
            channel.write(staged);
        }
        staged.clear();
    }

    private void header(final int option, final int replyType, final int length) throws IOException {
        room(REPLY_HEADER_LENGTH + length);
        staged.putLong(Nbd.OPTION_REPLY_MAGIC).putInt(option).putInt(replyType).putInt(length);
    }

    private void room(final int length) throws IOException {
        if (staged.remaining() < length) {
            send();
        }
    }

    private static byte[] truncated(final String text) {
        final String start = text.length() > 1000 ? text.substring(0, 1000) : text;
        return start.getBytes(UTF_8); // At most three bytes for each char: below the limit for strings.
    }

    /** Frees the buffer; nothing may use it any more. */
    @Override
    public void close() {
        BufferUtil.free(staged);
    }
}
