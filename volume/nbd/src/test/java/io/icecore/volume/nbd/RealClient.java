package io.icecore.volume.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A program of other people that a test lets loose on the server. */
final class RealClient {
    private static final int SECONDS_MAX = 60;

    private final String name;

    private RealClient(final String name) {
        this.name = name;
    }

    /** Skips the test, loudly, where the program is not installed; where {@code CI=true} it has to be. */
    static RealClient of(final String name) {
        for (final String directory : System.getenv("PATH").split(File.pathSeparator)) {
            if (Files.isExecutable(Path.of(directory, name))) {
                return new RealClient(name);
            }
        }
        final String message = name + " is not installed: its half of the interoperation tests was NOT run";
        if ("true".equals(System.getenv("CI"))) {
            throw new AssertionError(message);
        }
        System.err.println("*** " + message + " ***");
        return abort(message);
    }

    /** Runs it and returns all it said; it must succeed. */
    String run(final String... arguments) throws IOException, InterruptedException {
        return run(true, arguments);
    }

    /** As {@link #run}; it must fail. */
    String fail(final String... arguments) throws IOException, InterruptedException {
        return run(false, arguments);
    }

    private String run(final boolean succeeds, final String... arguments) throws IOException, InterruptedException {
        final List<String> command = new ArrayList<>();
        command.add(name);
        command.addAll(List.of(arguments));
        final Path said = Files.createTempFile("nbd-client", ".out");
        try {
            final Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(said.toFile())
                    .start();
            if (!process.waitFor(SECONDS_MAX, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
                throw new AssertionError(command + " did not end: " + Files.readString(said));
            }
            final String output = Files.readString(said);
            assertThat(process.exitValue() == 0)
                    .as("exit code %d of %s: %s", process.exitValue(), command, output)
                    .isEqualTo(succeeds);
            return output;
        } finally {
            Files.delete(said);
        }
    }
}
