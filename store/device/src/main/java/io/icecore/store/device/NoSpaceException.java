package io.icecore.store.device;

/** Neither the store nor the file system below it has room for this write. Nothing was changed. */
public class NoSpaceException extends StoreException {
    private static final long serialVersionUID = 1L;

    public NoSpaceException(final String message) {
        super(message);
    }

    public NoSpaceException(final String message, final Throwable cause) {
        super(message, cause);
    }
}
