package io.icecore.volume.iscsi;

import io.icecore.volume.iscsi.scsi.Plan;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Threads for commands of several steps, which block in the volume between them. Apart from the volume's own workers,
 * whose threads must not wait for each other. Shared by all sessions of a target; what waits is bounded by their
 * command windows.
 */
final class WorkThreads implements AutoCloseable {
    private static final int CLOSE_SECONDS_MAX = 60;

    private final ThreadPoolExecutor threads;
    private final ThreadLocal<UnsafeBuffer> scratch = ThreadLocal.withInitial(
            () -> new UnsafeBuffer(java.nio.ByteBuffer.allocateDirect(Plan.Workspace.SCRATCH_LENGTH)));

    WorkThreads(final int threadCount) {
        final AtomicInteger ordinal = new AtomicInteger();
        threads = new ThreadPoolExecutor(
                threadCount, threadCount, 30, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), run -> {
                    final Thread thread = new Thread(run, "iscsi-work-" + ordinal.incrementAndGet());
                    thread.setDaemon(true);
                    return thread;
                });
        threads.allowCoreThreadTimeOut(true);
    }

    void execute(final Runnable work) {
        threads.execute(work);
    }

    /** Memory of the calling thread, one of ours. */
    MutableDirectBuffer scratch() {
        return scratch.get();
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
