package io.icecore.volume.nbd;

/** The client broke a rule after which its bytes can no longer be understood. Its connection is dropped. */
final class NbdProtocolException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message what was found and what was expected */
    NbdProtocolException(final String message) {
        super(message);
    }
}
