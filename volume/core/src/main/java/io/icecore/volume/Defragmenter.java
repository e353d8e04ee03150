package io.icecore.volume;

import io.icecore.store.Store;
import io.icecore.store.space.StoreFullException;
import io.icecore.volume.ScatteredWindows.Window;
import io.icecore.volume.map.Extent;
import io.icecore.volume.map.HeadMap;

/**
 * Puts side by side on the device what stands side by side in a head, once it was read so and found scattered: random
 * overwrites leave it in as many places as there were writes.
 *
 * <p>Only what somebody has read in long stretches is moved, a window of 1 MiB at a time, and only where that makes a quarter
 * of the places or fewer out of it. Snapshots that see the same versions read them at their new place too: a version has
 * one entry, whoever sees it.
 */
final class Defragmenter {
    /** A window is left alone if its places have as many chunks on average. */
    private static final int CHUNKS_PER_PLACE = 16;

    private static final int GAIN_MIN = 4;

    /** One block in so many has to be free: without whole free segments there is no order to be had. */
    private static final int FREE_PART = 8;

    private final Store store;
    private final ExtentMover mover;
    private final HeadMap head;
    private final ScatteredWindows scattered;

    Defragmenter(final Volumes volumes, final ExtentMover mover) {
        this.mover = mover;
        store = volumes.store();
        head = volumes.data().head();
        scattered = volumes.data().scattered();
    }

    /** Deals with one window; false when none is waiting. One thread. */
    boolean step() {
        final Window window = scattered.poll();
        if (window == null) {
            return false;
        }
        if (store.freeBlocks() < store.usedBlocks() / (FREE_PART - 1)) {
            return true;
        }
        final long stamp = store.stamp();
        collect(window);
        final int places = mover.places();
        if (places * CHUNKS_PER_PLACE > mover.chunks()) {
            try {
                mover.move(Math.max(1, places / GAIN_MIN), () -> store.unchangedSince(stamp));
            } catch (final StoreFullException ex) {
                return true; // As good as no free segment.
            }
            store.relieve();
        }
        return true;
    }

    private void collect(final Window window) {
        mover.collect(true);
        final long end = window.chunk() + ScatteredWindows.LENGTH;
        for (long at = window.chunk(); at < end; ) {
            final Extent extent = mover.candidate();
            if (!head.ceiling(window.branch(), at, extent) || extent.chunk() >= end) {
                return;
            }
            if (!extent.zeroes() && !mover.take()) {
                return;
            }
            at = extent.end();
        }
    }
}
