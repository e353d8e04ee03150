package io.icecore.store.device;

import java.io.IOException;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets one flush through at a time and none after one that failed.
 *
 * <p>Linux reports a failed write-back to one fsync and then forgets it. Of two fsyncs side by side one returns happily,
 * although its data may be among what was lost; and so would any later one. Taking turns makes sure that the failure is
 * known here before the next flush starts. Those who had to wait share the first flush that began after they came.
 */
final class FlushGate {
    /** fsync, or fdatasync. */
    @FunctionalInterface
    interface Flush {
        void run() throws IOException;
    }

    private final ReentrantLock turn = new ReentrantLock();
    private final Flush flush;
    private volatile long started;
    private IOException failure;

    FlushGate(final Flush flush) {
        this.flush = flush;
    }

    /** Returns when a flush that began after this call has completed. */
    void pass() throws IOException {
        final long startedBefore = started;
        turn.lock();
        try {
            if (failure != null) {
                throw new IOException("an earlier flush failed, what it left on the medium is unknown", failure);
            }
            if (started == startedBefore) {
                runFirstOne();
            }
        } finally {
            turn.unlock();
        }
    }

    private void runFirstOne() throws IOException {
        started = started + 1;
        try {
            flush.run();
        } catch (final IOException ex) {
            failure = ex;
            throw ex;
        }
    }
}
