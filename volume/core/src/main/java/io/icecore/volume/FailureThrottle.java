package io.icecore.volume;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.agrona.concurrent.NanoClock;

/**
 * Lets one failure a second be logged and counts the others: a store in trouble fails every request, and one line says as
 * much as a thousand. Thread-safe.
 */
public final class FailureThrottle {
    private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final NanoClock clock;
    private final AtomicLong loggedNanos;
    private final LongAdder unlogged = new LongAdder();

    public FailureThrottle(final NanoClock clock) {
        this.clock = clock;
        loggedNanos = new AtomicLong(clock.nanoTime() - INTERVAL_NANOS);
    }

    /** How many failures were counted since one was to be logged, if this one is to be; else -1, and it is counted. */
    public long unloggedBefore() {
        final long now = clock.nanoTime();
        final long logged = loggedNanos.get();
        if (now - logged < INTERVAL_NANOS || !loggedNanos.compareAndSet(logged, now)) {
            unlogged.increment();
            return -1;
        }
        return unlogged.sumThenReset();
    }
}
