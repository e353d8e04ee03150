package io.icecore.volume.iscsi;

/** Something to be sent to the initiator: one PDU, or several with a beginning and an end. */
interface Reply {
    /**
     * Encodes as much as there is room for; called again until it returns true.
     *
     * @param encoder has room for one PDU at least
     * @return whether that was all
     */
    boolean encode(PduEncoder encoder);

    /** The bytes have left, or never will: memory they lie in is free. Called exactly once. */
    default void released() {}
}
