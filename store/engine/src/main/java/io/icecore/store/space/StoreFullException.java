package io.icecore.store.space;

import io.icecore.store.device.NoSpaceException;

/**
 * The store itself has no free blocks, so that a deletion makes room. Of a file system below that is full the device says
 * a plain {@link NoSpaceException}, and no deletion in the store helps against that.
 */
public final class StoreFullException extends NoSpaceException {
    private static final long serialVersionUID = 1L;

    public StoreFullException(final String message) {
        super(message);
    }
}
