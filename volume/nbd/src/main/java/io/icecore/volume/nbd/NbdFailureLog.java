package io.icecore.volume.nbd;

import io.icecore.store.device.StoreException;
import io.icecore.volume.FailureThrottle;
import io.icecore.volume.ReadOnlyException;
import org.agrona.concurrent.NanoClock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the operator why requests of one connection failed, at most one of them a second. Thread-safe. */
final class NbdFailureLog {
    private static final Logger LOG = LoggerFactory.getLogger(NbdFailureLog.class);

    private final FailureThrottle throttle;
    private final String peer;

    NbdFailureLog(final NanoClock clock, final String peer) {
        throttle = new FailureThrottle(clock);
        this.peer = peer;
    }

    void failed(final NbdRequest request, final Throwable failure) {
        if (failure instanceof ReadOnlyException) {
            return; // The client's mistake, and its kernel tells it so.
        }
        final long before = throttle.unloggedBefore();
        if (before < 0) {
            return;
        }
        final String where = String.format(
                "export=%s op=%s offset=%d length=%d peer=%s failuresUnlogged=%d",
                request.export.name(), request.op, request.offset, request.length, peer, before);
        if (failure instanceof StoreException) {
            LOG.warn("request failed: {} cause={}", where, failure.toString());
        } else {
            LOG.error("request failed because of a bug: {}", where, failure);
        }
    }
}
