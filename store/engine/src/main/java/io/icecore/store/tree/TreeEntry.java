package io.icecore.store.tree;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
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

    /** Takes an entry of a leaf that was verified: what a walk over the nodes does, instead of a lookup. */
    public void copy(final NodePage leaf, final int index) {
        hi = leaf.hi(index);
        lo = leaf.lo(index);
        length = leaf.valueLength(index);
        if (length > VALUE_LENGTH_MAX) {
            throw new CorruptStoreException(
                    "tree entry",
                    leaf.block() * BLOCK_LENGTH,
                    "value length " + length + " (expected: <= " + VALUE_LENGTH_MAX + ")");
        }
        value.putBytes(0, leaf.image(), leaf.valueIndex(index), length);
    }

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
