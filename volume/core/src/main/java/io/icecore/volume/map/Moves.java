package io.icecore.volume.map;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Tells readers that versions moved from one branch to another while they looked: a lookup that met the child before and
 * the parent after a move has seen neither. A sequence lock: odd while a move is under way.
 */
public final class Moves {
    private final AtomicLong sequence = new AtomicLong();

    /** Before a lookup. Waits for the end of a move, which takes microseconds. */
    public long stamp() {
        long now = sequence.get();
        while ((now & 1) != 0) {
            Thread.onSpinWait();
            now = sequence.get();
        }
        return now;
    }

    /** After a lookup: false means that it must be repeated. */
    public boolean unchangedSince(final long stamp) {
        return sequence.get() == stamp;
    }

    /** Under the store's lock, around a move. */
    public void begin() {
        sequence.incrementAndGet();
    }

    public void end() {
        sequence.incrementAndGet();
    }
}
