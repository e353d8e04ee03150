package io.icecore.store.tree;

import org.agrona.concurrent.UnsafeBuffer;

/**
 * A copy of one entry of a tree: what a lookup fills. Reused by its owner, so that lookups allocate nothing; valid until
 * the next lookup into it. Values are at most {@value #VALUE_LENGTH_MAX} bytes, little-endian.
 */
public final class TreeEntry {
    public static final int VALUE_LENGTH_MAX = 1900;

    /** The value; {@link #length()} bytes from index 0. */
    public final UnsafeBuffer value = new UnsafeBuffer(new byte[VALUE_LENGTH_MAX]);

    long hi;
    long lo;
    int length;

    public long hi() {
        return hi;
    }

    public long lo() {
        return lo;
    }

    /** First field of the key. */
    public long a() {
        return Key.a(hi);
    }

    /** Second field of the key. */
    public long b() {
        return Key.b(hi, lo);
    }

    /** Third field of the key. */
    public long c() {
        return Key.c(lo);
    }

    /** Length of the value in bytes. */
    public int length() {
        return length;
    }
}
