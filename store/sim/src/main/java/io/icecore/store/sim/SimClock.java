package io.icecore.store.sim;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.concurrent.atomic.AtomicReference;

/** A clock that stands still until it is told to move; forwards or, as real ones do, backwards. Thread-safe. */
public final class SimClock extends Clock {
    private final AtomicReference<Instant> now;
    private final ZoneId zone;

    /** In UTC. */
    public SimClock(final Instant start) {
        this(new AtomicReference<>(start), ZoneOffset.UTC);
    }

    private SimClock(final AtomicReference<Instant> now, final ZoneId zone) {
        this.now = now;
        this.zone = zone;
    }

    public void advance(final Duration step) {
        now.updateAndGet(instant -> instant.plus(step));
    }

    public void set(final Instant instant) {
        now.set(instant);
    }

    @Override
    public Instant instant() {
        return now.get();
    }

    @Override
    public ZoneId getZone() {
        return zone;
    }

    /** The same clock, read in another zone: moving one moves both. */
    @Override
    public SimClock withZone(final ZoneId otherZone) {
        return new SimClock(now, otherZone);
    }
}
