package io.icecore.cli.tour;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The tour as a newcomer takes it, with the real program and a real kill. */
class TourIT {
    @TempDir
    Path parent;

    private final StringWriter written = new StringWriter();

    private int execute(final String... arguments) {
        final PrintWriter out = new PrintWriter(written, true);
        return new CommandLine(new TourCommand()).setOut(out).setErr(out).execute(arguments);
    }

    @Test
    void provesThePastAndLeavesNothingButTheStore() {
        assertThat(execute("--seconds", "8", "--keep", "--dir", parent.toString()))
                .as(written::toString)
                .isZero();

        assertThat(written.toString()).contains("Every proof held");
        assertThat(parent.toFile().listFiles())
                .hasSize(1)
                .allSatisfy(folder -> assertThat(Arrays.asList(folder.list())).containsExactly("demo.icecore"));
        assertThat(ProcessHandle.current().children()).isEmpty();
    }
}
