package io.icecore.volume;

/** What was asked clashes with what is there: the name exists, the snapshot is held, the volume is in use. */
public final class BusyException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public BusyException(final String message) {
        super(message);
    }
}
