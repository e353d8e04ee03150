package io.icecore.cli.tour;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The whole tour, with a program that does what the real one does but for one fault: the tour must find it. */
class TourTest {
    @TempDir
    Path parent;

    private final StringWriter written = new StringWriter();

    private void run(final LyingProgram.Fault fault) throws Exception {
        final String java =
                Path.of(System.getProperty("java.home"), "bin", "java").toString();
        final List<String> program = List.of(
                java,
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                LyingProgram.class.getName(),
                fault.name());
        try (TourFolder folder = new TourFolder(parent);
                Icecore icecore = new Icecore(folder.store(), folder.path(), program)) {
            final Narrator narrator = new Narrator(new PrintWriter(written), false, false, Clock.systemUTC());
            try (Tour tour = new Tour(narrator, folder, icecore, Clock.systemUTC(), ZoneOffset.UTC)) {
                tour.run(Duration.ofSeconds(3), false);
            }
        }
    }

    @Test
    void provesThePastOfAnHonestProgramAndLeavesNothingBehind() throws Exception {
        run(LyingProgram.Fault.NONE);

        assertThat(written.toString()).contains("Every proof held").doesNotContain("FAILED");
        assertThat(parent).isEmptyDirectory();
        assertThat(ProcessHandle.current().children()).isEmpty();
    }

    @Tag("nightly")
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            WRONG_BIT              | is nothing that the disk ever was: byte 77,000,000 is
            LEAKS_THE_HEAD         | is nothing that the disk ever was: a mixture of moments
            WRONG_TIME             | but holds the disk as it was from
            MISSES_A_WRITE         | before-cleanup is the disk as after write
            FORGETS_FLUSHED_WRITES | disk is the disk as after write
            FORGETS_IN_SMALL_READS | lines of home/diary.txt in
            IS_DAMAGED             | exit code 6: block 4711
            FORGETS_A_SNAPSHOT     | snapshot lost:
            """)
    void failsOn(final LyingProgram.Fault fault, final String message) throws Exception {
        assertThatThrownBy(() -> run(fault)).isInstanceOf(TourException.class).hasMessageContaining(message);

        assertThat(Files.list(parent)).isEmpty();
    }
}
