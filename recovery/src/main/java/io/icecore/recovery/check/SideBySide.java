package io.icecore.recovery.check;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Runs independent parts of some work on a few threads, while the caller's own thread looks after them. The first failure,
 * of a part or of the caller, ends them all. No thread is ever interrupted: that could close the device.
 */
public final class SideBySide implements AutoCloseable {
    private static final long MEANWHILE_MILLIS = 50;

    /** So many that the last ones to end do not leave the other threads idle for long. */
    private static final int PARTS_PER_THREAD = 16;

    /** Thrown in a part, to end it. */
    private static final class EndedException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        EndedException() {
            super(null, null, false, false);
        }
    }

    private final int threadCount;
    private final ExecutorService executor;
    private volatile boolean ended;

    public SideBySide(final String name, final int threadCount) {
        this.threadCount = threadCount;
        final AtomicInteger ordinal = new AtomicInteger();
        executor = Executors.newFixedThreadPool(threadCount, work -> {
            final Thread thread = new Thread(work, name + "-" + ordinal.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
    }

    /** As many as there are processors, two at the least: one reads while the other computes. */
    public static int threadsOfThisMachine() {
        return Math.max(2, Math.min(8, Runtime.getRuntime().availableProcessors()));
    }

    int partsWanted() {
        return threadCount * PARTS_PER_THREAD;
    }

    /** Parts call this now and then. */
    public void requireGoingOn() {
        if (ended) {
            throw new EndedException();
        }
    }

    /** Returns when all parts are done. {@code meanwhile} runs in the caller's thread, every now and then. */
    public void run(final List<? extends Callable<Void>> parts, final Runnable meanwhile) {
        final List<Future<Void>> running = new ArrayList<>();
        try {
            parts.forEach(part -> running.add(executor.submit(part)));
            for (final Future<Void> part : running) {
                await(part, meanwhile);
            }
        } catch (final RuntimeException | Error ex) {
            ended = true;
            throw ex;
        }
    }

    private static void await(final Future<Void> part, final Runnable meanwhile) {
        while (true) {
            try {
                part.get(MEANWHILE_MILLIS, TimeUnit.MILLISECONDS);
                return;
            } catch (final TimeoutException ex) {
                meanwhile.run();
            } catch (final InterruptedException ex) {
                throw new AssertionError("nobody interrupts this thread", ex);
            } catch (final ExecutionException ex) {
                if (ex.getCause() instanceof RuntimeException failure) {
                    throw failure;
                }
                throw ex.getCause() instanceof Error failure ? failure : new AssertionError(ex.getCause());
            }
        }
    }

    /** Waits for the parts that are under way. */
    @Override
    public void close() {
        ended = true;
        executor.shutdown();
        try {
            executor.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
        } catch (final InterruptedException ex) {
            Thread.currentThread().interrupt();
        }
    }
}
