package io.icecore.volume.iscsi.scsi;

import io.icecore.store.device.StoreException;
import io.icecore.volume.BusyException;
import io.icecore.volume.NoSuchException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.agrona.concurrent.NanoClock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the operator why commands of one logical unit failed: one line, and at most one a second, since a store in trouble
 * fails every command. Only what is a bug of ours comes with a stack trace. Thread-safe.
 */
final class FailureLog {
    private static final Logger LOG = LoggerFactory.getLogger(FailureLog.class);
    private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final String export;
    private final NanoClock clock;
    private final AtomicLong loggedNanos;
    private final LongAdder unlogged = new LongAdder();

    FailureLog(final String export, final NanoClock clock) {
        this.export = export;
        this.clock = clock;
        loggedNanos = new AtomicLong(clock.nanoTime() - INTERVAL_NANOS);
    }

    void failed(final Throwable failure) {
        final long now = clock.nanoTime();
        final long logged = loggedNanos.get();
        if (now - logged < INTERVAL_NANOS || !loggedNanos.compareAndSet(logged, now)) {
            unlogged.increment();
            return;
        }
        final long before = unlogged.sumThenReset();
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
