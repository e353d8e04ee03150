package io.icecore.volume.nbd;

import io.icecore.volume.IoRequest.Op;

/**
 * Who executes a request: the connection's own thread, at once, or a worker, while the connection goes on reading. The
 * one place to tune; used by the connection's thread alone.
 *
 * <p>Handing a request over costs two thread switches, about as much as dozens of reads that a cache can answer; not
 * handing it over costs the others their turn while this one waits for the device. So: a request that is alone is
 * executed at once, since nobody waits behind it. Of several, the short ones are executed at once as long as they have
 * lately been cheap. Now and then one is executed at once all the same, to see whether they have become so.
 */
final class NbdDispatchPolicy {
    /** Longer ones are worth handing over for their copying alone. Bytes. */
    private static final int SHORT_LENGTH_MAX = 64 << 10;
    /** Mean duration up to which a short request is cheap. */
    private static final long CHEAP_NANOS_MAX = 25_000;
    /** One of so many that would be handed over is executed at once, to measure; rarer as long as that shows nothing. */
    private static final int PROBE_INTERVAL_MIN = 64;

    private static final int PROBE_INTERVAL_MAX = 1024;
    /** A new duration counts one part in 2^this. */
    private static final int MEAN_SHIFT = 3;
    /** One stall says little about the next request. */
    private static final long OUTLIER_NANOS = 16 * CHEAP_NANOS_MAX;

    private static final int OP_COUNT = Op.values().length;

    /** One of so many long writes of a client that waits for each is handed over, to see whether it still waits. */
    private static final int AHEAD_PROBE_INTERVAL = 16;

    private final long[] meanNanos = new long[OP_COUNT];
    private int probeInterval = PROBE_INTERVAL_MIN;
    private int untilProbe = PROBE_INTERVAL_MIN;
    private boolean sendsAhead;
    private boolean handedOver;
    private int untilAheadProbe = 1;

    /** @param alone nothing else of this connection is in flight or has been received */
    boolean inline(final Op op, final boolean fua, final long length, final boolean alone) {
        if (alone) {
            return true;
        }
        if (fua || op == Op.FLUSH || length > SHORT_LENGTH_MAX) {
            return false; // A commit is worth waiting for in company.
        }
        if (meanNanos[op.ordinal()] <= CHEAP_NANOS_MAX) {
            return true;
        }
        if (--untilProbe > 0) {
            return false;
        }
        probeInterval = Math.min(2 * probeInterval, PROBE_INTERVAL_MAX);
        untilProbe = probeInterval;
        return true;
    }

    /**
     * The same for a write whose data is received into memory of its own. What comes behind it is still in the socket then,
     * so that it looks alone: what tells is whether the next one comes while it is carried out.
     *
     * @param othersInFlight when its header was received
     */
    boolean inlineLongWrite(final boolean othersInFlight) {
        if (othersInFlight || handedOver) {
            sendsAhead = othersInFlight;
        }
        handedOver = sendsAhead || --untilAheadProbe == 0;
        if (handedOver) {
            untilAheadProbe = AHEAD_PROBE_INTERVAL;
        }
        return !handedOver;
    }

    /** Whether {@link #executed} would like to know how long this one takes. */
    boolean measures(final Op op, final boolean fua, final long length) {
        return !fua && op != Op.FLUSH && length <= SHORT_LENGTH_MAX;
    }

    void executed(final Op op, final long nanos) {
        if (nanos <= CHEAP_NANOS_MAX) {
            probeInterval = PROBE_INTERVAL_MIN;
            untilProbe = Math.min(untilProbe, probeInterval);
        }
        final long mean = meanNanos[op.ordinal()];
        meanNanos[op.ordinal()] = mean + (Math.min(nanos, OUTLIER_NANOS) - mean >> MEAN_SHIFT);
    }
}
