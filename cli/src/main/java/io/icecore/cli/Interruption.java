package io.icecore.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Lets SIGINT and SIGTERM end a command in order: while one of these is open, the signal abandons the command and the
 * process waits until it has cleaned up behind itself, but not for ever: it may hang at a pipe that nobody reads. (A second
 * signal does not hasten it; SIGKILL does, and the store survives that as well.)
 */
final class Interruption implements AutoCloseable {
    private final CountDownLatch ended = new CountDownLatch(1);
    private final long waitMillisMax;
    private final Thread hook;
    private volatile boolean orderly;

    /** @param waitMillisMax how long a command may take to end */
    Interruption(final Console console, final long waitMillisMax) {
        this.waitMillisMax = waitMillisMax;
        hook = new Thread(() -> onSignal(console), "interruption");
        Runtime.getRuntime().addShutdownHook(hook);
    }

    private void onSignal(final Console console) {
        console.abandon();
        try {
            ended.await(waitMillisMax, TimeUnit.MILLISECONDS);
        } catch (final InterruptedException ex) {
            Thread.currentThread().interrupt();
        }
        if (orderly) {
            Runtime.getRuntime().halt(ExitCode.DONE); // Else the exit code of a virtual machine that got a signal.
        }
    }

    /** Being interrupted is how this command is meant to end: the exit code is 0. */
    void endsInOrder() {
        orderly = true;
    }

    @Override
    public void close() {
        ended.countDown();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (final IllegalStateException ex) {
            return; // The signal has come; the hook runs and must not be removed.
        }
    }
}
