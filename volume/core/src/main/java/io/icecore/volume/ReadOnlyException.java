package io.icecore.volume;

/** A change was asked of a snapshot, or of a store that takes no writes. */
public final class ReadOnlyException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ReadOnlyException(final String message) {
        super(message);
    }
}
