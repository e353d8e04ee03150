package io.icecore.recovery.point;

import static io.icecore.recovery.point.Snapshots.byAPerson;
import static io.icecore.recovery.point.Snapshots.held;
import static io.icecore.recovery.point.Snapshots.rolling;
import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.volume.Snapshot;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RetentionPlanTest {
    private static final Instant NOW = Instant.parse("2026-11-23T10:07:00Z");
    private static final RollingPolicy POLICY = RollingPolicy.parse("5m", "24h:all,7d:1h,30d:1d", 0);

    @Test
    void saysWhyOfEach() {
        final RetentionPlan plan = RetentionPlan.of(
                POLICY,
                List.of(
                        rolling("vm1", 1, Instant.parse("2026-10-24T10:06:59Z")),
                        byAPerson("vm1", 2, Instant.parse("2026-10-24T10:06:59Z")),
                        held(rolling("vm1", 3, Instant.parse("2026-10-24T10:06:59Z")), "nightly", "audit"),
                        rolling("vm1", 4, Instant.parse("2026-10-25T00:00:00Z")),
                        rolling("vm1", 5, Instant.parse("2026-10-25T23:59:59Z")),
                        rolling("vm1", 6, Instant.parse("2026-10-26T00:00:00Z")),
                        rolling("vm1", 7, Instant.parse("2026-11-20T10:00:00Z")),
                        rolling("vm1", 8, Instant.parse("2026-11-20T10:55:00Z")),
                        rolling("vm1", 9, Instant.parse("2026-11-20T11:05:00Z")),
                        rolling("vm1", 10, Instant.parse("2026-11-22T10:07:00Z")),
                        rolling("vm1", 11, Instant.parse("2026-11-23T10:05:00Z")),
                        rolling("vm1", 12, Instant.parse("2026-11-23T10:07:01Z"))),
                NOW);

        assertThat(lines(plan))
                .containsExactly(
                        "drop s1 older than 30d",
                        "keep s2 named by a person",
                        "keep s3 held: audit, nightly",
                        "keep s4 first of its day until 30d",
                        "drop s5 not the first of its day until 30d",
                        "keep s6 first of its day until 30d",
                        "keep s7 first of its hour until 7d",
                        "drop s8 not the first of its hour until 7d",
                        "keep s9 first of its hour until 7d",
                        "keep s10 within 24h: all kept",
                        "keep s11 within 24h: all kept",
                        "keep s12 dated in the future: the clock was set back");
        assertThat(plan.dropped()).extracting(Snapshot::epoch).containsExactly(1L, 5L, 8L);
        assertThat(plan.kept()).hasSize(9);
    }

    @Test
    void keepsTheNewestHoweverOldTheyAre() {
        final List<Snapshot> old = IntStream.rangeClosed(1, 5)
                .mapToObj(i -> rolling("vm1", i, NOW.minus(Duration.ofDays(100 - i))))
                .toList();

        assertThat(lines(RetentionPlan.of(policy("24h:all", 3), old, NOW)))
                .containsExactly(
                        "drop s1 older than 24h",
                        "drop s2 older than 24h",
                        "keep s3 one of the newest 3",
                        "keep s4 one of the newest 3",
                        "keep s5 one of the newest 3");
        assertThat(lines(RetentionPlan.of(policy("24h:all", 0), old, NOW)))
                .endsWith("drop s4 older than 24h", "keep s5 the newest");
        assertThat(lines(RetentionPlan.of(policy("24h:all", 1), old, NOW)))
                .endsWith("drop s4 older than 24h", "keep s5 the newest");
        assertThat(RetentionPlan.of(policy("24h:all", 100), old, NOW).dropped()).isEmpty();
    }

    @Test
    void countsOnlyRollingSnapshotsAmongTheNewest() {
        final Instant old = NOW.minus(Duration.ofDays(100));
        final List<Snapshot> snapshots = List.of(
                rolling("vm1", 1, old), rolling("vm1", 2, old), byAPerson("vm1", 3, old), byAPerson("vm1", 4, old));

        assertThat(RetentionPlan.of(policy("24h:all", 1), snapshots, NOW).dropped())
                .extracting(Snapshot::epoch)
                .containsExactly(1L);
    }

    @Test
    void keepsOnlyTheNewestWithoutAnyStep() {
        final List<Snapshot> snapshots = IntStream.rangeClosed(1, 3)
                .mapToObj(i -> rolling("vm1", i, NOW.minusSeconds(100 - i)))
                .toList();

        assertThat(lines(RetentionPlan.of(policy("", 2), snapshots, NOW)))
                .containsExactly(
                        "drop s1 not one of the newest 2",
                        "keep s2 one of the newest 2",
                        "keep s3 one of the newest 2");
    }

    @Test
    void letsAHeldSnapshotTakeItsPlaceAgainWhenReleased() {
        final Snapshot first = rolling("vm1", 1, Instant.parse("2026-11-20T10:00:00Z"));
        final Snapshot second = rolling("vm1", 2, Instant.parse("2026-11-20T10:05:00Z"));
        final Snapshot newest = rolling("vm1", 3, NOW);

        assertThat(RetentionPlan.of(POLICY, List.of(held(first, "x"), second, newest), NOW)
                        .dropped())
                .containsExactly(second);
        assertThat(RetentionPlan.of(POLICY, List.of(first, newest), NOW).dropped())
                .isEmpty();
    }

    @Test
    void letsAPersonsSnapshotTakeNoPlaceOfARollingOne() {
        final Snapshot person = byAPerson("vm1", 1, Instant.parse("2026-11-20T10:00:00Z"));
        final Snapshot rolling = rolling("vm1", 2, Instant.parse("2026-11-20T10:05:00Z"));

        assertThat(RetentionPlan.of(POLICY, List.of(person, rolling, rolling("vm1", 3, NOW)), NOW)
                        .dropped())
                .isEmpty();
    }

    @Test
    void knowsFirstAndNewestByTheOrderOfTakingNotByTheClock() {
        final List<Snapshot> snapshots = List.of(
                rolling("vm1", 1, Instant.parse("2026-11-20T10:30:00Z")),
                rolling("vm1", 2, Instant.parse("2026-11-20T10:55:00Z")),
                rolling("vm1", 3, Instant.parse("2026-11-20T10:05:00Z"))); // The clock was set back in between.

        assertThat(RetentionPlan.of(POLICY, snapshots, NOW).dropped())
                .extracting(Snapshot::epoch)
                .containsExactly(2L);
    }

    @Test
    void plansNothingForNothing() {
        assertThat(RetentionPlan.of(POLICY, List.of(), NOW).decisions()).isEmpty();
    }

    private static RollingPolicy policy(final String keep, final int keepLast) {
        return RollingPolicy.parse("5m", keep, keepLast);
    }

    private static List<String> lines(final RetentionPlan plan) {
        final List<String> lines = new ArrayList<>();
        plan.decisions()
                .forEach(decision -> lines.add((decision.kept() ? "keep " : "drop ")
                        + decision.snapshot().name() + " " + decision.why()));
        return lines;
    }
}
