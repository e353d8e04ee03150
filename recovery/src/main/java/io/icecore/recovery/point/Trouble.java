package io.icecore.recovery.point;

import io.icecore.store.device.StoreException;
import io.icecore.volume.BusyException;
import io.icecore.volume.NoSuchException;
import io.icecore.volume.ReadOnlyException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a recurring task fails, and the log of that: one WARN when it begins to fail or fails in another way, one INFO
 * when it works again. A store that is full for a week is one line, not ten thousand.
 */
final class Trouble {
    private static final Logger LOG = LoggerFactory.getLogger(RollingSnapshots.class);

    private final String task;
    private final String volume;
    private RuntimeException failure;

    Trouble(final String task, final String volume) {
        this.task = task;
        this.volume = volume;
    }

    void failed(final RuntimeException ex) {
        if (failure == null || failure.getClass() != ex.getClass()) {
            if (foreseen(ex)) {
                LOG.warn("rolling snapshots fail: task={} volume={} error={}", task, volume, ex.getMessage());
            } else {
                LOG.warn("rolling snapshots fail: task={} volume={} error={}", task, volume, ex.toString(), ex);
            }
        }
        failure = ex;
    }

    void worked() {
        if (failure != null) {
            LOG.info("rolling snapshots work again: task={} volume={}", task, volume);
        }
        failure = null;
    }

    /** What went wrong the last time, or null. */
    String message() {
        if (failure == null) {
            return null;
        }
        return foreseen(failure) ? failure.getMessage() : failure.toString();
    }

    /** Failures that explain themselves in their message; others need the stack trace. */
    private static boolean foreseen(final RuntimeException ex) {
        return ex instanceof StoreException
                || ex instanceof BusyException
                || ex instanceof NoSuchException
                || ex instanceof ReadOnlyException
                || ex instanceof IllegalArgumentException;
    }
}
