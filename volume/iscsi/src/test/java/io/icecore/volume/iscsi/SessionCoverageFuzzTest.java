package io.icecore.volume.iscsi;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Sessions that a fuzzer steers by the code they reach, from the first byte of a login to the full feature phase. In an
 * ordinary build the inputs below are run once each; docs/testing.md says how to let the fuzzer loose.
 *
 * <p>An input is a mode, then PDUs in a form that puts most numbers right by itself, so that the fuzzer gets past the
 * checks of sequence numbers and on to what is behind them; a step may also be raw bytes.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SessionCoverageFuzzTest {
    private static final int RAW = 0x80;
    private static final int WRONG_NUMBER = 0x01;
    private static final int OTHER_LUN = 0x02;
    private static final int TRANSFER_TAG = 0x04;
    private static final int DATA = 0x08;

    private final FuzzedSession.Shared shared = new FuzzedSession.Shared();

    @MethodSource("inputs")
    @FuzzTest(maxDuration = "5m")
    void noInputEscapesTheSessionOrIsLeftOver(final byte[] input) throws InterruptedException {
        final ByteBuffer in = ByteBuffer.wrap(input);
        final int mode = next(in);
        final FuzzedSession session = new FuzzedSession(shared, access(mode));
        if ((mode & 1) != 0) {
            logIn(session, next(in));
        }
        int commandSn = 1;
        while (in.hasRemaining() && session.open()) {
            final int step = next(in);
            if ((step & RAW) != 0) {
                session.feed(bytes(in, 1 + (step & 0x7f)));
            } else {
                commandSn = feedPdu(session, step, in, commandSn);
            }
        }
        session.end();
    }

    private static IscsiAccess access(final int mode) {
        return (mode & 2) == 0
                ? IscsiAccess.LOOPBACK
                : new IscsiAccess(Set.of(), List.of(new ChapCredential("me", "secret-secret")), null);
    }

    private static int next(final ByteBuffer in) {
        return in.hasRemaining() ? in.get() & 0xff : 0;
    }

    private static byte[] bytes(final ByteBuffer in, final int length) {
        final byte[] bytes = new byte[Math.min(length, in.remaining())];
        in.get(bytes);
        return bytes;
    }

    /** A proper login to the operational stage and through it, with parameters as the bits say. */
    private void logIn(final FuzzedSession session, final int bits) {
        final String text = "InitiatorName=iqn.t\0TargetName=" + shared.target
                + ((bits & 1) == 0 ? "\0InitialR2T=No" : "\0InitialR2T=Yes")
                + ((bits & 2) == 0 ? "\0ImmediateData=Yes" : "\0ImmediateData=No")
                + ((bits & 4) == 0 ? "" : "\0MaxBurstLength=512\0FirstBurstLength=512")
                + ((bits & 8) == 0 ? "" : "\0MaxOutstandingR2T=4")
                + ((bits & 16) == 0 ? "" : "\0MaxRecvDataSegmentLength=512")
                + ((bits & 32) == 0 ? "" : "\0SessionType=Discovery") + '\0';
        session.feed(pdu(header(Opcode.LOGIN, 0x87), text.getBytes(StandardCharsets.UTF_8)));
    }

    private static ByteBuffer header(final int opcode, final int flags) {
        return ByteBuffer.allocate(Pdu.HEADER_LENGTH).put(0, (byte) opcode).put(1, (byte) flags);
    }

    private static byte[] pdu(final ByteBuffer header, final byte[] data) {
        header.putInt(4, header.get(4) << 24 | data.length);
        return ByteBuffer.allocate(Pdu.HEADER_LENGTH + PduDecoder.padded(data.length))
                .put(header.array())
                .put(data)
                .array();
    }

    /** Returns the number of the next command. */
    private static int feedPdu(
            final FuzzedSession session, final int opcode, final ByteBuffer in, final int commandSn) {
        final ByteBuffer header = header(opcode, next(in));
        final int form = next(in);
        if ((form & OTHER_LUN) != 0) {
            header.putLong(8, (long) next(in) << 48);
        }
        header.putInt(16, next(in));
        header.putInt(20, next(in) * 512); // Expected length of a command, task of a task management function.
        if (opcode == Opcode.DATA_OUT || (opcode & 0x3f) == Opcode.NOP_OUT || (opcode & 0x3f) == Opcode.TEXT) {
            header.putInt(20, (form & TRANSFER_TAG) != 0 ? next(in) : Opcode.NO_TAG);
        }
        header.putInt(24, (form & WRONG_NUMBER) != 0 ? commandSn + next(in) - 128 : commandSn);
        if (opcode == Opcode.DATA_OUT) {
            header.putInt(36, next(in)).putInt(40, next(in) * 512);
        } else {
            header.position(32).put(bytes(in, 16));
        }
        final byte[] data = (form & DATA) == 0 ? new byte[0] : data(opcode & 0x3f, in);
        session.feed(pdu(header, data));
        final boolean counted = (opcode & 0x40) == 0 && opcode != Opcode.DATA_OUT && opcode != Opcode.LOGIN;
        return counted && (form & WRONG_NUMBER) == 0 ? commandSn + 1 : commandSn;
    }

    /** Text as it stands; of blocks a length and a first few bytes, which is what commands look at. */
    private static byte[] data(final int opcode, final ByteBuffer in) {
        final int length = next(in);
        return opcode == Opcode.LOGIN || opcode == Opcode.TEXT
                ? bytes(in, length)
                : Arrays.copyOf(bytes(in, Math.min(length, 64)), length * 16);
    }

    // What the fuzzer starts from, and what every build runs

    static Stream<byte[]> inputs() {
        return Stream.of(
                new byte[0],
                input(0).raw(new byte[48]).end(),
                input(0).login(0x87, "InitiatorName=iqn.x\0SessionType=Discovery\0")
                        .text("SendTargets=All\0")
                        .end(),
                input(2).login(0x01, "InitiatorName=iqn.x\0TargetName=x\0AuthMethod=CHAP\0")
                        .login(0x01, "CHAP_A=5,7\0")
                        .login(0x83, "CHAP_N=me\0CHAP_R=0x00112233445566778899aabbccddeeff\0CHAP_I=1\0CHAP_C=0b\0")
                        .end(),
                loggedIn(0).command(0xc0, 1, "12 00 00 00 ff").end(),
                loggedIn(0)
                        .command(0xa0, 1, "2a 00 00000000 00 0001")
                        .dataOut(0x80, 0, 0, 1)
                        .end(),
                loggedIn(1)
                        .command(0xa0, 8, "8a 00 0000000000000000 00000008")
                        .dataOut(0, 0, 0, 4)
                        .dataOut(0x80, 1, 4, 4)
                        .end(),
                loggedIn(0)
                        .command(0xc0, 8, "28 00 00000000 00 0008")
                        .management(1)
                        .management(5)
                        .management(7)
                        .end(),
                loggedIn(0).command(0xa0, 2, "89 00 0000000000000000 000000 01").end(),
                loggedIn(0).command(0xa0, 1, "42 00 00000000 00 0018").end(),
                loggedIn(0).command(0xa0, 1, "93 08 0000000000000000 00000100").end(),
                loggedIn(0).command(0xc0, 1, "9e 12 0000000000000000 00000080").end(),
                loggedIn(0)
                        .command(0xa0, 1, "5f 00 00 0000 00000018")
                        .command(0xc0, 1, "5e 03 00000000 00 0080")
                        .end(),
                loggedIn(0)
                        .command(0xa0, 1, "55 10 0000000000 0020")
                        .command(0xc0, 1, "1a 00 3f 00 ff")
                        .end(),
                loggedIn(0).command(0xa0, 1, "83 00 0000000000000000 00000080").end(),
                loggedIn(4)
                        .command(0xa0, 255, "8b 00 0000000000000000 000000ff")
                        .command(0x81, 0, "35")
                        .end(),
                loggedIn(16).text("SendTargets=\0").ping().logout().end(),
                loggedIn(32).command(0x80, 0, "00").text("SendTargets=All\0").end());
    }

    private static Input input(final int mode) {
        return new Input().add(mode);
    }

    /** Logged in, and told of the power-on that comes before anything else. */
    private static Input loggedIn(final int parameters) {
        return input(1).add(parameters).command(0x80, 0, "00");
    }

    private static final class Input {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private int tag = 1;

        Input add(final int... values) {
            for (final int value : values) {
                bytes.write(value);
            }
            return this;
        }

        Input raw(final byte[] content) {
            add(RAW | content.length - 1).bytes.writeBytes(content);
            return this;
        }

        Input login(final int flags, final String text) {
            add(Opcode.LOGIN | 0x40, flags, DATA, 0, 0).add(new int[16]);
            return textOf(text);
        }

        Input text(final String text) {
            add(Opcode.TEXT, 0x80, DATA, tag++, 0).add(new int[16]);
            return textOf(text);
        }

        private Input textOf(final String text) {
            add(text.length()).bytes.writeBytes(text.getBytes(StandardCharsets.UTF_8));
            return this;
        }

        /** @param blocks that the initiator has or wants */
        Input command(final int flags, final int blocks, final String cdb) {
            add(Opcode.SCSI_COMMAND, flags, 0, tag++, blocks);
            bytes.writeBytes(Arrays.copyOf(HexFormat.of().parseHex(cdb.replace(" ", "")), 16));
            return this;
        }

        Input dataOut(final int flags, final int dataSn, final int blocksIn, final int blocks) {
            final int each = 512 / 16;
            return add(Opcode.DATA_OUT, flags, TRANSFER_TAG | DATA, tag - 1, 0, 0, dataSn, blocksIn, blocks * each)
                    .add(new int[Math.min(blocks * each, 64)]);
        }

        Input management(final int function) {
            return add(Opcode.TASK_MANAGEMENT | 0x40, 0x80 | function, 0, 99, 1).add(new int[16]);
        }

        Input ping() {
            return add(Opcode.NOP_OUT | 0x40, 0x80, DATA, 99, 0)
                    .add(new int[16])
                    .add(1, 1);
        }

        Input logout() {
            return add(Opcode.LOGOUT | 0x40, 0x80, 0, 99, 0).add(new int[16]);
        }

        byte[] end() {
            return bytes.toByteArray();
        }
    }
}
