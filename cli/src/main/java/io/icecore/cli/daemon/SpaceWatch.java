package io.icecore.cli.daemon;

import io.icecore.store.StoreInfo;
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

    private int below = 0;

    void look(final StoreInfo info) {
        final double percent = info.sizeBytes() == 0 ? 100 : 100.0 * info.freeBytes() / info.sizeBytes();
        int now = below;
        while (now < MARKS.length && percent < MARKS[now]) {
            now++;
        }
        if (now > below) {
            LOG.warn(
                    "space is low: free={} size={} percentFree={}",
                    ByteSize.format(info.freeBytes()),
                    ByteSize.format(info.sizeBytes()),
                    String.format("%.1f", percent));
        }
        while (now > 0 && percent > MARKS[now - 1] + HYSTERESIS) {
            now--;
        }
        if (now == 0 && below > 0) {
            LOG.info("space is sufficient again: free={}", ByteSize.format(info.freeBytes()));
        }
        below = now;
    }
}
