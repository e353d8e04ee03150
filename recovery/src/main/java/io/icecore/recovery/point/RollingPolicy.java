package io.icecore.recovery.point;

import io.icecore.volume.TimeSpan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * When rolling snapshots of a volume are taken and how they are thinned.
 *
 * <p>{@code --every 5m --keep 24h:all,7d:1h,30d:1d --keep-last 12} takes one every five minutes, keeps all for 24 hours,
 * then one an hour up to 7 days, then one a day up to 30 days, and never fewer than 12.
 *
 * @param every    interval of the timer: whole seconds, 1 second to 1 year
 * @param keep     at most {@value #STEPS_MAX} steps, windows and spacings ascending; empty only with {@code keepLast}
 * @param keepLast the newest that are kept whatever their age, 0 to {@value #KEEP_LAST_MAX}; the very newest is kept even
 *                 with 0
 */
public record RollingPolicy(Duration every, List<KeepStep> keep, int keepLast) {
    /** Keeps the encoded text far below what the catalogue takes. */
    public static final int STEPS_MAX = 16;

    public static final int KEEP_LAST_MAX = 1_000_000;
    public static final Duration EVERY_MAX = Duration.ofDays(365);

    private static final Pattern ENCODED = Pattern.compile("every=(\\S+) keep=(\\S*) keep-last=([0-9]{1,7})");

    public RollingPolicy {
        keep = List.copyOf(keep);
        require(
                every.getNano() == 0 && every.getSeconds() >= 1 && every.compareTo(EVERY_MAX) <= 0,
                "every",
                every,
                "whole seconds, 1s to 1y");
        require(keep.size() <= STEPS_MAX, "keep", keep.size() + " steps", "at most " + STEPS_MAX);
        require(0 <= keepLast && keepLast <= KEEP_LAST_MAX, "keep-last", keepLast, "0 to " + KEEP_LAST_MAX);
        require(
                !keep.isEmpty() || keepLast > 0,
                "keep",
                "no step",
                "at least one, such as 24h:all, or keep-last of 1 or more");
        for (int i = 1; i < keep.size(); i++) {
            requireAscending(keep.get(i - 1), keep.get(i));
        }
    }

    /**
     * @param every    such as {@code 5m}
     * @param keep     steps, separated by commas, such as {@code 24h:all,7d:1h,30d:1d}; may be empty
     * @throws IllegalArgumentException naming the option, its value and the rule
     */
    public static RollingPolicy parse(final String every, final String keep, final int keepLast) {
        final Duration interval;
        try {
            interval = TimeSpan.parsePositive(every);
        } catch (final IllegalArgumentException ex) {
            throw new IllegalArgumentException("every: " + ex.getMessage(), ex);
        }
        final List<KeepStep> steps = new ArrayList<>();
        if (!keep.isEmpty()) {
            for (final String step : keep.split(",", -1)) {
                steps.add(KeepStep.parse(step));
            }
        }
        return new RollingPolicy(interval, steps, keepLast);
    }

    /** One line of ASCII, below 1,000 bytes: what the catalogue keeps, and what people are shown. */
    public String encode() {
        return "every=" + TimeSpan.format(every) + " keep=" + keepText() + " keep-last=" + keepLast;
    }

    /** @throws IllegalArgumentException when the text is not one that {@link #encode} gave */
    public static RollingPolicy decode(final String text) {
        final Matcher matcher = ENCODED.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "policy: " + text + " (expected: such as every=5m keep=24h:all,7d:1h keep-last=12)");
        }
        return parse(matcher.group(1), matcher.group(2), Integer.parseInt(matcher.group(3)));
    }

    /** The steps as {@link #parse} takes them. */
    public String keepText() {
        return keep.stream().map(KeepStep::toString).collect(Collectors.joining(","));
    }

    private static void requireAscending(final KeepStep earlier, final KeepStep later) {
        require(
                later.window().compareTo(earlier.window()) > 0,
                "keep",
                later,
                "a window of more than " + earlier.windowText() + ", that of the step before");
        require(
                later.spacing().isPresent()
                        && (earlier.spacing().isEmpty()
                                || later.spacing()
                                                .get()
                                                .compareTo(earlier.spacing().get())
                                        > 0),
                "keep",
                later,
                "wider spacing than the step before, " + earlier);
    }

    private static void require(final boolean holds, final String option, final Object value, final String expected) {
        if (!holds) {
            throw new IllegalArgumentException(option + ": " + value + " (expected: " + expected + ")");
        }
    }
}
