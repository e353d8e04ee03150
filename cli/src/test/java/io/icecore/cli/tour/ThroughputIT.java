package io.icecore.cli.tour;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Tells whether the program has become slower since {@code cli/bench/throughput.json} was stored, by a run with the same jobs:
 * as ratios to a raw file and to another server in the same run, because machines differ. For a night without other work: a
 * quarter of an hour.
 */
class ThroughputIT {
    private static final Path BENCH = Path.of("bench");

    @TempDir
    private Path directory;

    @Test
    @Tag("nightly")
    void noJobHasFallenByMoreThanAFifth() throws Exception {
        ExternalTool.require("fio");
        ExternalTool.require("nbdkit");
        final Process run = new ProcessBuilder(
                        "python3",
                        BENCH.resolve("throughput.py").toString(),
                        "--dir",
                        directory.toString(),
                        "--targets",
                        "raw,icecore,nbdkit-file",
                        "--seconds",
                        "2",
                        "--against",
                        BENCH.resolve("throughput.json").toString())
                .inheritIO()
                .start();

        assertThat(run.waitFor(1, TimeUnit.HOURS)).isTrue();
        assertThat(run.exitValue()).isZero();
    }
}
