package io.icecore.cli;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** Carries out writes on a few threads, so that the device always has the next one to work on. Bounded by its caller. */
final class ParallelWrites implements AutoCloseable {
    static final int THREADS = 3;

    private final ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    private final AtomicReference<RuntimeException> failure = new AtomicReference<>();

    /** Throws what an earlier write has failed with, instead. */
    void submit(final Runnable write) {
        requireNoFailure();
        threads.execute(() -> {
            try {
                write.run();
            } catch (final RuntimeException ex) {
                failure.compareAndSet(null, ex);
            }
        });
    }

    /** Waits for all; throws what the first of them failed with. Nothing is submitted afterwards. */
    void awaitAll() {
        close();
        requireNoFailure();
    }

    private void requireNoFailure() {
        final RuntimeException first = failure.get();
        if (first != null) {
            throw first;
        }
    }

    /** Waits for the writes that are under way. */
    @Override
    public void close() {
        threads.shutdown();
        boolean interrupted = false;
        while (!threads.isTerminated()) {
            try {
                threads.awaitTermination(1, TimeUnit.HOURS);
            } catch (final InterruptedException ex) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
