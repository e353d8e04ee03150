package io.icecore.recovery.point;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RollingPolicyTest {
    @Test
    void readsTheTextOfTheOptions() {
        assertThat(RollingPolicy.parse("5m", "24h:all,7d:1h,30d:1d", 12))
                .isEqualTo(new RollingPolicy(
                        Duration.ofMinutes(5),
                        List.of(
                                new KeepStep(Duration.ofHours(24), Optional.empty()),
                                new KeepStep(Duration.ofDays(7), Optional.of(Duration.ofHours(1))),
                                new KeepStep(Duration.ofDays(30), Optional.of(Duration.ofDays(1)))),
                        12));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "5m | 24h:all,7d:1h,30d:1d | 12 | every=5m keep=24h:all,7d:1h,30d:1d keep-last=12",
                "1s | 1d:all | 0 | every=1s keep=24h:all keep-last=0",
                "1y | 4w:1w | 1000000 | every=1y keep=28d:7d keep-last=1000000",
                "90s | '' | 3 | every=90s keep= keep-last=3",
            })
    void keepsItselfAsOneLineOfText(final String every, final String keep, final int keepLast, final String text) {
        final RollingPolicy policy = RollingPolicy.parse(every, keep, keepLast);

        assertThat(policy.encode()).isEqualTo(text);
        assertThat(RollingPolicy.decode(text)).isEqualTo(policy);
    }

    @Test
    void fitsTheCatalogueEvenAtItsLongest() {
        final StringBuilder keep = new StringBuilder("1d:all");
        for (int i = 1; i < RollingPolicy.STEPS_MAX; i++) {
            keep.append(',')
                    .append(31_535_000_000L + i)
                    .append("s:")
                    .append(31_534_000_000L + i)
                    .append('s');
        }
        final RollingPolicy policy = RollingPolicy.parse("31535999s", keep.toString(), RollingPolicy.KEEP_LAST_MAX);

        assertThat(policy.encode().getBytes(StandardCharsets.UTF_8)).hasSizeLessThan(1000);
        assertThat(RollingPolicy.decode(policy.encode())).isEqualTo(policy);
        assertThatThrownBy(() -> RollingPolicy.parse("1s", keep + ",1000y:999y", 0))
                .hasMessage("keep: 17 steps (expected: at most 16)");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0s | 24h:all | 0 | every: duration: 0s (expected: at least 1s)",
                "5 | 24h:all | 0 | every: duration: 5 (expected: a whole number and s, m, h, d, w or y, such as 15m)",
                "2y | 24h:all | 0 | every: PT17520H (expected: whole seconds, 1s to 1y)",
                "5m | '' | 0 | keep: no step (expected: at least one, such as 24h:all, or keep-last of 1 or more)",
                "5m | 24h | 0 | keep: 24h (expected: such as 24h:all or 7d:1h)",
                "5m | 24h:all, | 0 | keep:  (expected: such as 24h:all or 7d:1h)",
                "5m | 24h:some | 0 | keep: 24h:some: duration: some (expected: a whole number and s, m, h, d, w or y, such as 15m)",
                "5m | 0h:all | 0 | keep: 0h:all: duration: 0h (expected: at least 1s)",
                "5m | 7d:0s | 0 | keep: 7d:0s: duration: 0s (expected: at least 1s)",
                "5m | 1h:2h | 0 | keep: 1h:2h (expected: spacing at most 1h, the window)",
                "5m | 7d:1h,24h:2h | 0 | keep: 24h:2h (expected: a window of more than 7d, that of the step before)",
                "5m | 7d:1h,1w:2h | 0 | keep: 7d:2h (expected: a window of more than 7d, that of the step before)",
                "5m | 7d:1h,30d:1h | 0 | keep: 30d:1h (expected: wider spacing than the step before, 7d:1h)",
                "5m | 7d:1h,30d:all | 0 | keep: 30d:all (expected: wider spacing than the step before, 7d:1h)",
                "5m | 7d:all,30d:all | 0 | keep: 30d:all (expected: wider spacing than the step before, 7d:all)",
                "5m | 24h:all | -1 | keep-last: -1 (expected: 0 to 1000000)",
                "5m | 24h:all | 1000001 | keep-last: 1000001 (expected: 0 to 1000000)",
            })
    void refusesWhatMakesNoSenseAndNamesTheOption(
            final String every, final String keep, final int keepLast, final String message) {
        assertThatThrownBy(() -> RollingPolicy.parse(every, keep, keepLast))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "every=5m",
                "every=5m keep=24h:all keep-last=",
                "every=5m keep=24h:all keep-last=12 more=1",
                "every=5m keep=24h:all keep-last=99999999999",
                "every=5m  keep=24h:all keep-last=12",
                "every=0s keep=24h:all keep-last=12",
                "every=5m keep= keep-last=0",
            })
    void refusesATextThatItDidNotWrite(final String text) {
        assertThatThrownBy(() -> RollingPolicy.decode(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesFractionsOfASecond() {
        assertThatThrownBy(() -> new RollingPolicy(Duration.ofMillis(1500), List.of(), 1))
                .hasMessageStartingWith("every: ");
        assertThatThrownBy(() -> new KeepStep(Duration.ofMillis(1500), Optional.empty()))
                .hasMessageStartingWith("keep: ");
    }
}
