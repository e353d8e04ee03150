package io.icecore.recovery.dump;

import io.icecore.recovery.check.Finding;
import io.icecore.recovery.check.RangeInspection;
import java.util.List;

/**
 * One segment.
 *
 * @param firstBlock  of the segment
 * @param blockCount  fewer than in others in the last segment of a store
 * @param usedCount   blocks in use, superblock slots not counted
 * @param map         a character a block: {@code #} in use, {@code .} free, {@code S} superblock slot
 * @param owners      in the order of their blocks
 */
public record SegmentDump(
        long segment,
        long firstBlock,
        int blockCount,
        int usedCount,
        String map,
        List<RangeInspection.Owner> owners,
        List<Finding> damage) {}
