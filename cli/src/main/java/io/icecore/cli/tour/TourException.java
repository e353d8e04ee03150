package io.icecore.cli.tour;

/** The tour cannot go on, or a proof failed: the message is for the person who watches. */
final class TourException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message {@code what went wrong: what was found (expected: what)} */
    TourException(final String message) {
        super(message);
    }
}
