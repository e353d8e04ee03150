package io.icecore.volume.iscsi;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * An initiator that does what a test tells it, right or wrong. Shares no code with the target, so that a mistake of
 * one is not repeated by the other.
 */
final class TestInitiator implements AutoCloseable {
    static final String NAME = "iqn.2026-11.io.icecore.test:initiator";
    static final int TIMEOUT_MILLIS = 10_000;

    /** A PDU as it was received. */
    record Received(ByteBuffer header, byte[] data) {
        int opcode() {
            return header.get(0) & 0x3f;
        }

        int flags() {
            return header.get(1) & 0xff;
        }

        int u8(final int offset) {
            return header.get(offset) & 0xff;
        }

        int u16(final int offset) {
            return header.getShort(offset) & 0xffff;
        }

        int u32(final int offset) {
            return header.getInt(offset);
        }

        String text() {
            return new String(data, StandardCharsets.UTF_8);
        }
    }

    /** How a command ended. */
    record Result(int status, byte[] data, byte[] sense, int flags, int residual) {
        int senseKey() {
            return sense.length == 0 ? 0 : sense[2] & 0x0f;
        }

        int senseCode() {
            return sense.length == 0 ? 0 : (sense[12] & 0xff) << 8 | sense[13] & 0xff;
        }
    }

    private final Socket socket;
    private final DataInputStream in;
    private final OutputStream out;
    final Map<String, String> keys = new LinkedHashMap<>();
    long isid = 0x4000_0000_0001L;
    int commandSn = 1;
    int nextTag = 1;
    int expectedStatSn;
    int maxCommandSn;
    boolean headerDigest;
    boolean dataDigest;
    final List<Received> unasked = new ArrayList<>();

    TestInitiator(final InetSocketAddress address) throws IOException {
        socket = new Socket();
        socket.setTcpNoDelay(true);
        socket.connect(address, TIMEOUT_MILLIS);
        socket.setSoTimeout(TIMEOUT_MILLIS);
        in = new DataInputStream(socket.getInputStream());
        out = socket.getOutputStream();
        keys.put("InitiatorName", NAME);
        keys.put("SessionType", "Normal");
        keys.put("HeaderDigest", "None");
        keys.put("DataDigest", "None");
        keys.put("InitialR2T", "No");
        keys.put("ImmediateData", "Yes");
        keys.put("MaxRecvDataSegmentLength", "262144");
        keys.put("MaxBurstLength", "262144");
        keys.put("FirstBurstLength", "65536");
        keys.put("MaxOutstandingR2T", "1");
        keys.put("ErrorRecoveryLevel", "0");
    }

    TestInitiator with(final String key, final String value) {
        keys.put(key, value);
        return this;
    }

    // PDUs

    static ByteBuffer header(final int opcode, final int flags) {
        return ByteBuffer.allocate(48).put(0, (byte) opcode).put(1, (byte) flags);
    }

    void send(final ByteBuffer header, final byte[] data) throws IOException {
        final int padded = data.length + 3 & ~3;
        header.putInt(4, header.get(4) << 24 | data.length);
        final ByteBuffer pdu = ByteBuffer.allocate(48 + padded + 8).put(header.array());
        if (headerDigest) {
            pdu.putInt(crc(header.array()));
        }
        final byte[] body = Arrays.copyOf(data, padded);
        pdu.put(body);
        if (dataDigest && data.length > 0) {
            pdu.putInt(crc(body));
        }
        out.write(pdu.array(), 0, pdu.position());
    }

    void sendRaw(final byte[] bytes) throws IOException {
        out.write(bytes);
    }

    static int crc(final byte[] bytes) {
        final CRC32C crc = new CRC32C();
        crc.update(bytes, 0, bytes.length);
        return Integer.reverseBytes((int) crc.getValue());
    }

