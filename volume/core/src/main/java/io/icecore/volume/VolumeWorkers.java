package io.icecore.volume;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads that carry {@link IoRequest}s to the store, shared by all connections of all servers, and bounded: so many
 * requests are at the device at once, so many wait, and beyond that connections stop reading from their sockets.
 */
public final class VolumeWorkers implements AutoCloseable {
    private static final int CLOSE_SECONDS_MAX = 60;

    private final ThreadPoolExecutor threads;
    private final ArrayBlockingQueue<Runnable> queue;

    /**
     * @param threadCount    requests at the device at once, 1 to 1024
     * @param queueCapacity  requests that wait for a thread, 1 to 65536
     */
    public VolumeWorkers(final int threadCount, final int queueCapacity) {
        queue = new ArrayBlockingQueue<>(queueCapacity);
        final AtomicInteger ordinal = new AtomicInteger();
        threads = new ThreadPoolExecutor(threadCount, threadCount, 0, TimeUnit.SECONDS, queue, run -> {
            final Thread thread = new Thread(run, "volume-worker-" + ordinal.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Runs the request on one of the threads. Waits while the queue is full, which is what slows the client down. */
    public void submit(final IoRequest request) {
        request.workers = this;
        if (queue.remainingCapacity() > 0) {
            threads.execute(request);
        } else {
            request.run(); // Full: the caller does the work itself, and reads no further request meanwhile.
        }
    }

    /** Runs the request on the calling thread: best when it has nothing else to do. */
    public void execute(final IoRequest request) {
        request.workers = this;
        request.run();
    }

    /** Finishes what was submitted. */
    @Override
    public void close() {
        threads.shutdown();
        try {
            threads.awaitTermination(CLOSE_SECONDS_MAX, TimeUnit.SECONDS);
        } catch (final InterruptedException ex) {
            Thread.currentThread().interrupt();
        }
    }
}
