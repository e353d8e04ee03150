package io.icecore.recovery.point;

import io.icecore.volume.TimeSpan;
import java.time.Duration;
import java.util.Optional;

/**
 * One step of a {@link RollingPolicy}: how densely snapshots are kept up to an age.
 *
 * @param window  age up to which the step holds, from the window of the step before: whole seconds, more than zero
 * @param spacing one snapshot is kept in each span of this length, whole seconds, more than zero and at most the window;
 *                empty keeps all
 */
public record KeepStep(Duration window, Optional<Duration> spacing) {
    private static final String ALL = "all";
    private static final Duration DAY = Duration.ofDays(1);

    public KeepStep {
        requireSpan("window", window);
        spacing.ifPresent(span -> requireSpan("spacing", span));
        if (spacing.isPresent() && spacing.get().compareTo(window) > 0) {
            throw new IllegalArgumentException("keep: " + text(window, spacing) + " (expected: spacing at most "
                    + windowText(window) + ", the window)");
        }
    }

    /** @param text {@code 24h:all} or {@code 7d:1h} */
    static KeepStep parse(final String text) {
        final int colon = text.indexOf(':');
        if (colon < 0) {
            throw new IllegalArgumentException("keep: " + text + " (expected: such as 24h:all or 7d:1h)");
        }
        final String spacing = text.substring(colon + 1);
        return new KeepStep(
                parseSpan(text, text.substring(0, colon)),
                spacing.equals(ALL) ? Optional.empty() : Optional.of(parseSpan(text, spacing)));
    }

    /** The text that {@link #parse} takes back. */
    @Override
    public String toString() {
        return text(window, spacing);
    }

    String windowText() {
        return windowText(window);
    }

    /** A window of a day is shown as {@code 24h}: people think of it as a span of time, of a spacing as one a day. */
    private static String windowText(final Duration window) {
        return window.equals(DAY) ? "24h" : TimeSpan.format(window);
    }

    private static String text(final Duration window, final Optional<Duration> spacing) {
        return windowText(window) + ":" + spacing.map(TimeSpan::format).orElse(ALL);
    }

    private static Duration parseSpan(final String text, final String span) {
        try {
            return TimeSpan.parsePositive(span);
        } catch (final IllegalArgumentException ex) {
            throw new IllegalArgumentException("keep: " + text + ": " + ex.getMessage(), ex);
        }
    }

    private static void requireSpan(final String what, final Duration span) {
        if (span.getNano() != 0 || span.getSeconds() < 1 || span.compareTo(TimeSpan.MAX) > 0) {
            throw new IllegalArgumentException("keep: " + what + " " + span + " (expected: whole seconds, 1s to "
                    + TimeSpan.format(TimeSpan.MAX) + ")");
        }
    }
}
