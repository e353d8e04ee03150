package io.icecore.volume;

import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Durations as people write and read them: {@code 30s}, {@code 5m}, {@code 24h}, {@code 7d}, {@code 4w}, {@code 1y}.
 *
 * <p>Fixed lengths, so that arithmetic on them needs no calendar: a day is 24 hours, a year is 365 days.
 */
public final class TimeSpan {
    /** The longest: a thousand years. Added to or taken from any sensible time it stays within what Java can tell. */
    public static final Duration MAX = Duration.ofDays(365 * 1000);

    private static final Pattern SYNTAX = Pattern.compile("([0-9]+)([smhdwy])", Pattern.CASE_INSENSITIVE);
    private static final String EXPECTED = "a whole number and s, m, h, d, w or y, such as 15m";

    private static final long MINUTE_SECONDS = 60;
    private static final long HOUR_SECONDS = 60 * MINUTE_SECONDS;
    private static final long DAY_SECONDS = 24 * HOUR_SECONDS;
    private static final long WEEK_SECONDS = 7 * DAY_SECONDS;
    private static final long YEAR_SECONDS = 365 * DAY_SECONDS;

    private TimeSpan() {}

    /**
     * Zero to {@link #MAX}, in whole seconds. The unit is never left out.
     *
     * @throws IllegalArgumentException naming the text and the rule it breaks
     */
    public static Duration parse(final String text) {
        final Matcher matcher = SYNTAX.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("duration: " + Spec.shown(text) + " (expected: " + EXPECTED + ")");
        }
        final Duration span;
        try {
            span = Duration.ofSeconds(Math.multiplyExact(
                    Long.parseLong(matcher.group(1)),
                    unitSeconds(matcher.group(2).toLowerCase(Locale.ROOT).charAt(0))));
        } catch (final ArithmeticException | NumberFormatException ex) {
            throw tooLong(text, ex);
        }
        if (span.compareTo(MAX) > 0) {
            throw tooLong(text, null);
        }
        return span;
    }

    /** As {@link #parse}, and not zero. */
    public static Duration parsePositive(final String text) {
        final Duration span = parse(text);
        if (span.isZero()) {
            throw new IllegalArgumentException("duration: " + Spec.shown(text) + " (expected: at least 1s)");
        }
        return span;
    }

    /**
     * Text that {@link #parse} takes back to the same span, in the largest unit that divides it; weeks are given in days.
     *
     * @param span zero or more; a fraction of a second is left out
     */
    public static String format(final Duration span) {
        assert !span.isNegative() : span;
        final long seconds = span.getSeconds();
        if (seconds == 0 || seconds % MINUTE_SECONDS != 0) {
            return seconds + "s";
        }
        if (seconds % HOUR_SECONDS != 0) {
            return seconds / MINUTE_SECONDS + "m";
        }
        if (seconds % DAY_SECONDS != 0) {
            return seconds / HOUR_SECONDS + "h";
        }
        return seconds % YEAR_SECONDS != 0 ? seconds / DAY_SECONDS + "d" : seconds / YEAR_SECONDS + "y";
    }

    private static long unitSeconds(final char unit) {
        return switch (unit) {
            case 's' -> 1;
            case 'm' -> MINUTE_SECONDS;
            case 'h' -> HOUR_SECONDS;
            case 'd' -> DAY_SECONDS;
            case 'w' -> WEEK_SECONDS;
            case 'y' -> YEAR_SECONDS;
            default -> throw new AssertionError(unit);
        };
    }

    private static IllegalArgumentException tooLong(final String text, final Throwable cause) {
        return new IllegalArgumentException(
                "duration: " + Spec.shown(text) + " (expected: at most " + format(MAX) + ")", cause);
    }
}
