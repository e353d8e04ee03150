package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TimeSpanTest {
    @ParameterizedTest
    @CsvSource({"0s, 0", "30s, 30", "5m, 300", "24h, 86400", "7d, 604800", "7D, 604800", "4w, 2419200", "1y, 31536000"})
    void readsFixedLengths(final String text, final long seconds) {
        assertThat(TimeSpan.parse(text)).isEqualTo(Duration.ofSeconds(seconds));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "5", "m", "-5m", "1h30m", "1.5h", "5 m", "5ms", "5min", "5M ", "٣m"})
    void refusesWhatIsNoDurationAndSaysWhatOneLooksLike(final String text) {
        assertThatThrownBy(() -> TimeSpan.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("duration: " + text + " ")
                .hasMessageContaining("such as 15m");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1001y", "9223372036854775807y", "9223372036854775807s", "99999999999999999999s"})
    void refusesMoreThanAThousandYears(final String text) {
        assertThatThrownBy(() -> TimeSpan.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("duration: " + text + " (expected: at most 1000y)");
    }

    @Test
    void refusesZeroOnlyWhereItMakesNoSense() {
        assertThatThrownBy(() -> TimeSpan.parsePositive("0m"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("duration: 0m (expected: at least 1s)");
        assertThat(TimeSpan.parsePositive("1000y")).isEqualTo(TimeSpan.MAX);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0s",
        "59, 59s",
        "60, 1m",
        "90, 90s",
        "5400, 90m",
        "86400, 1d",
        "129600, 36h",
        "604800, 7d",
        "31536000, 1y"
    })
    void showsTheLargestUnitThatDivides(final long seconds, final String text) {
        assertThat(TimeSpan.format(Duration.ofSeconds(seconds))).isEqualTo(text);
    }

    @Test
    void readsBackWhatItShows() {
        final SplittableRandom random = new SplittableRandom(1);
        final long[] units = {1, 60, 3600, 86_400, 7 * 86_400, 365 * 86_400};
        for (int i = 0; i < 10_000; i++) {
            final Duration span = Duration.ofSeconds(random.nextInt(1000) * units[random.nextInt(units.length)]);
            assertThat(TimeSpan.parse(TimeSpan.format(span))).isEqualTo(span);
        }
    }
}
