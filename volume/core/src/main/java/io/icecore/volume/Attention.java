package io.icecore.volume;

/**
 * Whether a thread that waits for a client's next request looks for it again at once, or sleeps until it is woken. Used by
 * that thread alone.
 *
 * <p>To be woken takes longer than most requests do, above all on a virtual machine, where the host has to wake the
 * processor first. So a client that lately came back soon is awaited awake; the thread yields between two looks,
 * which leaves the processor to whoever has something to do. A client that thinks for longer costs nothing while it does.
 */
public final class Attention {
    /** So long at most a wait is awake, and so long at most are the waits, in the mean, that are worth it. */
    private static final long AWAKE_NANOS = 200_000;
    /** A new wait counts one part in 2^this. */
    private static final int MEAN_SHIFT = 3;
    /** One long pause says little about the next wait. */
    private static final long OUTLIER_NANOS = 4 * AWAKE_NANOS;

    private long meanNanos = OUTLIER_NANOS;
    private long sinceNanos;
    private boolean waiting;

    /** Asked each time that there is nothing from the client: whether to look again rather than to sleep. */
    public boolean staysAwake(final long nowNanos) {
        if (!waiting) {
            waiting = true;
            sinceNanos = nowNanos;
        }
        return meanNanos < AWAKE_NANOS && nowNanos - sinceNanos < AWAKE_NANOS;
    }

    /** Something has come, or the client is gone. */
    public void heard(final long nowNanos) {
        if (waiting) {
            waiting = false;
            meanNanos += Math.min(nowNanos - sinceNanos, OUTLIER_NANOS) - meanNanos >> MEAN_SHIFT;
        }
    }
}
