package io.icecore.volume.iscsi.scsi;

import io.icecore.store.device.StoreException;
import io.icecore.volume.BusyException;
import io.icecore.volume.FailureThrottle;
import io.icecore.volume.NoSuchException;
import java.util.concurrent.RejectedExecutionException;
import org.agrona.concurrent.NanoClock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the operator why commands of one logical unit failed: one line, for at most one of them a second. Only what is a bug
 * of ours comes with a stack trace. Thread-safe.
 */
final class FailureLog {
    private static final Logger LOG = LoggerFactory.getLogger(FailureLog.class);

    private final String export;
    private final FailureThrottle throttle;

    FailureLog(final String export, final NanoClock clock) {
        this.export = export;
        throttle = new FailureThrottle(clock);
    }

    void failed(final Throwable failure) {
        final long before = throttle.unloggedBefore();
        if (before < 0) {
            return;
        }
        if (expected(failure)) {
            LOG.warn("command failed: export={} cause={} failuresUnlogged={}", export, failure.toString(), before);
        } else {
            LOG.error("command failed because of a bug: export={} failuresUnlogged={}", export, before, failure);
        }
    }

    /** The store is in trouble; or the server is closing, or the export was closed, cut or deleted beneath the command. */
    private static boolean expected(final Throwable failure) {
        return failure instanceof StoreException
                || failure instanceof RejectedExecutionException
                || failure instanceof IllegalStateException
                || failure instanceof IllegalArgumentException
                || failure instanceof NoSuchException
                || failure instanceof BusyException;
    }
}
