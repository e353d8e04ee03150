package io.icecore.cli.tour;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/**
 * One connection to one export of an NBD server: as a virtual machine would have it, reduced to what the tour needs.
 *
 * <p>Fixed newstyle handshake with {@code NBD_OPT_GO}, simple replies, one request at a time, no TLS (NBD protocol
 * specification, "Fixed newstyle negotiation" and "Transmission phase"). Network byte order. Not thread-safe. After an
 * {@link IOException} that is no {@link RefusedException} the connection is unusable.
 */
final class NbdClient implements Closeable {
    /** The server understood and said no; the connection goes on after a refused request. */
    static final class RefusedException extends IOException {
        private static final long serialVersionUID = 1L;

        RefusedException(final String message) {
            super(message);
        }
    }

    /** The most that one request reads or writes. Every server must accept 32 MiB. */
    static final int REQUEST_LENGTH_MAX = 1 << 20;

    private static final long SERVER_MAGIC = 0x4e42444d41474943L;
    private static final long OPTION_MAGIC = 0x49484156454F5054L;
    private static final long OPTION_REPLY_MAGIC = 0x3e889045565a9L;
    private static final int REQUEST_MAGIC = 0x25609513;
    private static final int SIMPLE_REPLY_MAGIC = 0x67446698;

    private static final int FLAG_FIXED_NEWSTYLE = 1;
    private static final int FLAG_NO_ZEROES = 2;
    private static final int OPTION_GO = 7;
    private static final int REPLY_ACK = 1;
    private static final int REPLY_INFO = 3;
    private static final int INFO_EXPORT = 0;
    private static final int INFO_EXPORT_LENGTH = 12;
    private static final int OPTION_REPLY_LENGTH_MAX = 64 << 10;

    private static final int EXPORT_READ_ONLY = 1 << 1;

    private static final int COMMAND_READ = 0;
    private static final int COMMAND_WRITE = 1;
    private static final int COMMAND_DISCONNECT = 2;
    private static final int COMMAND_FLUSH = 3;

    private final SocketChannel channel;
    private final ByteBuffer header = ByteBuffer.allocate(32);
    private long cookie;
    private long size = -1;
    private boolean readOnly;

    private NbdClient(final SocketChannel channel) {
        this.channel = channel;
    }

    /**
     * Connects and opens the export.
     *
     * @throws RefusedException when the server has no such export, with the reason it gives
     */
    static NbdClient connect(final SocketAddress address, final String export) throws IOException {
        final SocketChannel channel = address instanceof UnixDomainSocketAddress
                ? SocketChannel.open(StandardProtocolFamily.UNIX)
                : SocketChannel.open();
        try {
            channel.connect(address);
            final NbdClient client = new NbdClient(channel);
            client.greet();
            client.open(export);
            return client;
        } catch (final IOException | RuntimeException ex) {
            channel.close();
            throw ex;
        }
    }

    /** Bytes. */
    long size() {
        return size;
    }

    boolean readOnly() {
        return readOnly;
    }

    // ---- handshake

    private void greet() throws IOException {
        receiveHeader(18);
        expect("server magic", header.getLong(), SERVER_MAGIC);
        expect("option magic", header.getLong(), OPTION_MAGIC);
        final int flags = Short.toUnsignedInt(header.getShort());
        if ((flags & FLAG_FIXED_NEWSTYLE) == 0) {
            throw new IOException("NBD server knows only the old handshake");
        }
        send(header.clear()
                .putInt(flags & (FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES))
                .flip());
    }

    private void open(final String export) throws IOException {
        final byte[] name = export.getBytes(StandardCharsets.UTF_8);
        final int length = Integer.BYTES + name.length + Short.BYTES;
        final ByteBuffer option = ByteBuffer.allocate(16 + length);
        option.putLong(OPTION_MAGIC).putInt(OPTION_GO).putInt(length);
        option.putInt(name.length).put(name).putShort((short) 0); // No information wanted beyond size and flags.
        send(option.flip());
        while (receiveOptionReply(export) != REPLY_ACK) {
            // Further information may come, in any number.
        }
        if (size < 0) {
            throw new IOException("NBD server opened " + export + " without telling its size");
        }
    }

