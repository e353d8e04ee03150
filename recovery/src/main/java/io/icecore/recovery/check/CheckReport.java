package io.icecore.recovery.check;

import java.util.List;

/**
 * What {@code check} and {@code scrub} answer. Components have the names and the order of the program's JSON.
 *
 * @param ok         no finding
 * @param generation of the commit that was looked at
 * @param chunksRead chunks of data read and verified; 0 where only the structure was looked at
 * @param errors     findings in the order found, bounded by {@link Findings}
 */
public record CheckReport(boolean ok, long generation, Blocks blocks, long chunksRead, List<Finding> errors) {
    /**
     * Every block is owned once or free, none both.
     *
     * @param allocated     blocks that the free-space map says are in use
     * @param referenced    blocks that a superblock slot, a tree, or an extent refers to, each counted once
     * @param leaked        allocated and not referenced
     * @param multiplyOwned referenced from more than one place
     */
    public record Blocks(long allocated, long referenced, long leaked, long multiplyOwned) {}

    public CheckReport {
        errors = List.copyOf(errors);
        assert ok == errors.isEmpty() : "ok=" + ok + ", errors=" + errors.size();
        assert !ok || blocks.leaked() == 0 && blocks.multiplyOwned() == 0 : blocks;
    }

    public static CheckReport of(
            final long generation, final Blocks blocks, final long chunksRead, final Findings findings) {
        return new CheckReport(findings.count() == 0, generation, blocks, chunksRead, findings.toList());
    }
}
