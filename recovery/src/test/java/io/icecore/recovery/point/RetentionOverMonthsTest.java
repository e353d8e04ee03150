package io.icecore.recovery.point;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.volume.Snapshot;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Random policies run for simulated months, a snapshot and a thinning every few minutes; what is left must cover every
 * window evenly at every time. A failure names its seed: {@code -Dretention.seed=...} runs that one.
 */
class RetentionOverMonthsTest {
    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
    private static final int[] SPACINGS_SECONDS = {
        300, 420, 900, 1200, 3600, 5400, 7200, 21_600, 36_000, 86_400, 172_800
    };
    private static final int POLICIES = 12;

    @Test
    void leavesEveryWindowEvenlySpaced() {
        final long fixed = Long.getLong("retention.seed", -1);
        if (fixed >= 0) {
            runMonths(fixed);
            return;
        }
        for (long seed = 0; seed < POLICIES; seed++) {
            runMonths(seed);
        }
        runMonths(System.nanoTime() >>> 1);
    }

    /** The contract's own example, with the numbers that a person would expect of it. */
    @Test
    void keepsWhatTheContractPromises() {
        final RollingPolicy policy = RollingPolicy.parse("5m", "24h:all,7d:1h,30d:1d", 12);
        final List<Snapshot> left = new ArrayList<>();
        Instant now = START;
        for (int i = 1; i <= 60 * 288; i++, now = now.plusSeconds(300)) {
            left.add(Snapshots.rolling("vm1", i, now));
            left.removeAll(RetentionPlan.of(policy, left, now).dropped());
        }

        assertThat(left).hasSize(289 + 6 * 24 + 23);
    }

    private static void runMonths(final long seed) {
        final SplittableRandom random = new SplittableRandom(seed);
        final int everySeconds = 60 * random.nextInt(3, 11);
        final RollingPolicy policy = randomPolicy(random, everySeconds);
        final String run = "-Dretention.seed=" + seed + ": " + policy.encode();
        final boolean jitter = random.nextBoolean();

        final List<Snapshot> all = new ArrayList<>();
        final List<Snapshot> left = new ArrayList<>();
        final long end = windowSeconds(policy, policy.keep().size() - 1) * 5 / 4;
        for (long second = 0; second < end; second += everySeconds) {
            final Instant now = START.plusSeconds(second + (jitter ? random.nextInt(20) : 0));
            final Snapshot taken = Snapshots.rolling("vm1", second, now);
            all.add(taken);
            left.add(taken);
            left.removeAll(RetentionPlan.of(policy, left, now).dropped());
            if (second / everySeconds % 97 == 0) {
                checkSpacing(policy, left, now, run);
                checkReach(policy, left, now, second, run);
            }
            if (second / everySeconds % 997 == 0) {
                checkSameAsInOneGo(policy, all, left, now, run);
                checkEarlierPlansKeepAll(policy, all, now, random, run);
            }
        }
    }

    /** Between neighbours of which the older is within a window: at most twice the spacing of that step. */
    private static void checkSpacing(
            final RollingPolicy policy, final List<Snapshot> left, final Instant now, final String run) {
        for (int i = 1; i < left.size(); i++) {
            final Instant older = left.get(i - 1).created();
            final long gap = Duration.between(older, left.get(i).created()).getSeconds();
            final long spacing = spacingAt(policy, Duration.between(older, now).getSeconds());
            assertThat(gap).as("gap after %s at %s: %s", older, now, run).isLessThanOrEqualTo(2 * spacing);
        }
    }

    /** The oldest is as old as the last window, but for one span. */
    private static void checkReach(
            final RollingPolicy policy,
            final List<Snapshot> left,
            final Instant now,
            final long age,
            final String run) {
        final int last = policy.keep().size() - 1;
        final long window = windowSeconds(policy, last);
        final long oldest = Duration.between(left.get(0).created(), now).getSeconds();
        final long spacing = spacingAt(policy, window);
        assertThat(oldest)
                .as("age of the oldest at %s: %s", now, run)
                .isBetween(Math.min(age, window) - 2 * spacing, window);
    }

    /** P3: thinning at every step leaves what one thinning of everything would. */
    private static void checkSameAsInOneGo(
            final RollingPolicy policy,
            final List<Snapshot> all,
            final List<Snapshot> left,
            final Instant now,
            final String run) {
        assertThat(left)
                .as("at %s: %s", now, run)
                .isEqualTo(RetentionPlan.of(policy, all, now).kept());
    }

    /** P3: what is kept now was kept at any time before, so that setting the clock back drops nothing. */
    private static void checkEarlierPlansKeepAll(
            final RollingPolicy policy,
            final List<Snapshot> all,
            final Instant now,
            final SplittableRandom random,
            final String run) {
        final Instant earlier = now.minusSeconds(random.nextLong(2 * windowSeconds(policy, 0)));
        final Set<Snapshot> kept =
                new HashSet<>(RetentionPlan.of(policy, all, earlier).kept());
        assertThat(kept.containsAll(RetentionPlan.of(policy, all, now).kept()))
                .as("at %s and earlier at %s: %s", now, earlier, run)
                .isTrue();
    }

    /** One to four steps; windows wide enough that each step holds several spans. */
    private static RollingPolicy randomPolicy(final SplittableRandom random, final int everySeconds) {
        final StringBuilder keep = new StringBuilder();
        long window = 0;
        int next = 0;
        if (random.nextInt(4) > 0) {
            window = random.nextInt(2, 30) * 3600L;
            keep.append(window).append("s:all");
        }
        final int steps = random.nextInt(1, 4);
        for (int i = 0; i < steps && next < SPACINGS_SECONDS.length; i++) {
            next += random.nextInt(3);
            while (next < SPACINGS_SECONDS.length && SPACINGS_SECONDS[next] < 2 * everySeconds) {
                next++;
            }
            next = Math.min(next, SPACINGS_SECONDS.length - 1);
            final long spacing = SPACINGS_SECONDS[next++];
            window += spacing * random.nextInt(3, 30) + random.nextInt(3600);
            keep.append(keep.isEmpty() ? "" : ",")
                    .append(window)
                    .append("s:")
                    .append(spacing)
                    .append('s');
        }
        return RollingPolicy.parse(everySeconds + "s", keep.toString(), random.nextInt(5));
    }

    private static long windowSeconds(final RollingPolicy policy, final int step) {
        return policy.keep().get(step).window().getSeconds();
    }

    /** Spacing of the step that this age is in; of an "all" step, the timer's interval. */
    private static long spacingAt(final RollingPolicy policy, final long ageSeconds) {
        for (final KeepStep step : policy.keep()) {
            if (ageSeconds <= step.window().getSeconds()) {
                return step.spacing().orElse(policy.every()).getSeconds();
            }
        }
        return Long.MAX_VALUE / 2; // Kept as one of the newest only.
    }
}
