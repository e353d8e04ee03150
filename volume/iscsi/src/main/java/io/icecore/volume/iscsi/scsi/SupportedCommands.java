package io.icecore.volume.iscsi.scsi;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** REPORT SUPPORTED OPERATION CODES (SPC-4 section 6.35), straight from the table of {@link Command}s. */
final class SupportedCommands {
    private static final int RCTD = 0x80;
    private static final int ALL = 0;
    private static final int ONE_WITHOUT_SERVICE_ACTION = 1;
    private static final int ONE_WITH_SERVICE_ACTION = 2;
    private static final int ONE_OF_EITHER = 3;
    private static final int NOT_SUPPORTED = 1;
    private static final int SUPPORTED = 3;
    private static final int TIMEOUTS_LENGTH = 12;

    private SupportedCommands() {}

    static Plan report(final Cdb cdb) throws ScsiException {
        final boolean timeouts = cdb.bit(2, RCTD);
        final int options = cdb.u8(2) & 7;
        final int code = cdb.u8(3);
        final int action = cdb.u16(4);
        final boolean hasAction = Command.hasServiceAction(code);
        final byte[] report = switch (options) {
            case ALL -> all(timeouts);
            case ONE_WITHOUT_SERVICE_ACTION -> {
                if (hasAction) {
                    throw new ScsiException(Sense.invalidCdbField(2));
                }
                yield one(Command.of(code, 0), timeouts);
            }
            case ONE_WITH_SERVICE_ACTION -> {
                if (!hasAction && Command.knownCode(code)) {
                    throw new ScsiException(Sense.invalidCdbField(2));
                }
                yield one(Command.of(code, action), timeouts);
            }
            case ONE_OF_EITHER -> one(hasAction || action == 0 ? Command.of(code, action) : null, timeouts);
            default -> throw new ScsiException(Sense.invalidCdbField(2));
        };
        return Plan.answer(report, cdb.u32(6));
    }

    private static byte[] all(final boolean timeouts) {
        final int each = 8 + (timeouts ? TIMEOUTS_LENGTH : 0);
        final Command[] commands = Command.values();
        final ByteBuffer out = ByteBuffer.allocate(4 + commands.length * each).putInt(commands.length * each);
        for (final Command command : commands) {
            out.put((byte) command.code()).put((byte) 0);
            out.putShort((short) (command.hasServiceAction() ? command.serviceAction() : 0))
                    .put((byte) 0);
            out.put((byte) ((timeouts ? 0x02 : 0) | (command.hasServiceAction() ? 0x01 : 0)));
            out.putShort((short) command.cdbLength());
            if (timeouts) {
                putTimeouts(out);
            }
        }
        return out.array();
    }

    private static byte[] one(final Command command, final boolean timeouts) {
        if (command == null) {
            return new byte[] {0, NOT_SUPPORTED, 0, 0};
        }
        final ByteBuffer out = ByteBuffer.allocate(4 + command.cdbLength() + TIMEOUTS_LENGTH);
        out.put((byte) 0).put((byte) (SUPPORTED | (timeouts ? 0x80 : 0))).putShort((short) command.cdbLength());
        out.put(command.usage());
        if (timeouts) {
            putTimeouts(out);
        }
        return Arrays.copyOf(out.array(), out.position());
    }

    /** No command has a limit of its own: both times zero. */
    private static void putTimeouts(final ByteBuffer out) {
        out.putShort((short) (TIMEOUTS_LENGTH - 2))
                .putShort((short) 0)
                .putInt(0)
                .putInt(0);
    }
}
