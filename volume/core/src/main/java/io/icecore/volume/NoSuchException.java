package io.icecore.volume;

/** The volume, snapshot or hold that was named does not exist. */
public final class NoSuchException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message what was looked for and where: {@code no such snapshot: vm1@monday} */
    public NoSuchException(final String message) {
        super(message);
    }
}
