package io.icecore.volume;

import java.util.function.BooleanSupplier;
import org.agrona.concurrent.NanoClock;

/**
 * How much of the time moving data takes. Emptying segments: a fifth beside clients that are at work, all of it otherwise; a
 * pass that there is no need for is looked for every few seconds. Putting in order what was read, which nobody waits for: all
 * of it while no client has asked for anything since the step before, else none. One thread.
 */
final class CleanerPace {
    private static final int PAUSE_PER_STEP = 4;
    private static final long PAUSE_MILLIS_MAX = 200;
    private static final long IDLE_MILLIS = 5000;

    private final Volumes volumes;
    private final BooleanSupplier clean;
    private final BooleanSupplier defragment;
    private final NanoClock clock;
    private long requestsSeen;

    CleanerPace(
            final Volumes volumes,
            final BooleanSupplier clean,
            final BooleanSupplier defragment,
            final NanoClock clock) {
        this.volumes = volumes;
        this.clean = clean;
        this.defragment = defragment;
        this.clock = clock;
    }

    /** Does one step. Returns how long to pause before the next, in milliseconds. */
    long step() {
        final long requests = volumes.requests();
        final boolean clientsIdle = requests == requestsSeen;
        requestsSeen = requests;
        final long begin = clock.nanoTime();
        if (clean.getAsBoolean()) {
            final long nanos = clock.nanoTime() - begin;
            return clientsIdle ? 0 : Math.min(PAUSE_MILLIS_MAX, 1 + PAUSE_PER_STEP * nanos / 1_000_000);
        }
        return clientsIdle && defragment.getAsBoolean() ? 0 : IDLE_MILLIS;
    }
}
