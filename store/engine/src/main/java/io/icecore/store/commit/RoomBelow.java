package io.icecore.store.commit;

import io.icecore.store.device.NoSpaceException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the file system below has room for what the store writes. Any thread; told of each write, it logs the first that
 * finds none and the first after that which does.
 */
public final class RoomBelow {
    private static final Logger LOG = LoggerFactory.getLogger(RoomBelow.class);

    private final String device;
    private volatile String problem;

    RoomBelow(final String device) {
        this.device = device;
    }

    /** What the last write met, or null while there is room. */
    public String problem() {
        return problem;
    }

    public void missing(final NoSpaceException ex) {
        final boolean first = problem == null;
        problem = ex.getMessage();
        if (first) {
            LOG.warn("no room below the store, writes fail until there is: device={} problem={}", device, problem);
        }
    }

    public void found() {
        if (problem != null) {
            problem = null;
            LOG.info("there is room below the store again: device={}", device);
        }
    }
}
