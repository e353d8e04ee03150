package io.icecore.recovery.repair;

import io.icecore.recovery.check.Finding;
import java.util.List;
import java.util.UUID;

/**
 * What a repair found and did.
 *
 * @param sound      the store had nothing to repair; nothing was written
 * @param generation of the state that was saved, or, where no superblock was left, of the newest node
 * @param nodes      whole nodes found, stale ones included
 * @param extents    saved
 * @param losses     what could not be saved, or may be older than the last state, each with its place
 * @param changes    what had to be supplied so that the rest can be reached
 */
public record RepairReport(
        boolean sound,
        UUID storeId,
        long generation,
        long nodes,
        long extents,
        List<Finding> losses,
        List<String> changes) {
    public RepairReport {
        losses = List.copyOf(losses);
        changes = List.copyOf(changes);
    }

    /** Everything is there, as it was. */
    public boolean complete() {
        return losses.isEmpty();
    }
}
