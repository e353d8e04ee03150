package io.icecore.volume.nbd;

/**
 * Foretells the flushes of a client that flushes after every n-th write, as databases do. What is foretold can be made
 * durable while the reply to the write travels to the client and its flush travels back; the flush then finds the work done
 * or under way. A wrong forecast costs one commit that the timer would have made a moment later.
 */
final class NbdFlushForecast {
    /** Flushes in a row that must have come as foretold. */
    private static final int CONFIRMED_MIN = 4;

    /** Clients that write much between flushes gain nothing. */
    private static final int PERIOD_MAX = 8;

    private int writes;
    private int period;
    private int confirmed;
    private boolean told;

    void written() {
        writes++;
        told = false;
    }

    void flushed() {
        if (writes > 0 && writes == period) {
            confirmed++;
        } else {
            period = writes;
            confirmed = 0;
        }
        writes = 0;
    }

    /** Whether a flush should follow now. Says so once for each. */
    boolean takeDue() {
        if (told || writes != period || period == 0 || period > PERIOD_MAX || confirmed < CONFIRMED_MIN) {
            return false;
        }
        told = true;
        return true;
    }
}
