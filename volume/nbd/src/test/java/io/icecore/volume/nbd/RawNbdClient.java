package io.icecore.volume.nbd;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;

/** An NBD client that says exactly what a test tells it to, right or wrong, and shows what comes back. */
final class RawNbdClient implements AutoCloseable {
    /** One reply to an option. */
    record OptionReply(int option, int type, byte[] data) {
        String text() {
            return new String(data, UTF_8);
        }
    }

    /** A simple reply (type -1) or one chunk of a structured one. */
    record Reply(long cookie, int error, int type, boolean done, byte[] payload) {
        boolean simple() {
            return type < 0;
        }

        /** Of an error chunk or a simple reply. */
        int errorValue() {
            return type == Nbd.REPLY_TYPE_ERROR ? ByteBuffer.wrap(payload).getInt() : error;
        }

        /** Of OFFSET_DATA: what follows the offset. */
        byte[] data() {
            final byte[] data = new byte[payload.length - Long.BYTES];
            System.arraycopy(payload, Long.BYTES, data, 0, data.length);
            return data;
        }
    }

    private final SocketChannel channel;

    RawNbdClient(final SocketAddress address) throws IOException {
        channel = SocketChannel.open(address);
    }

    /** A client in the transmission phase. */
    static RawNbdClient connect(final SocketAddress address, final String export, final boolean structured)
            throws IOException {
        final RawNbdClient client = new RawNbdClient(address);
        client.greet(Nbd.FLAG_C_FIXED_NEWSTYLE | Nbd.FLAG_C_NO_ZEROES);
        if (structured) {
            client.option(Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
            client.option(Nbd.OPT_SET_META_CONTEXT, metaContextQuery(export, NbdHandshake.ALLOCATION_CONTEXT));
        }
        final List<OptionReply> replies = client.option(Nbd.OPT_GO, go(export));
        final OptionReply last = replies.get(replies.size() - 1);
        if (last.type() != Nbd.REP_ACK) {
            throw new IOException("refused: " + last.text());
        }
        return client;
    }

    SocketChannel channel() {
        return channel;
    }

    // Handshake

    void greet(final int clientFlags) throws IOException {
        receive(18);
        send(ByteBuffer.allocate(4).putInt(clientFlags));
    }

    /** Sends an option and returns all replies up to the final one. */
    List<OptionReply> option(final int option, final byte[] data) throws IOException {
        sendOption(option, data);
        return optionReplies();
    }

    void sendOption(final int option, final byte[] data) throws IOException {
        sendOptionHeader(option, data.length);
        send(ByteBuffer.allocate(data.length).put(data));
    }

    void sendOptionHeader(final int option, final int length) throws IOException {
        send(ByteBuffer.allocate(16).putLong(Nbd.IHAVEOPT).putInt(option).putInt(length));
    }

    List<OptionReply> optionReplies() throws IOException {
        final List<OptionReply> replies = new ArrayList<>();
        OptionReply reply;
        do {
            final ByteBuffer header = receive(20);
            if (header.getLong() != Nbd.OPTION_REPLY_MAGIC) {
                throw new IOException("magic of an option reply");
            }
            final int option = header.getInt();
            final int type = header.getInt();
            reply = new OptionReply(option, type, receive(header.getInt()).array());
            replies.add(reply);
        } while (reply.type() != Nbd.REP_ACK && reply.type() >= 0);
        return replies;
    }

    static byte[] go(final String export, final int... infos) {
        final byte[] name = export.getBytes(UTF_8);
        final ByteBuffer data = ByteBuffer.allocate(6 + name.length + 2 * infos.length);
        data.putInt(name.length).put(name).putShort((short) infos.length);
        for (final int info : infos) {
            data.putShort((short) info);
        }
        return data.array();
    }

    static byte[] metaContextQuery(final String export, final String... queries) {
        final byte[] name = export.getBytes(UTF_8);
        final ByteBuffer data = ByteBuffer.allocate(64 << 10);
        data.putInt(name.length).put(name).putInt(queries.length);
        for (final String query : queries) {
            data.putInt(query.length()).put(query.getBytes(UTF_8));
        }
        final byte[] bytes = new byte[data.position()];
        data.flip().get(bytes);
        return bytes;
    }

    // Transmission

    static ByteBuffer request(
            final int type,
            final int flags,
            final long cookie,
            final long offset,
            final int length,
            final byte[] data) {
        return ByteBuffer.allocate(28 + data.length)
                .putInt(Nbd.REQUEST_MAGIC)
                .putShort((short) flags)
                .putShort((short) type)
                .putLong(cookie)
                .putLong(offset)
                .putInt(length)
                .put(data);
    }

    void request(final int type, final int flags, final long cookie, final long offset, final int length)
            throws IOException {
        send(request(type, flags, cookie, offset, length, new byte[0]));
    }

    void write(final int flags, final long cookie, final long offset, final byte[] data) throws IOException {
        send(request(Nbd.CMD_WRITE, flags, cookie, offset, data.length, data));
    }

    /** The next simple reply, or chunk. @param readLength of the data that follows a simple reply without error */
    Reply reply(final int readLength) throws IOException {
        final int magic = receive(4).getInt();
        if (magic == Nbd.SIMPLE_REPLY_MAGIC) {
            final ByteBuffer header = receive(12);
            final int error = header.getInt();
            final long cookie = header.getLong();
            return new Reply(
                    cookie,
                    error,
                    -1,
                    true,
                    receive(error == 0 ? readLength : 0).array());
        }
        if (magic != Nbd.STRUCTURED_REPLY_MAGIC) {
            throw new IOException("magic of a reply: " + Integer.toHexString(magic));
        }
        final ByteBuffer header = receive(16);
        final boolean done = (header.getShort() & Nbd.REPLY_FLAG_DONE) != 0;
        final int type = Short.toUnsignedInt(header.getShort());
        final long cookie = header.getLong();
        return new Reply(cookie, 0, type, done, receive(header.getInt()).array());
    }

    Reply reply() throws IOException {
        return reply(0);
    }

    void send(final ByteBuffer filled) throws IOException {
        filled.flip();
        while (filled.hasRemaining()) {
            channel.write(filled);
        }
    }

    ByteBuffer receive(final int length) throws IOException {
        final ByteBuffer buffer = ByteBuffer.allocate(length);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer) < 0) {
                throw new EOFException("the server closed the connection");
            }
        }
        return buffer.flip();
    }

    /** The server has nothing more to say and has closed its end. */
    boolean atEnd() throws IOException {
        try {
            return channel.read(ByteBuffer.allocate(1)) < 0;
        } catch (final java.net.SocketException reset) {
            return true;
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
