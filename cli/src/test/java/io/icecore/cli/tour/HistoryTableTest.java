package io.icecore.cli.tour;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.cli.tour.JsonOutput.SnapshotLine;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class HistoryTableTest {
    private static final Instant BEGIN = Instant.parse("2026-11-23T10:00:00Z");

    private final StringWriter written = new StringWriter();

    private List<String> print(final int count) {
        final List<SnapshotLine> history = IntStream.range(0, count)
                .mapToObj(i -> new SnapshotLine("s" + i, BEGIN.plusSeconds(i), i == 0 ? 50 << 20 : i * 4096L))
                .toList();
        final Narrator narrator = new Narrator(new PrintWriter(written), false, false, Clock.systemUTC());
        new HistoryTable(narrator, ZoneOffset.UTC).print(history, BEGIN.plusMillis(1500), "an event");
        return written.toString().lines().map(String::strip).toList();
    }

    @Test
    void showsTheEventBetweenItsNeighbours() {
        assertThat(print(4).stream().map(line -> line.replaceAll("\\s+", " ")))
                .containsExactly(
                        "time snapshot written",
                        "10:00:00 s0 50 MiB " + "#".repeat(22),
                        "10:00:01 s1 4 KiB " + "#".repeat(7),
                        "10:00:01 -- an event --",
                        "10:00:02 s2 8 KiB " + "#".repeat(14),
                        "10:00:03 s3 12 KiB " + "#".repeat(22));
    }

    @Test
    void leavesOutTheMiddleOfALongHistory() {
        assertThat(print(1000))
                .hasSize(33)
                .anyMatch(line -> line.equals("... and 970 more ..."))
                .anyMatch(line -> line.contains("s14 "))
                .noneMatch(line -> line.contains("s15 "))
                .noneMatch(line -> line.contains("s984 "))
                .anyMatch(line -> line.contains("s985 "));
    }

    @Test
    void copesWithNothing() {
        assertThat(print(0)).hasSize(1);
        assertThat(print(1)).hasSize(3);
    }
}
