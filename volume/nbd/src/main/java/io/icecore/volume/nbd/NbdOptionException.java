package io.icecore.volume.nbd;

/** An option of the client is refused; the haggling goes on. */
final class NbdOptionException extends Exception {
    private static final long serialVersionUID = 1L;

    private final int replyType;

    /** @param replyType one of {@code NBD_REP_ERR_*}; the message goes to the client */
    NbdOptionException(final int replyType, final String message) {
        super(message, null, false, false);
        this.replyType = replyType;
    }

    int replyType() {
        return replyType;
    }
}
