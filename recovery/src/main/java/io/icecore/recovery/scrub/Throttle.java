package io.icecore.recovery.scrub;

import java.util.function.LongSupplier;

/** Keeps reading to so many bytes a second. What is not used in a pause is not made up for later. */
final class Throttle {
    private static final long NANOS_PER_SECOND = 1_000_000_000;

    private final long bytesPerSecond;
    private final LongSupplier nanoTime;
    private long freeAt;

    /** @param bytesPerSecond 0: no limit */
    Throttle(final long bytesPerSecond, final LongSupplier nanoTime) {
        this.bytesPerSecond = bytesPerSecond;
        this.nanoTime = nanoTime;
        freeAt = nanoTime.getAsLong();
    }

    /** Notes bytes read since the last call, and says how long to wait before the next ones. */
    long pauseNanosAfter(final long bytes) {
        if (bytesPerSecond == 0) {
            return 0;
        }
        final long now = nanoTime.getAsLong();
        final long cost = (long) ((double) bytes * NANOS_PER_SECOND / bytesPerSecond);
        freeAt = Math.max(freeAt, now - cost) + cost;
        return Math.max(0, freeAt - now);
    }
}
