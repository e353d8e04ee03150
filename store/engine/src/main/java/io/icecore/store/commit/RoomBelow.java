package io.icecore.store.commit;

import io.icecore.store.device.NoSpaceException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the file system below has room for what the store writes. Any thread; told of each write, it logs the first that
 * finds none and the first begun after that which finds some: those under way at that time had found theirs before.
 */
public final class RoomBelow {
    private static final Logger LOG = LoggerFactory.getLogger(RoomBelow.class);

    private final String device;
    private volatile int failures;
    private volatile String problem;

    RoomBelow(final String device) {
        this.device = device;
    }

    /** What the last write met, or null while there is room. */
    public String problem() {
        return problem;
    }

    /** How many writes have found none: taken when a write begins, for {@link #found}. */
    public int failures() {
        return failures;
    }

    public synchronized void missing(final NoSpaceException ex) {
        if (problem == null) {
            LOG.warn(
                    "no room below the store, writes fail until there is: device={} problem={}",
                    device,
                    ex.getMessage());
        }
        failures++;
        problem = ex.getMessage();
    }

    /** A write went through which began after so many had found none. */
    public void found(final int failuresBefore) {
        if (problem != null) {
            foundAgain(failuresBefore);
        }
    }

    private synchronized void foundAgain(final int failuresBefore) {
        if (problem != null && failures == failuresBefore) {
            problem = null;
            LOG.info("there is room below the store again: device={}", device);
        }
    }
}
