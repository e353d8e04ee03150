package io.icecore.cli.tour;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * A program of this machine that judges what ours made. Where it is missing a test is skipped and says so; where {@code
 * CI=true} it fails, so that a build which counts never passes by checking nothing.
 */
public final class ExternalTool {
    public record Result(int exitCode, String output) {}

    private final Path program;

    private ExternalTool(final Path program) {
        this.program = program;
    }

    public static ExternalTool require(final String name) {
        final Stream<String> folders = Stream.concat(
                Stream.of(System.getenv("PATH").split(File.pathSeparator)), Stream.of("/usr/sbin", "/sbin"));
        final Path program = folders.map(folder -> Path.of(folder, name))
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(null);
        if (program == null) {
            final String message = name + " is not installed: what it would judge was NOT checked";
            if ("true".equals(System.getenv("CI"))) {
                fail(message);
            }
            System.err.println("SKIPPED: " + message);
            Assumptions.abort(message);
        }
        return new ExternalTool(program);
    }

    public Process start(final Path output, final String... arguments) throws IOException {
        final List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
    }

    public Result run(final String... arguments) throws IOException, InterruptedException {
        final Path output = Files.createTempFile("icecore-tool-", ".txt");
        try {
            final int exitCode = start(output, arguments).waitFor();
            return new Result(exitCode, new String(Files.readAllBytes(output), StandardCharsets.UTF_8)); // Or garbage.
        } finally {
            Files.delete(output);
        }
    }

    public void runSuccessfully(final String... arguments) throws IOException, InterruptedException {
        final Result result = run(arguments);
        assertThat(result.exitCode()).as(result.output()).isZero();
    }
}