    Received receive() throws IOException {
        final byte[] header = new byte[48];
        in.readFully(header);
        if (headerDigest && in.readInt() != crc(header)) {
            throw new IOException("header digest");
        }
        final ByteBuffer view = ByteBuffer.wrap(header);
        final int length = view.getInt(4) & 0xff_ffff;
        final byte[] body = new byte[length + 3 & ~3];
        in.readFully(body);
        if (dataDigest && length > 0 && in.readInt() != crc(body)) {
            throw new IOException("data digest");
        }
        final Received received = new Received(view, Arrays.copyOf(body, length));
        if (received.opcode() != 0x31 && received.opcode() != 0x25 || (received.flags() & 1) != 0) {
            expectedStatSn = received.u32(24) + 1;
        }
        if (received.u32(32) - maxCommandSn > 0 || maxCommandSn == 0) {
            maxCommandSn = received.u32(32);
        }
        return received;
    }

    /** Whether the target has closed the connection: reads and forgets what comes before the end. */
    boolean isClosed() {
        try {
            while (true) {
                receive();
            }
        } catch (final java.net.SocketTimeoutException ex) {
            return false;
        } catch (final IOException ex) {
            return true;
        }
    }

    // Login

    Received login(final int stages, final Map<String, String> text) throws IOException {
        final StringBuilder pairs = new StringBuilder();
        text.forEach((key, value) -> pairs.append(key).append('=').append(value).append('\0'));
        final ByteBuffer header = header(0x43, stages);
        header.putLong(8, isid << 16).putInt(16, 0).putShort(20, (short) 1);
        header.putInt(24, commandSn).putInt(28, expectedStatSn);
        send(header, pairs.toString().getBytes(StandardCharsets.UTF_8));
        return receive();
    }

    /** Logs in without authentication; returns the last response. Digests agreed on are used from here on. */
    Received login(final String target) throws IOException {
        if (target != null) {
            keys.put("TargetName", target);
        }
        final Received response = login(0x87, keys);
        if (response.u16(36) == 0) {
            headerDigest = response.text().contains("HeaderDigest=CRC32C");
            dataDigest = response.text().contains("DataDigest=CRC32C");
        }
        return response;
    }

    /** Logs in and takes the unit attention that a new nexus has. */
    TestInitiator loggedIn(final String target) throws IOException {
        final Received response = login(target);
        if (response.u16(36) != 0) {
            throw new IOException(String.format("login refused: %04x", response.u16(36)));
        }
        command(cdb(0x00, 6), new byte[0], 0);
        return this;
    }

    // Commands

    static byte[] cdb(final int code, final int length) {
        final byte[] cdb = new byte[Math.max(length, 16)];
        cdb[0] = (byte) code;
        return cdb;
    }

    static byte[] read10(final int lba, final int blocks) {
        return ByteBuffer.wrap(cdb(0x28, 10))
                .putInt(2, lba)
                .putShort(7, (short) blocks)
                .array();
    }

    static byte[] write10(final int lba, final int blocks) {
        return ByteBuffer.wrap(cdb(0x2a, 10))
                .putInt(2, lba)
                .putShort(7, (short) blocks)
                .array();
    }

    /** Sends a command with as much immediate data as {@code immediate}; returns its tag. */
    int sendCommand(final byte[] cdb, final int flags, final int expectedLength, final byte[] immediate)
            throws IOException {
        final int tag = nextTag++;
        final ByteBuffer header = header(0x01, flags);
        header.putInt(16, tag)
                .putInt(20, expectedLength)
                .putInt(24, commandSn++)
                .putInt(28, expectedStatSn);
        header.put(32, cdb, 0, 16);
        send(header, immediate);
        return tag;
    }

    void sendData(
            final int tag,
            final int transferTag,
            final int dataSn,
            final int offset,
            final byte[] data,
            final boolean last)
            throws IOException {
        final ByteBuffer header = header(0x05, last ? 0x80 : 0);
        header.putInt(16, tag)
                .putInt(20, transferTag)
                .putInt(28, expectedStatSn)
                .putInt(36, dataSn)
                .putInt(40, offset);
        send(header, data);
    }

    /**
     * Runs one command to its end: sends what the target asks for, gathers what it sends.
     *
     * @param out            data for the target, 64 KiB of it at most with the command
     * @param expectedLength bytes of data for the initiator
     */
    Result command(final byte[] cdb, final byte[] out, final int expectedLength) throws IOException {
        final boolean immediate = "Yes".equals(keys.get("ImmediateData"));
        final int first = immediate ? Math.min(out.length, 65_536) : 0;
        final int flags = 0x80 | (out.length > 0 ? 0x20 : 0) | (expectedLength > 0 ? 0x40 : 0);
        final int length = out.length > 0 ? out.length : expectedLength;
        final int tag = sendCommand(cdb, flags, length, Arrays.copyOf(out, first));
        return finish(tag, out, expectedLength);
    }

