package io.icecore.store.tree;

/** What became of a lookup that rather gives up than reads the device. */
public enum Seek {
    FOUND,
    NONE,
    /** The answer is in nodes that are not in memory. */
    UNREAD
}
