package io.icecore.volume;

import static java.util.Objects.requireNonNull;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.ResolverStyle;
import java.time.temporal.TemporalAccessor;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * How people name a volume's head, a snapshot or a range of snapshots.
 *
 * <pre>
 * vm1                     HEAD    the live volume
 * vm1@name                NAME    a snapshot by name
 * vm1@latest              LATEST  the newest snapshot
 * vm1@-15m                AGO     the newest at or before 15 minutes ago
 * vm1@2026-11-23T10:05    TIME    the newest at or before that time; local, or with Z or an offset
 * vm1@a..b                RANGE   from a to b, both included; each side any of the forms above, without the volume
 * </pre>
 *
 * <p>No text has two meanings: a time contains a colon, which no name does; a span of time begins with a dash, which no
 * name does; and two dots in a row, which no name contains, make a range. So {@code vm1@2026-11-23T10-05-00}, the form
 * of names that are given automatically, is a NAME.
 *
 * <p>A TIME has minutes and, if wanted, seconds with a fraction and {@code Z}, an offset ({@code +01:00}), or a zone
 * ({@code [Europe/Berlin]}). Local time that a change of the clocks skips is moved forward by the gap; of local time
 * that occurs twice the first is meant.
 *
 * @param name of NAME
 * @param ago  of AGO, not negative
 * @param time of TIME
 * @param from of RANGE, as a spec of the same volume
 * @param to   of RANGE
 */
public record Spec(String volume, Kind kind, String name, Duration ago, Instant time, Spec from, Spec to) {
    public enum Kind {
        HEAD,
        NAME,
        LATEST,
        AGO,
        TIME,
        RANGE
    }

    /** Longest name of a volume, snapshot, label or hold, in characters. */
    public static final int NAME_LENGTH_MAX = 128;

