package io.icecore.store.sim;

import io.icecore.store.device.StoreException;

/**
 * The simulated device has lost its power: this operation did not return and none will.
 *
 * <p>A {@link StoreException}, so that the code under test does what it does when a device dies under it. Code that goes
 * on regardless meets this exception again at its next operation.
 */
public final class PowerLoss extends StoreException {
    private static final long serialVersionUID = 1L;

    PowerLoss(final long operation) {
        super("power lost at operation " + operation);
    }

    /** Whether a power loss is at the bottom of this failure, however it was wrapped. */
    public static boolean isCauseOf(final Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof PowerLoss) {
                return true;
            }
        }
        return false;
    }
}
