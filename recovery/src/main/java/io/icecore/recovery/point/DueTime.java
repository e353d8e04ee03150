package io.icecore.recovery.point;

import java.time.Duration;
import java.time.Instant;

/**
 * When the next rolling snapshot of a volume is due: at the multiples of {@code every} since the epoch, so that volumes
 * with equal or multiple intervals meet and share a commit.
 *
 * <p>Made to survive clocks:
 * <ul>
 *   <li>However many due times have passed, by downtime or a jump forward, one snapshot makes up for them all.</li>
 *   <li>A step back of up to a minute (a correction by the time service) is waited out: nothing is taken twice.</li>
 *   <li>After a longer step back the next multiple by the new clock is due, at most {@code every} later.</li>
 * </ul>
 */
final class DueTime {
    private static final Duration STEP_BACK_WAITED_OUT_MAX = Duration.ofMinutes(1);

    private final Duration every;
    private final Duration wait;
    private Instant next;

    private DueTime(final Duration every, final Instant next) {
        this.every = every;
        this.wait = every.plus(every.compareTo(STEP_BACK_WAITED_OUT_MAX) < 0 ? every : STEP_BACK_WAITED_OUT_MAX);
        this.next = next;
    }

    /** Of a volume that has no rolling snapshot yet: due at once, then at the multiples. */
    static DueTime atOnce(final Duration every, final Instant now) {
        return new DueTime(every, now);
    }

    static DueTime after(final Duration every, final Instant lastTaken) {
        return new DueTime(every, multipleAfter(every, lastTaken));
    }

    Instant next() {
        return next;
    }

    boolean reached(final Instant now) {
        if (Duration.between(now, next).compareTo(wait) > 0) {
            next = multipleAfter(every, now);
        }
        return !now.isBefore(next);
    }

    /** This due time and all before {@code now} are settled: taken, or given up. */
    void settle(final Instant now) {
        next = multipleAfter(every, now);
    }

    private static Instant multipleAfter(final Duration every, final Instant time) {
        final long seconds = every.getSeconds();
        return Instant.ofEpochSecond((Math.floorDiv(time.getEpochSecond(), seconds) + 1) * seconds);
    }
}
