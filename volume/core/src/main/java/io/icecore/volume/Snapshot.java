package io.icecore.volume;

import java.time.Instant;
import java.util.Map;
import java.util.Set;

/**
 * An immutable, named state of a volume.
 *
 * @param branch       the branch it is on
 * @param epoch        the epoch that it closed; identifies it within the branch
 * @param sizeBytes    size of the volume at that time
 * @param writtenBytes bytes that differ from the snapshot before it
 * @param diedBytes    bytes that no later snapshot nor the head sees: of the oldest snapshot, what deleting it frees
 * @param labels       key and value, chosen by people; rolling snapshots carry {@code rolling=true}
 * @param holds        tags; while there is one, the snapshot cannot be deleted
 */
public record Snapshot(
        String volume,
        long branch,
        long epoch,
        String name,
        Instant created,
        long sizeBytes,
        long writtenBytes,
        long diedBytes,
        Map<String, String> labels,
        Set<String> holds) {
    /** Label of snapshots that the timer took and that retention may delete. */
    public static final String ROLLING = "rolling";

    /** {@code volume@name}. */
    public String spec() {
        return volume + "@" + name;
    }

    public boolean rolling() {
        return "true".equals(labels.get(ROLLING));
    }
}
