package io.icecore.store.tree;

import java.util.Map;
import java.util.TreeMap;
import org.agrona.DirectBuffer;

/**
 * A copy-on-write B+tree: sorted map from {@link Key} to a value of 0 to {@value TreeEntry#VALUE_LENGTH_MAX} bytes.
 *
 * <p>Lookups may be made by any thread at any time. Changes are made only by the holder of the store's lock; each is
 * atomic for lookups, and a group of changes made under one hold of the lock is atomic for commits.
 */
public final class Tree {
    private record K(long hi, long lo) implements Comparable<K> {
        @Override
        public int compareTo(final K o) {
            return Key.compare(hi, lo, o.hi, o.lo);
        }
    }

    private final TreeMap<K, byte[]> map = new TreeMap<>();

    /** Fills {@code into} with the entry of this key; false when there is none. */
    public synchronized boolean get(final long hi, final long lo, final TreeEntry into) {
        final byte[] v = map.get(new K(hi, lo));
        if (v == null) {
            return false;
        }
        into.hi = hi;
        into.lo = lo;
        into.length = v.length;
        into.value.putBytes(0, v);
        return true;
    }

    /** Fills {@code into} with the entry of the greatest key that is not above this one; false when there is none. */
    public synchronized boolean floor(final long hi, final long lo, final TreeEntry into) {
        return fill(map.floorEntry(new K(hi, lo)), into);
    }

    /** Fills {@code into} with the entry of the least key that is not below this one; false when there is none. */
    public synchronized boolean ceiling(final long hi, final long lo, final TreeEntry into) {
        return fill(map.ceilingEntry(new K(hi, lo)), into);
    }

    private static boolean fill(final Map.Entry<K, byte[]> e, final TreeEntry into) {
        if (e == null) {
            return false;
        }
        into.hi = e.getKey().hi;
        into.lo = e.getKey().lo;
        into.length = e.getValue().length;
        into.value.putBytes(0, e.getValue());
        return true;
    }

    /** Inserts the entry or replaces its value. The caller holds the store's lock. */
    public synchronized void put(
            final long hi, final long lo, final DirectBuffer value, final int index, final int length) {
        final byte[] v = new byte[length];
        value.getBytes(index, v);
        map.put(new K(hi, lo), v);
    }

    /** Removes the entry; false when there was none. The caller holds the store's lock. */
    public synchronized boolean remove(final long hi, final long lo) {
        return map.remove(new K(hi, lo)) != null;
    }
}