    Result finish(final int tag, final byte[] out, final int expectedLength) throws IOException {
        final byte[] data = new byte[expectedLength];
        int received = 0;
        while (true) {
            final Received pdu = receive();
            if (pdu.u32(16) != tag) {
                unasked.add(pdu);
            } else if (pdu.opcode() == 0x31) {
                answer(tag, pdu, out);
            } else if (pdu.opcode() == 0x25) {
                System.arraycopy(pdu.data(), 0, data, pdu.u32(40), pdu.data().length);
                received = Math.max(received, pdu.u32(40) + pdu.data().length);
                if ((pdu.flags() & 1) != 0) {
                    return new Result(pdu.u8(3), Arrays.copyOf(data, received), new byte[0], pdu.flags(), pdu.u32(44));
                }
            } else if (pdu.opcode() == 0x21) {
                final byte[] sense =
                        pdu.data().length > 2 ? Arrays.copyOfRange(pdu.data(), 2, pdu.data().length) : new byte[0];
                return new Result(pdu.u8(3), Arrays.copyOf(data, received), sense, pdu.flags(), pdu.u32(44));
            } else {
                throw new IOException("unexpected opcode: " + pdu.opcode());
            }
        }
    }

    private void answer(final int tag, final Received r2t, final byte[] out) throws IOException {
        final int offset = r2t.u32(40);
        final int length = r2t.u32(44);
        int dataSn = 0;
        for (int done = 0; done < length; ) {
            final int part = Math.min(65_536, length - done);
            final byte[] piece = Arrays.copyOfRange(out, offset + done, offset + done + part);
            done += part;
            sendData(tag, r2t.u32(20), dataSn++, offset + done - part, piece, done == length);
        }
    }

    int taskManagement(final int function, final int referencedTag) throws IOException {
        return taskManagementAnswer(sendTaskManagement(function, referencedTag));
    }

    /** Returns its tag; the answer is waited for apart. */
    int sendTaskManagement(final int function, final int referencedTag) throws IOException {
        final int tag = nextTag++;
        final ByteBuffer header = header(0x42, 0x80 | function);
        header.putInt(16, tag).putInt(20, referencedTag).putInt(24, commandSn).putInt(28, expectedStatSn);
        send(header, new byte[0]);
        return tag;
    }

    int taskManagementAnswer(final int tag) throws IOException {
        while (true) {
            final Received pdu = receive();
            if (pdu.opcode() == 0x22 && pdu.u32(16) == tag) {
                return pdu.u8(2);
            }
            unasked.add(pdu);
        }
    }

    Received logout() throws IOException {
        final ByteBuffer header = header(0x46, 0x80);
        header.putInt(16, nextTag++).putInt(24, commandSn).putInt(28, expectedStatSn);
        send(header, new byte[0]);
        Received pdu = receive();
        while (pdu.opcode() != 0x26) {
            pdu = receive();
        }
        return pdu;
    }

    /** Text request; returns the text of all PDUs of the answer. */
    String sendTargets(final String value) throws IOException {
        final StringBuilder text = new StringBuilder();
        int transferTag = 0xffff_ffff;
        byte[] request = ("SendTargets=" + value + '\0').getBytes(StandardCharsets.UTF_8);
        while (true) {
            final ByteBuffer header = header(0x04, 0x80);
            header.putInt(16, 77)
                    .putInt(20, transferTag)
                    .putInt(24, commandSn++)
                    .putInt(28, expectedStatSn);
            send(header, request);
            final Received pdu = receive();
            text.append(pdu.text());
            transferTag = pdu.u32(20);
            if ((pdu.flags() & 0x80) != 0) {
                return text.toString();
            }
            request = new byte[0];
        }
    }

    void timeout(final int millis) throws IOException {
        socket.setSoTimeout(millis);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
