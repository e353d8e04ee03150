package io.icecore.cli.tour;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Clock;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class NarratorTest {
    private final StringWriter written = new StringWriter();

    private Narrator narrator(final boolean terminal) {
        return new Narrator(new PrintWriter(written), terminal, terminal, Clock.systemUTC());
    }

    @Test
    void writesPlainLinesOfEightyColumnsIntoALog() {
        final Narrator narrator = narrator(false);
        narrator.step("A step");
        narrator.say("word ".repeat(40).strip());
        narrator.now("%d writes", 1);
        narrator.proved("proof ".repeat(40).strip());

        assertThat(written.toString()).doesNotContain("\u001b", "\r", "writes");
        assertThat(written.toString().lines()).contains("1. A step").allMatch(line -> line.length() <= 80);
    }

    @Test
    void replacesTheLineThatCountsOnATerminal() {
        final Narrator narrator = narrator(true);
        narrator.now("%d writes", 1);
        narrator.now("%d writes", 2);
        narrator.say("done");

        assertThat(written.toString())
                .contains("\r   1 writes ", "\r   2 writes ")
                .endsWith("\r   done" + System.lineSeparator());
    }

    @Test
    void givesSizesAndTimesWithTheirUnits() {
        assertThat(Narrator.bytes(0)).isEqualTo("0 KiB");
        assertThat(Narrator.bytes(4096)).isEqualTo("4 KiB");
        assertThat(Narrator.bytes(128 << 20)).isEqualTo("128 MiB");
        assertThat(Narrator.bytes(5L << 29)).isEqualTo("2.5 GiB");
        assertThat(Narrator.seconds(Duration.ofMillis(512))).isEqualTo("0.51 s");
        assertThat(Narrator.seconds(Duration.ofMillis(12_340))).isEqualTo("12.3 s");
    }
}
