package io.icecore.store.tree;

/** Where nodes get their blocks and give them back. Called under the store's lock. */
public interface NodeSpace {
    /** A free block for a node of the commit that is being built. */
    long allocateNode();

    /** No commit from the one being built on refers to this block. */
    void free(long block, int count);
}
