package io.icecore.volume.iscsi;

/** The peer broke the protocol. The connection ends; nothing is wrong with the target. */
final class PduException extends Exception {
    private static final long serialVersionUID = 1L;

    static final int NO_REJECT = 0;

    private final int rejectReason;
    private final transient byte[] header;

    PduException(final String message) {
        this(message, NO_REJECT, null);
    }

    /**
     * @param rejectReason told to the peer before the connection ends, or {@link #NO_REJECT}
     * @param header       the header of the PDU at fault
     */
    PduException(final String message, final int rejectReason, final byte[] header) {
        super(message, null, false, false);
        this.rejectReason = rejectReason;
        this.header = header;
    }

    int rejectReason() {
        return rejectReason;
    }

    byte[] header() {
        return header;
    }
}
