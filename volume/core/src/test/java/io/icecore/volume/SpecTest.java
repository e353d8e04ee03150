package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SpecTest {
    private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");

    @Test
    void readsAHead() {
        assertThat(parse("vm1")).isEqualTo(new Spec("vm1", Spec.Kind.HEAD, null, null, null, null, null));
    }

    @Test
    void readsASnapshotByName() {
        assertThat(parse("vm1@monday")).isEqualTo(named("vm1", "monday"));
        assertThat(parse("db.main-2_x@a")).isEqualTo(named("db.main-2_x", "a"));
        assertThat(parse("vm1@Latest")).isEqualTo(named("vm1", "Latest"));
    }

    @Test
    void readsTheNewest() {
        assertThat(parse("vm1@latest")).isEqualTo(new Spec("vm1", Spec.Kind.LATEST, null, null, null, null, null));
    }

    @Test
    void readsASpanOfTimeAgo() {
        assertThat(parse("vm1@-15m")).isEqualTo(ago("vm1", Duration.ofMinutes(15)));
        assertThat(parse("vm1@-0s")).isEqualTo(ago("vm1", Duration.ZERO));
    }

    @ParameterizedTest
    @CsvSource({
        "2026-11-23T10:05, 2026-11-23T09:05:00Z",
        "2026-11-23t10:05, 2026-11-23T09:05:00Z",
        "2026-07-23T10:05, 2026-07-23T08:05:00Z",
        "2026-11-23T10:05:30, 2026-11-23T09:05:30Z",
        "2026-11-23T10:05:30.25, 2026-11-23T09:05:30.250Z",
        "2026-11-23T10:05:30.123456789, 2026-11-23T09:05:30.123456789Z",
        "2026-11-23T10:05Z, 2026-11-23T10:05:00Z",
        "2026-11-23T10:05:30Z, 2026-11-23T10:05:30Z",
        "2026-11-23T10:05-05:00, 2026-11-23T15:05:00Z",
        "2026-11-23T10:05:30.5+05:30, 2026-11-23T04:35:30.500Z",
        "2026-11-23T10:05+02, 2026-11-23T08:05:00Z",
        "2026-11-23T10:05[Asia/Tokyo], 2026-11-23T01:05:00Z",
        "2026-11-23T10:05+09:00[Asia/Tokyo], 2026-11-23T01:05:00Z",
        "2024-02-29T00:00Z, 2024-02-29T00:00:00Z",
    })
    void readsATime(final String point, final Instant time) {
        assertThat(parse("vm1@" + point)).isEqualTo(at("vm1", time));
    }

    @Test
    void movesALocalTimeThatDoesNotExistForwardAndTakesTheFirstOfTwo() {
        assertThat(parse("vm1@2026-03-29T02:30")).isEqualTo(at("vm1", Instant.parse("2026-03-29T01:30:00Z")));
        assertThat(parse("vm1@2026-10-25T02:30")).isEqualTo(at("vm1", Instant.parse("2026-10-25T00:30:00Z")));
        assertThat(parse("vm1@2026-10-25T02:30+01:00")).isEqualTo(at("vm1", Instant.parse("2026-10-25T01:30:00Z")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "2026-11-23T10-05-00",
                "2026-11-23T10-05-00-2",
                "2026-11-23",
                "2026-11-23T",
                "2026",
                "10",
                "20261123T1005"
            })
    void readsWhatOnlyResemblesATimeAsAName(final String name) {
        assertThat(parse("vm1@" + name)).isEqualTo(named("vm1", name));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "10:05",
                "2026-11-23T10:05+0530",
                "2026-11-23T10:5",
                "2026-11-23T24:00",
                "2026-02-29T10:05",
                "2026-13-01T10:05",
                "2026-11-23T10:05:60",
                "2026-11-23T10:05ZZ",
                "2026-11-23T10:05+25:00",
                "2026-11-23T10:05[Nowhere/Atall]",
                "2026-11-23T10:05 ",
                "a:b",
            })
    void refusesATimeThatIsNone(final String point) {
        assertThatThrownBy(() -> parse("vm1@" + point))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("spec: vm1@" + point + ": time: " + point)
                .hasMessageContaining("expected: such as 2026-11-23T10:05");
    }

    @Test
    void readsRangesOfAnyTwoForms() {
        assertThat(parse("vm1@a..b")).isEqualTo(range("vm1", named("vm1", "a"), named("vm1", "b")));
        assertThat(parse("vm1@-2h..latest"))
                .isEqualTo(range("vm1", ago("vm1", Duration.ofHours(2)), parse("vm1@latest")));
        assertThat(parse("vm1@2026-11-23T10:05:30.5Z..2026-11-23T10-05-00"))
                .isEqualTo(range(
                        "vm1",
                        at("vm1", Instant.parse("2026-11-23T10:05:30.500Z")),
                        named("vm1", "2026-11-23T10-05-00")));
        assertThat(parse("vm1@v1.0..v1.1")).isEqualTo(range("vm1", named("vm1", "v1.0"), named("vm1", "v1.1")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"vm1@..", "vm1@a..", "vm1@..b", "vm1@a..b..c", "vm1@a...b", "vm1@a....b"})
    void refusesARangeWithoutTwoEnds(final String text) {
        assertThatThrownBy(() -> parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("range: " + text + " (expected: two ends, such as vm1@monday..latest)");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "@", "@a", "-vm1", ".vm1", "vm 1", "vm1/x", "latest", "latest@a", "vm..1", "vmé", "vm1:x"})
    void refusesAVolumeThatCannotBeNamedSo(final String text) {
        assertThatThrownBy(() -> parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("volume name: ")
                .hasMessageContaining("expected: ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a b", ".a", "a@b", "a/b", "a\nb", "é", "a..-"})
    void refusesASnapshotThatCannotBeNamedSo(final String point) {
        assertThatThrownBy(() -> parse("vm1@" + point)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesASnapshotWithoutAName() {
        assertThatThrownBy(() -> parse("vm1@"))
                .hasMessage("spec: vm1@ (expected: a snapshot after the @, such as vm1@latest)");
    }

    @Test
    void refusesASpanThatIsNone() {
        assertThatThrownBy(() -> parse("vm1@-15"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "spec: vm1@-15: duration: 15 (expected: a whole number and s, m, h, d, w or y, such as 15m)");
    }

    @Test
    void takesNamesOf128CharactersAndNoLonger() {
        assertThat(parse("v".repeat(128)).volume()).hasSize(128);
        assertThatThrownBy(() -> parse("v".repeat(129))).hasMessageContaining("at most 128 characters");
        assertThatThrownBy(() -> parse("vm1@" + "s".repeat(129))).hasMessageContaining("at most 128 characters");
    }

    @Test
    void keepsErrorsToOneLineOfBoundedLength() {
        assertThatThrownBy(() -> parse("vm1\r\nWARN forged \u2028\u001b[2J"))
                .satisfies(ex -> assertThat(ex.getMessage())
                        .startsWith("volume name: vm1??WARN forged ??[2J ")
                        .doesNotContain("\n", "\r", "\u2028", "\u001b"));
        assertThatThrownBy(() -> parse("vm1@" + ":".repeat(1_000_000)))
                .satisfies(ex -> assertThat(ex.getMessage()).hasSizeLessThan(600));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "vm1",
                "vm1@a",
                "vm1@latest",
                "vm1@-15m",
                "vm1@2026-11-23T10:05",
                "vm1@-1y..2026-11-23T10:05:30.5"
            })
    void showsATextThatMeansTheSameInAnyZone(final String text) {
        final Spec spec = parse(text);

        assertThat(Spec.parse(spec.toString(), ZoneOffset.MAX)).isEqualTo(spec);
    }

    /** Whatever comes from a client: a spec that shows as itself, or a refusal of one kind; never another exception. */
    @Test
    void answersAnyTextWithASpecOrARefusal() {
        final SplittableRandom random = new SplittableRandom(1);
        final String[] pieces = {
            "vm1",
            "@",
            "..",
            ".",
            "-",
            "15",
            "m",
            "s",
            "latest",
            "2026-11-23",
            "T",
            "10:05",
            ":30",
            ".5",
            "Z",
            "+01:00",
            "[",
            "Europe/Berlin",
            "]",
            " ",
            "\n",
            "é",
            "99999999999"
        };
        int accepted = 0;
        for (int i = 0; i < 30_000; i++) {
            final StringBuilder text = new StringBuilder(random.nextBoolean() ? "vm1@" : "");
            for (int n = random.nextInt(6); n > 0; n--) {
                text.append(pieces[random.nextInt(pieces.length)]);
            }
            try {
                final Spec spec = parse(text.toString());
                accepted++;
                assertThat(Spec.parse(spec.toString(), ZoneOffset.UTC))
                        .as("%s", text)
                        .isEqualTo(spec);
            } catch (final IllegalArgumentException ex) {
                assertThat(ex.getMessage()).as("%s", text).contains("expected: ");
            }
        }
        assertThat(accepted).isGreaterThan(300);
    }

    private static Spec parse(final String text) {
        return Spec.parse(text, BERLIN);
    }

    private static Spec named(final String volume, final String name) {
        return new Spec(volume, Spec.Kind.NAME, name, null, null, null, null);
    }

    private static Spec ago(final String volume, final Duration ago) {
        return new Spec(volume, Spec.Kind.AGO, null, ago, null, null, null);
    }

    private static Spec at(final String volume, final Instant time) {
        return new Spec(volume, Spec.Kind.TIME, null, null, time, null, null);
    }

    private static Spec range(final String volume, final Spec from, final Spec to) {
        return new Spec(volume, Spec.Kind.RANGE, null, null, null, from, to);
    }
}
