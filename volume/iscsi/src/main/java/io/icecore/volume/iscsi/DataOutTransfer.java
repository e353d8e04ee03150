package io.icecore.volume.iscsi;

import java.util.ArrayDeque;

/**
 * The data of one command on its way to the target: which bytes have come unasked, which are to be asked for
 * (RFC 7143 sections 4.2.5.2 and 11.7, 11.8). Pure: says what is expected next and knows no buffers.
 *
 * <p>Data comes in order (DataPDUInOrder, DataSequenceInOrder): first what is unsolicited, with the command or after
 * it, then one burst for each R2T.
 */
final class DataOutTransfer {
    /** Data other than what was expected. The command fails; the session goes on. */
    static final class SequenceException extends Exception {
        private static final long serialVersionUID = 1L;

        SequenceException(final String message) {
            super(message, null, false, false);
        }
    }

    /**
     * A request for data.
     *
     * @param tag    target transfer tag
     * @param number R2TSN
     * @param offset byte within the command's data
     * @param length bytes
     */
    record Request(int tag, int number, int offset, int length) {}

    private static final class Burst {
        final Request request;
        int received;
        int dataSn;

        Burst(final Request request) {
            this.request = request;
        }
    }

    private final int needed;
    private final int unsolicitedMax;
    private final int burstLengthMax;
    private final int outstandingMax;
    private final ArrayDeque<Burst> outstanding = new ArrayDeque<>();
    private boolean unsolicitedOpen;
    private int unsolicitedReceived;
    private int unsolicitedDataSn;
    private int asked;
    private int received;
    private int requestNumber;

    /**
     * @param needed          bytes that the command needs: no more are asked for
     * @param expected        bytes that the initiator has for it
     * @param immediateLength bytes that came with the command
     * @param more            unsolicited data follows
     */
    DataOutTransfer(
            final SessionParameters parameters,
            final int needed,
            final int expected,
            final int immediateLength,
            final boolean more) {
        this.needed = needed;
        this.unsolicitedMax = Math.min(parameters.unsolicitedLengthMax(), expected);
        this.burstLengthMax = parameters.maxBurstLength;
        this.outstandingMax = parameters.maxOutstandingR2t;
        this.unsolicitedOpen = more;
        this.unsolicitedReceived = immediateLength;
        this.received = Math.min(immediateLength, needed);
        this.asked = received;
    }

    /** The initiator goes on to send without being asked. */
    boolean unsolicitedOpen() {
        return unsolicitedOpen;
    }

    /** All that the command needs is here, and nothing else is under way. */
    boolean complete() {
        return !unsolicitedOpen && received == needed;
    }

    /** Checks one Data-Out PDU against what is expected. Its bytes up to {@code needed} count. */
    void onData(final int tag, final int dataSn, final int offset, final int length, final boolean last)
            throws SequenceException {
        if (tag == Opcode.NO_TAG) {
            onUnsolicited(dataSn, offset, length, last);
        } else {
            onSolicited(tag, dataSn, offset, length, last);
        }
    }

    private void onUnsolicited(final int dataSn, final int offset, final int length, final boolean last)
            throws SequenceException {
        if (!unsolicitedOpen) {
            throw new SequenceException("unsolicited data that was not announced");
        }
        check("DataSN", dataSn, unsolicitedDataSn);
        check("buffer offset", offset, unsolicitedReceived);
        if (length > unsolicitedMax - unsolicitedReceived) {
            throw new SequenceException("unsolicited data beyond FirstBurstLength");
        }
        unsolicitedDataSn++;
        unsolicitedReceived += length;
        received = Math.min(unsolicitedReceived, needed);
        asked = received;
        unsolicitedOpen = !last;
    }

    private void onSolicited(final int tag, final int dataSn, final int offset, final int length, final boolean last)
            throws SequenceException {
        final Burst burst = outstanding.peek(); // In order: the oldest request is answered first.
        if (burst == null || burst.request.tag != tag) {
            throw new SequenceException("target transfer tag that is not outstanding");
        }
        check("DataSN", dataSn, burst.dataSn);
        check("buffer offset", offset, burst.request.offset + burst.received);
        if (length > burst.request.length - burst.received) {
            throw new SequenceException("more data than asked for");
        }
        burst.dataSn++;
        burst.received += length;
        received += length;
        final boolean whole = burst.received == burst.request.length;
        if (last != whole) {
            throw new SequenceException(
                    "sequence ended with " + burst.received + " bytes (expected: " + burst.request.length + ")");
        }
        if (whole) {
            outstanding.remove();
        }
    }

    private static void check(final String field, final int actual, final int expected) throws SequenceException {
        if (actual != expected) {
            throw new SequenceException(field + ": " + actual + " (expected: " + expected + ")");
        }
    }

    /** The next request to send, or null when there is nothing to ask for now. */
    Request next(final int tag) {
        if (unsolicitedOpen || asked == needed || outstanding.size() == outstandingMax) {
            return null;
        }
        final int length = Math.min(burstLengthMax, needed - asked);
        final Request request = new Request(tag, requestNumber++, asked, length);
        outstanding.add(new Burst(request));
        asked += length;
        return request;
    }

    /** Whether the tag is one that this transfer handed out and waits for. */
    boolean waits() {
        return unsolicitedOpen || !outstanding.isEmpty();
    }
}
