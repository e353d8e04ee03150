package io.icecore.cli.daemon;

import io.icecore.volume.ByteSize;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the operator that the store is filling up, once at each mark, long before writes fail. One thread. */
final class SpaceWatch {
    private static final Logger LOG = LoggerFactory.getLogger(SpaceWatch.class);
    /** Percent of the store that is free; descending. */
    private static final int[] MARKS = {20, 10, 5, 2, 1};
    /** A mark is forgotten only this much above it, so that a store that hovers there does not fill the log. */
    private static final int HYSTERESIS = 2;

    /** Marks from this one on are shown as the health of the store, not only logged. */
    private static final int HEALTH_MARK = 2;

    private volatile int below;
    private volatile long freeBytes;

    /** What to say of the space where the health of the store is asked for. */
    String health() {
        return below > HEALTH_MARK ? "space is low: " + ByteSize.format(freeBytes) + " can be written" : "ok";
    }

    /** @param writableBytes what can be written before the store is full */
    void look(final long writableBytes, final long sizeBytes) {
        freeBytes = writableBytes;
        final double percent = sizeBytes == 0 ? 100 : 100.0 * writableBytes / sizeBytes;
        int now = below;
        while (now < MARKS.length && percent < MARKS[now]) {
            now++;
        }
        if (now > below) {
            LOG.warn(
                    "space is low: free={} size={} percentFree={}",
                    ByteSize.format(writableBytes),
                    ByteSize.format(sizeBytes),
                    String.format("%.1f", percent));
        }
        while (now > 0 && percent > MARKS[now - 1] + HYSTERESIS) {
            now--;
        }
        if (now == 0 && below > 0) {
            LOG.info("space is sufficient again: free={}", ByteSize.format(writableBytes));
        }
        below = now;
    }
}
