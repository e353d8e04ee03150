package io.icecore.cli.tour;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class TourCommandTest {
    private final StringWriter written = new StringWriter();

    private int execute(final String... arguments) {
        final PrintWriter out = new PrintWriter(written, true);
        return new CommandLine(new TourCommand()).setOut(out).setErr(out).execute(arguments);
    }

    @Test
    void showsAWorkedExampleInItsHelp() {
        assertThat(execute("--help")).isZero();
        assertThat(written.toString()).contains("icecore tour --keep --dir /var/tmp", "--seconds");
    }

    @ParameterizedTest
    @ValueSource(strings = {"--seconds=7", "--seconds=3601", "--seconds=x", "--sec", "word"})
    void refusesWhatItDoesNotUnderstandBeforeMakingAnything(final String argument) {
        assertThat(execute(argument)).isEqualTo(2);
        assertThat(written.toString()).doesNotContain("A store");
    }
}