    private int receiveOptionReply(final String export) throws IOException {
        receiveHeader(20);
        expect("option reply magic", header.getLong(), OPTION_REPLY_MAGIC);
        expect("option", header.getInt(), OPTION_GO);
        final int type = header.getInt();
        final int length = header.getInt();
        if (length < 0 || length > OPTION_REPLY_LENGTH_MAX) {
            throw new IOException("NBD option reply length: " + Integer.toUnsignedLong(length));
        }
        final ByteBuffer content = ByteBuffer.allocate(length);
        receive(content);
        content.flip();
        if (type < 0) { // The top bit marks errors.
            final String reason = StandardCharsets.UTF_8.decode(content).toString();
            throw new RefusedException(String.format(
                    "NBD server refuses %s: %s", export, reason.isEmpty() ? String.format("0x%x", type) : reason));
        }
        if (type == REPLY_INFO && length == INFO_EXPORT_LENGTH && content.getShort() == INFO_EXPORT) {
            size = content.getLong();
            readOnly = (content.getShort() & EXPORT_READ_ONLY) != 0;
        }
        return type;
    }

    // ---- transmission

    /** Fills the rest of {@code target}, of whatever length, from {@code offset} on. */
    void read(final long offset, final ByteBuffer target) throws IOException {
        final int end = target.limit();
        long at = offset;
        while (target.position() < end) {
            final int length = Math.min(REQUEST_LENGTH_MAX, end - target.position());
            request(COMMAND_READ, at, length);
            receiveReply("read", at);
            receive(target.limit(target.position() + length));
            target.limit(end);
            at += length;
        }
    }

    /** Writes the rest of {@code source}, at most {@link #REQUEST_LENGTH_MAX} bytes: one request, acknowledged on return. */
    void write(final long offset, final ByteBuffer source) throws IOException {
        assert source.remaining() <= REQUEST_LENGTH_MAX : source;
        request(COMMAND_WRITE, offset, source.remaining());
        send(source);
        receiveReply("write", offset);
    }

    /** What was written before is durable on return. */
    void flush() throws IOException {
        request(COMMAND_FLUSH, 0, 0);
        receiveReply("flush", 0);
    }

    private void request(final int command, final long offset, final int length) throws IOException {
        header.clear();
        header.putInt(REQUEST_MAGIC).putShort((short) 0).putShort((short) command);
        header.putLong(++cookie).putLong(offset).putInt(length);
        send(header.flip());
    }

    private void receiveReply(final String command, final long offset) throws IOException {
        receiveHeader(16);
        expect("reply magic", header.getInt(), SIMPLE_REPLY_MAGIC);
        final int error = header.getInt();
        expect("cookie", header.getLong(), cookie);
        if (error != 0) {
            throw new RefusedException("NBD " + command + " at byte " + offset + " failed with error " + error);
        }
    }

    /** Says goodbye and closes. Idempotent; a server that is gone already is no error. */
    @Override
    public void close() throws IOException {
        if (!channel.isOpen()) {
            return;
        }
        try (channel) {
            request(COMMAND_DISCONNECT, 0, 0);
        } catch (final IOException ex) {
            return; // Nobody there to say goodbye to.
        }
    }

    // ---- bytes

    private static void expect(final String field, final long actual, final long expected) throws IOException {
        if (actual != expected) {
            throw new IOException(String.format("NBD %s: 0x%x (expected: 0x%x)", field, actual, expected));
        }
    }

    private void receiveHeader(final int length) throws IOException {
        receive(header.clear().limit(length));
        header.flip();
    }

    private void receive(final ByteBuffer target) throws IOException {
        while (target.hasRemaining()) {
            if (channel.read(target) < 0) {
                throw new EOFException("NBD server closed the connection");
            }
        }
    }

    private void send(final ByteBuffer source) throws IOException {
        while (source.hasRemaining()) {
            channel.write(source);
        }
    }
}
