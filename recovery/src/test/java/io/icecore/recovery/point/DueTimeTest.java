package io.icecore.recovery.point;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class DueTimeTest {
    private static final Duration FIVE_MINUTES = Duration.ofMinutes(5);

    @Test
    void isDueAtTheMultiplesOfTheInterval() {
        final DueTime due = DueTime.after(FIVE_MINUTES, at("10:02:13"));

        assertThat(due.next()).isEqualTo(at("10:05:00"));
        assertThat(due.reached(at("10:04:59"))).isFalse();
        assertThat(due.reached(at("10:05:00"))).isTrue();
    }

    @Test
    void isNotDueAgainInTheMomentItWasSettled() {
        final DueTime due = DueTime.after(FIVE_MINUTES, at("10:05:00"));

        assertThat(due.next()).isEqualTo(at("10:10:00"));
        due.settle(at("10:10:00"));
        assertThat(due.next()).isEqualTo(at("10:15:00"));
    }

    @Test
    void isDueAtOnceWhenNothingWasEverTaken() {
        final DueTime due = DueTime.atOnce(FIVE_MINUTES, at("10:02:13"));

        assertThat(due.reached(at("10:02:13"))).isTrue();
        due.settle(at("10:02:13"));
        assertThat(due.next()).isEqualTo(at("10:05:00"));
    }

    @Test
    void settlesAllMissedTimesAtOnce() {
        final DueTime due = DueTime.after(FIVE_MINUTES, at("10:02:13"));

        assertThat(due.reached(at("18:31:00"))).isTrue();
        due.settle(at("18:31:00"));
        assertThat(due.reached(at("18:34:59"))).isFalse();
        assertThat(due.next()).isEqualTo(at("18:35:00"));
    }

    @Test
    void waitsOutASmallStepBack() {
        final DueTime due = DueTime.after(FIVE_MINUTES, at("10:05:00"));

        assertThat(due.reached(at("10:04:10"))).isFalse();
        assertThat(due.reached(at("10:05:00"))).isFalse();
        assertThat(due.next()).isEqualTo(at("10:10:00"));
    }

    @Test
    void goesByTheNewClockAfterALongStepBack() {
        final DueTime due = DueTime.after(FIVE_MINUTES, at("10:05:00"));

        assertThat(due.reached(at("04:01:00"))).isFalse();
        assertThat(due.next()).isEqualTo(at("04:05:00"));
        assertThat(due.reached(at("04:05:00"))).isTrue();
    }

    @Test
    void isNeverMoreThanAnIntervalAndAMinuteAwayWhateverTheClockDoes() {
        final DueTime due = DueTime.after(Duration.ofDays(1), Instant.parse("2030-01-01T00:00:00Z"));

        assertThat(due.reached(at("10:00:00"))).isFalse();
        assertThat(due.next()).isEqualTo(Instant.parse("2026-11-24T00:00:00Z"));
    }

    @Test
    void ticksEverySecond() {
        final DueTime due = DueTime.after(Duration.ofSeconds(1), at("10:05:00"));

        assertThat(due.reached(at("10:05:00.999"))).isFalse();
        assertThat(due.reached(at("10:05:01"))).isTrue();
        due.settle(at("10:05:01.400"));
        assertThat(due.next()).isEqualTo(at("10:05:02"));
        assertThat(due.reached(at("10:04:59.5"))).isFalse();
        assertThat(due.next())
                .isEqualTo(at("10:05:00")); // Two and a half seconds: more than an interval and its slack.
    }

    @Test
    void countsBackwardsBeforeTheEpoch() {
        final DueTime due = DueTime.after(FIVE_MINUTES, Instant.parse("1969-12-31T23:58:00Z"));

        assertThat(due.next()).isEqualTo(Instant.EPOCH);
    }

    private static Instant at(final String time) {
        return Instant.parse("2026-11-23T" + time + "Z");
    }
}