    private static final String LATEST_NAME = "latest";
    private static final String RANGE_SEPARATOR = "..";
    private static final Pattern NAME_SYNTAX = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]*");
    private static final int SHOWN_LENGTH_MAX = 160;

    private static final DateTimeFormatter TIME_SYNTAX = new DateTimeFormatterBuilder()
            .parseCaseInsensitive()
            .append(DateTimeFormatter.ISO_LOCAL_DATE_TIME)
            .optionalStart()
            .appendOffset("+HH:mm", "Z")
            .optionalEnd()
            .optionalStart()
            .appendLiteral('[')
            .parseCaseSensitive()
            .appendZoneRegionId()
            .appendLiteral(']')
            .optionalEnd()
            .toFormatter(Locale.ROOT)
            .withResolverStyle(ResolverStyle.STRICT);

    /**
     * @param zone of times that carry none
     * @throws IllegalArgumentException naming the text and the rule it breaks
     */
    public static Spec parse(final String text, final ZoneId zone) {
        requireNonNull(zone);
        final int at = text.indexOf('@');
        final String volume = requireName("volume", at < 0 ? text : text.substring(0, at));
        if (at < 0) {
            return new Spec(volume, Kind.HEAD, null, null, null, null, null);
        }
        final String point = text.substring(at + 1);
        final int separator = point.indexOf(RANGE_SEPARATOR);
        if (separator < 0) {
            return parsePoint(text, volume, point, zone);
        }
        final String from = point.substring(0, separator);
        final String to = point.substring(separator + RANGE_SEPARATOR.length());
        if (from.isEmpty() || to.isEmpty() || to.startsWith(".") || to.contains(RANGE_SEPARATOR)) {
            throw broken("range", text, "two ends, such as vm1@monday..latest");
        }
        return new Spec(
                volume,
                Kind.RANGE,
                null,
                null,
                null,
                parsePoint(text, volume, from, zone),
                parsePoint(text, volume, to, zone));
    }

    /**
     * The rule for names, which is what makes specs unambiguous: 1 to {@value #NAME_LENGTH_MAX} letters, digits, dots,
     * dashes and underscores (ASCII), not beginning with a dash or a dot, without two dots in a row, and not
     * {@code latest}.
     *
     * @param what of what it is the name, for the message: volume, snapshot, label, hold
     * @return the name
     * @throws IllegalArgumentException naming the name and the rule
     */
    public static String requireName(final String what, final String name) {
        if (name.isEmpty()) {
            throw broken(what + " name", "empty", "1 to " + NAME_LENGTH_MAX + " characters");
        }
        if (name.length() > NAME_LENGTH_MAX) {
            throw broken(what + " name", name, "at most " + NAME_LENGTH_MAX + " characters");
        }
        if (name.equals(LATEST_NAME)) {
            throw broken(what + " name", name, "another name: this one stands for the newest snapshot");
        }
        if (!NAME_SYNTAX.matcher(name).matches() || name.contains(RANGE_SEPARATOR)) {
            throw broken(
                    what + " name",
                    name,
                    "letters, digits, dot, dash and underscore, beginning with none of dot and dash, no two dots in a row");
        }
        return name;
    }

    /** The text that parses to this spec in any time zone. */
    @Override
    public String toString() {
        return kind == Kind.HEAD ? volume : volume + "@" + point();
    }

    private String point() {
        return switch (kind) {
            case HEAD -> throw new AssertionError("a head is no end of a range");
            case NAME -> name;
            case LATEST -> LATEST_NAME;
            case AGO -> "-" + TimeSpan.format(ago);
            case TIME -> time.toString();
            case RANGE -> from.point() + RANGE_SEPARATOR + to.point();
        };
    }

    private static Spec parsePoint(final String text, final String volume, final String point, final ZoneId zone) {
        if (point.isEmpty()) {
            throw broken("spec", text, "a snapshot after the @, such as vm1@latest");
        }
        if (point.equals(LATEST_NAME)) {
            return new Spec(volume, Kind.LATEST, null, null, null, null, null);
        }
        if (point.startsWith("-")) {
            return new Spec(volume, Kind.AGO, null, parseAgo(text, point), null, null, null);
        }
        if (point.indexOf(':') >= 0) {
            return new Spec(volume, Kind.TIME, null, null, parseTime(text, point, zone), null, null);
        }
        return new Spec(volume, Kind.NAME, requireName("snapshot", point), null, null, null, null);
    }

    private static Duration parseAgo(final String text, final String point) {
        try {
            return TimeSpan.parse(point.substring(1));
        } catch (final IllegalArgumentException ex) {
            throw new IllegalArgumentException("spec: " + shown(text) + ": " + ex.getMessage(), ex);
        }
    }

    private static Instant parseTime(final String text, final String point, final ZoneId zone) {
        try {
            final TemporalAccessor parsed = TIME_SYNTAX.parseBest(point, ZonedDateTime::from, LocalDateTime::from);
            return parsed instanceof LocalDateTime
                    ? ((LocalDateTime) parsed).atZone(zone).toInstant()
                    : ZonedDateTime.from(parsed).toInstant();
        } catch (final DateTimeException ex) {
            throw new IllegalArgumentException(
                    "spec: " + shown(text) + ": time: " + shown(point)
                            + " (expected: such as 2026-11-23T10:05, with :30, Z or +01:00 where wanted)",
                    ex);
        }
    }

    private static IllegalArgumentException broken(final String what, final String text, final String expected) {
        return new IllegalArgumentException(what + ": " + shown(text) + " (expected: " + expected + ")");
    }

    /** Text of a stranger, fit for one line of a log: no control characters, and not without end. */
    static String shown(final String text) {
        final String printable = text.codePoints()
                .limit(SHOWN_LENGTH_MAX)
                .map(c -> Character.isISOControl(c) || Character.getType(c) == Character.LINE_SEPARATOR ? '?' : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
        return printable.length() < text.length() ? printable + "..." : printable;
    }
}
