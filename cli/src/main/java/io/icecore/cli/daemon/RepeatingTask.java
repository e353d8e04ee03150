package io.icecore.cli.daemon;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Work of the background, done again and again on a thread of its own until closed. A step that fails is logged when it
 * begins to, not every time, and tried again after a pause. Never interrupts its thread: that could close the device.
 */
final class RepeatingTask implements AutoCloseable {
    /** One short step of the work. */
    @FunctionalInterface
    interface Step {
        /** Does it, and returns how long to wait before the next, in milliseconds. */
        long run();
    }

    private static final Logger LOG = LoggerFactory.getLogger(RepeatingTask.class);
    private static final long FAILED_PAUSE_MILLIS = 1_000;

    private final String name;
    private final Step step;
    private final Thread thread;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition closing = lock.newCondition();
    private boolean closed;
    private String failure;

    RepeatingTask(final String name, final Step step) {
        this.name = name;
        this.step = step;
        thread = new Thread(this::run, name);
        thread.setDaemon(true);
        thread.start();
    }

    private void run() {
        long pauseMillis = 0;
        while (!closedAfter(pauseMillis)) {
            try {
                pauseMillis = step.run();
                worked();
            } catch (final RuntimeException ex) {
                failed(ex);
                pauseMillis = FAILED_PAUSE_MILLIS;
            }
        }
    }

    private boolean closedAfter(final long pauseMillis) {
        lock.lock();
        try {
            long nanos = TimeUnit.MILLISECONDS.toNanos(pauseMillis);
            while (!closed && nanos > 0) {
                nanos = closing.awaitNanos(nanos);
            }
            return closed;
        } catch (final InterruptedException ex) {
            throw new AssertionError("nobody interrupts this thread", ex);
        } finally {
            lock.unlock();
        }
    }

    private void failed(final RuntimeException ex) {
        if (!ex.toString().equals(failure)) {
            LOG.warn("background work fails: task={} error={}", name, ex.toString());
            LOG.debug("background work fails: task={}", name, ex);
        }
        failure = ex.toString();
    }

    private void worked() {
        if (failure != null) {
            LOG.info("background work goes on: task={}", name);
        }
        failure = null;
    }

    /** Waits for the step that is running. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            closing.signalAll();
        } finally {
            lock.unlock();
        }
        try {
            thread.join();
        } catch (final InterruptedException ex) {
            Thread.currentThread().interrupt();
        }
    }
}
