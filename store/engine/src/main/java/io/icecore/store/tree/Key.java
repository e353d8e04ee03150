package io.icecore.store.tree;

/**
 * The one shape that keys of all trees have: three unsigned numbers (a: 32 bits, b: 48 bits, c: 32 bits), ordered by a,
 * then b, then c. Carried as two longs: {@code hi} (48 bits used, never negative) and {@code lo} (all 64 bits, compared
 * unsigned).
 *
 * <pre>
 * tree       a                    b                     c
 * ---------  -------------------  --------------------  ---------
 * head       branch               chunk                 0
 * recent     branch               chunk                 birth
 * history    branch               chunk                 birth
 * regions    branch               epoch                 container
 * space      0                    segment               0
 * catalogue  kind of record       per kind              per kind
 * </pre>
 */
public final class Key {
    public static final long A_MAX = 0xFFFF_FFFFL;
    public static final long B_MAX = 0xFFFF_FFFF_FFFFL;
    public static final long C_MAX = 0xFFFF_FFFFL;

    private Key() {}

    public static long hi(final long a, final long b) {
        assert 0 <= a && a <= A_MAX && 0 <= b && b <= B_MAX : a + ", " + b;
        return a << 16 | b >>> 32;
    }

    public static long lo(final long b, final long c) {
        assert 0 <= b && b <= B_MAX && 0 <= c && c <= C_MAX : b + ", " + c;
        return b << 32 | c;
    }

    public static long a(final long hi) {
        return hi >>> 16;
    }

    public static long b(final long hi, final long lo) {
        return (hi & 0xFFFF) << 32 | lo >>> 32;
    }

    public static long c(final long lo) {
        return lo & 0xFFFF_FFFFL;
    }

    public static int compare(final long hi1, final long lo1, final long hi2, final long lo2) {
        return hi1 != hi2 ? Long.compare(hi1, hi2) : Long.compareUnsigned(lo1, lo2);
    }
}
