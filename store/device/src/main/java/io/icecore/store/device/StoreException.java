package io.icecore.store.device;

/**
 * The store could not do what was asked: the device reported an error, or an earlier failure left the store unusable.
 *
 * <p>Root of the store's failures. Damaged bytes are a {@code CorruptStoreException}, a full store is a
 * {@link NoSpaceException}; a bug of ours is an {@link AssertionError} and not one of these.
 */
public class StoreException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public StoreException(final String message) {
        super(message);
    }

    public StoreException(final String message, final Throwable cause) {
        super(message, cause);
    }
}
