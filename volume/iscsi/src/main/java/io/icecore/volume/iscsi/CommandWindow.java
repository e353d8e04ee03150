package io.icecore.volume.iscsi;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * CmdSN, ExpCmdSN and MaxCmdSN of a session (RFC 7143 section 4.2.2.1): which command is next, and how many more the
 * initiator may send. A command takes one place from its arrival to its answer.
 *
 * <p>The connection's thread takes commands in; any thread gives places back; one thread at a time, whichever sends,
 * asks for {@link #maxCommandSn()}.
 */
final class CommandWindow implements PduEncoder.Window {
    private final int length;
    private final AtomicInteger used = new AtomicInteger();
    private volatile int expected;
    private volatile int max;

    /**
     * @param first  CmdSN of the first command
     * @param length commands at once
     */
    CommandWindow(final int first, final int length) {
        this.length = length;
        this.expected = first;
        this.max = first + length - 1;
    }

    @Override
    public int expectedCommandSn() {
        return expected;
    }

    /** Never goes back. */
    @Override
    public int maxCommandSn() {
        final int next = expected; // Before the count, which is raised before the number is: never too many.
        final int now = next + length - used.get() - 1;
        if (now - max > 0) {
            max = now;
        }
        return max;
    }

    /**
     * Whether a PDU is to be looked at; one outside the window is not.
     *
     * @throws PduException when a number was left out, which on one connection cannot be a matter of overtaking
     */
    boolean admits(final Pdu pdu) throws PduException {
        if (pdu.immediate()) {
            return true; // Has no number of its own: it comes through even when the window is closed.
        }
        final int number = pdu.commandSn();
        final int next = expected;
        if (number - next < 0 || number - max > 0) {
            return false;
        }
        if (number != next) {
            throw new PduException(
                    "CmdSN: " + number + " (expected: " + next + ")", Opcode.REJECT_PROTOCOL_ERROR, pdu.header());
        }
        return true;
    }

    /** The number is used up. Connection's thread only. */
    void advance() {
        expected = expected + 1;
    }

    void take() {
        used.incrementAndGet();
    }

    void giveBack() {
        used.decrementAndGet();
    }

    int used() {
        return used.get();
    }
}
