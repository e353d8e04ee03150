package io.icecore.recovery.repair;

import io.icecore.store.tree.Key;

/** Keys from one on, up to before another. */
record Range(long fromHi, long fromLo, long endHi, long endLo) {
    /** All keys of a tree. */
    static final Range ALL = new Range(0, 0, 1L << 48, 0);

    boolean contains(final long hi, final long lo) {
        return Key.compare(hi, lo, fromHi, fromLo) >= 0 && Key.compare(hi, lo, endHi, endLo) < 0;
    }

    boolean isEmpty() {
        return Key.compare(fromHi, fromLo, endHi, endLo) >= 0;
    }

    Range intersect(final long otherFromHi, final long otherFromLo, final long otherEndHi, final long otherEndLo) {
        final boolean fromHere = Key.compare(fromHi, fromLo, otherFromHi, otherFromLo) >= 0;
        final boolean endHere = Key.compare(endHi, endLo, otherEndHi, otherEndLo) <= 0;
        return new Range(
                fromHere ? fromHi : otherFromHi,
                fromHere ? fromLo : otherFromLo,
                endHere ? endHi : otherEndHi,
                endHere ? endLo : otherEndLo);
    }

    /** Up to and with this key. */
    static Range closed(final long fromHi, final long fromLo, final long lastHi, final long lastLo) {
        return new Range(fromHi, fromLo, lastLo == -1 ? lastHi + 1 : lastHi, lastLo + 1);
    }
}
