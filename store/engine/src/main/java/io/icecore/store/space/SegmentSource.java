package io.icecore.store.space;

/** The space tree as the free-space map sees it: what was allocated when the tree was last folded. */
public interface SegmentSource {
    /** Sets the bits of the blocks of a segment that are allocated; a segment without an entry is free. */
    void load(long segment, long[] usedBits);

    /** The first segment at or after this one that has an entry, or -1. */
    long firstUsedFrom(long segment);

    /** Makes the entry of a segment say this; all bits clear removes it. */
    void store(long segment, long[] usedBits);
}
