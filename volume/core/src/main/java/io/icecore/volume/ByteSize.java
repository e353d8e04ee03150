package io.icecore.volume;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sizes as people write and read them: {@code 4096}, {@code 64K}, {@code 20G}, {@code 1T}; powers of 1024.
 *
 * <p>Every command, option and message goes through here, so that what one prints the other takes.
 */
public final class ByteSize {
    private static final Pattern SYNTAX = Pattern.compile("([0-9]+)([BKMGTPE]?)", Pattern.CASE_INSENSITIVE);
    private static final String UNITS = "BKMGTPE";
    private static final String EXPECTED = "a whole number and B, K, M, G, T, P or E, such as 20G";

    private ByteSize() {}

    /**
     * Bytes, zero or more, at most 2^63 - 1. Units in either case; none, or {@code B}, is bytes.
     *
     * @throws IllegalArgumentException naming the text and the rule it breaks
     */
    public static long parse(final String text) {
        final Matcher matcher = SYNTAX.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("size: " + Spec.shown(text) + " (expected: " + EXPECTED + ")");
        }
        final String unit = matcher.group(2).toUpperCase(Locale.ROOT);
        final int shift = unit.isEmpty() ? 0 : 10 * UNITS.indexOf(unit);
        try {
            return Math.multiplyExact(Long.parseLong(matcher.group(1)), 1L << shift);
        } catch (final ArithmeticException | NumberFormatException ex) {
            throw new IllegalArgumentException("size: " + Spec.shown(text) + " (expected: less than 8E)", ex);
        }
    }

    /** As {@link #parse}, and not zero. */
    public static long parsePositive(final String text) {
        final long bytes = parse(text);
        if (bytes == 0) {
            throw new IllegalArgumentException("size: " + Spec.shown(text) + " (expected: more than zero)");
        }
        return bytes;
    }

    /**
     * For people: exact where a unit divides it and the number stays short ({@code 64K}, {@code 20G}), else rounded down
     * to three digits ({@code 1.46T}). Rounded down, because a store that shows 1T free must have 1T free.
     *
     * @param bytes zero or more
     */
    public static String format(final long bytes) {
        assert bytes >= 0 : "bytes=" + bytes;
        int unit = 0;
        while (unit < UNITS.length() - 1 && bytes >> 10 * (unit + 1) != 0) {
            unit++;
        }
        final long whole = bytes >> 10 * unit;
        final int fractionDigits = whole >= 100 ? 0 : whole >= 10 ? 1 : 2;
        final long scale = fractionDigits == 2 ? 100 : fractionDigits == 1 ? 10 : 1;
        // The remainder is cut to its top 10 bits first: more would overflow, and three digits need no more.
        final long remainder = bytes - (whole << 10 * unit);
        final long fraction = unit == 0 ? 0 : (remainder >> 10 * (unit - 1)) * scale >> 10;
        if (fraction == 0) {
            return whole + UNITS.substring(unit, unit + 1);
        }
        final String digits = String.format(Locale.ROOT, "%0" + fractionDigits + "d", fraction);
        return whole + "." + stripTrailingZeroes(digits) + UNITS.charAt(unit);
    }

    private static String stripTrailingZeroes(final String digits) {
        int end = digits.length();
        while (digits.charAt(end - 1) == '0') {
            end--;
        }
        return digits.substring(0, end);
    }
}
