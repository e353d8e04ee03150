package io.icecore.volume.nbd;

import io.icecore.store.device.StoreException;
import io.icecore.volume.ReadOnlyException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.agrona.concurrent.NanoClock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the operator why requests of one connection failed. A store in trouble fails every request: one line a second says
 * as much as a thousand. Thread-safe.
 */
final class NbdFailureLog {
    private static final Logger LOG = LoggerFactory.getLogger(NbdFailureLog.class);
    private static final long INTERVAL_NANOS = 1_000_000_000;

    private final NanoClock clock;
    private final String peer;
    private final AtomicLong loggedNanos;
    private final LongAdder unlogged = new LongAdder();

    NbdFailureLog(final NanoClock clock, final String peer) {
        this.clock = clock;
        this.peer = peer;
        loggedNanos = new AtomicLong(clock.nanoTime() - INTERVAL_NANOS);
    }

    void failed(final NbdRequest request, final Throwable failure) {
        if (failure instanceof ReadOnlyException) {
            return; // The client's mistake, and its kernel tells it so.
        }
        final long now = clock.nanoTime();
        final long logged = loggedNanos.get();
        if (now - logged < INTERVAL_NANOS || !loggedNanos.compareAndSet(logged, now)) {
            unlogged.increment();
            return;
        }
        final String where = String.format(
                "export=%s op=%s offset=%d length=%d peer=%s failuresUnlogged=%d",
                request.export.name(), request.op, request.offset, request.length, peer, unlogged.sumThenReset());
        if (failure instanceof StoreException) {
            LOG.warn("request failed: {} cause={}", where, failure.toString());
        } else {
            LOG.error("request failed because of a bug: {}", where, failure);
        }
    }
}
