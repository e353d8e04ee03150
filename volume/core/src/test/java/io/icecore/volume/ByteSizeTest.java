package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteSizeTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "4096, 4096",
        "512B, 512",
        "64K, 65536",
        "64k, 65536",
        "20G, 21474836480",
        "1T, 1099511627776",
        "3P, 3377699720527872",
        "7E, 8070450532247928832",
        "007M, 7340032",
        "9223372036854775807, 9223372036854775807",
    })
    void readsPowersOf1024(final String text, final long bytes) {
        assertThat(ByteSize.parse(text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "K", "-1", "-4K", "+4K", "1.5G", "4 K", "4K ", "4KB", "4KiB", "0x10", "1e3", "٣"})
    void refusesWhatIsNoSizeAndSaysWhatOneLooksLike(final String text) {
        assertThatThrownBy(() -> ByteSize.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("size: " + text + " ")
                .hasMessageContaining("such as 20G");
    }

    @ParameterizedTest
    @ValueSource(strings = {"8E", "9223372036854775808", "99999999999999999999", "8192P", "9007199254740992K"})
    void refusesWhatDoesNotFitInALong(final String text) {
        assertThatThrownBy(() -> ByteSize.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("size: " + text + " (expected: less than 8E)");
    }

    @Test
    void refusesZeroOnlyWhereItMakesNoSense() {
        assertThat(ByteSize.parse("0G")).isZero();
        assertThat(ByteSize.parsePositive("1")).isOne();
        assertThatThrownBy(() -> ByteSize.parsePositive("0G"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("size: 0G (expected: more than zero)");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0B",
        "1, 1B",
        "1023, 1023B",
        "1024, 1K",
        "1536, 1.5K",
        "1034, 1K",
        "1045, 1.02K",
        "4096, 4K",
        "65536, 64K",
        "10751, 10.4K",
        "1048575, 1023K",
        "21474836480, 20G",
        "1605000000000, 1.45T",
        "9223372036854775807, 7.99E",
    })
    void showsThreeDigitsRoundedDown(final long bytes, final String text) {
        assertThat(ByteSize.format(bytes)).isEqualTo(text);
    }

    @Test
    void neverShowsMoreThanThereIsNorMuchOverAPercentLess() {
        final SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 20_000; i++) {
            final long bytes = random.nextLong() >>> random.nextInt(1, 64);
            final String text = ByteSize.format(bytes);
            final double shown = Double.parseDouble(text.substring(0, text.length() - 1))
                    * ByteSize.parse("1" + text.charAt(text.length() - 1));
            assertThat(shown)
                    .as("%d as %s", bytes, text)
                    .isLessThanOrEqualTo(bytes)
                    .isGreaterThan(bytes * 0.989 - 0.01);
        }
    }
}
