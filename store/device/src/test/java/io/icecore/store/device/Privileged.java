package io.icecore.store.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Mounts and loop devices for tests. Without root the test is skipped, loudly; where {@code CI=true} says that everything
 * is there, it fails instead.
 */
final class Privileged {
    record Result(int exitCode, String output) {}

    /** A file system or loop device that goes when it is closed. */
    record Attached(Path path, String... detach) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            final Result result = run(detach);
            assertThat(result.exitCode).as(result.output).isZero();
        }
    }

    private Privileged() {}

    static Attached mount(final Path directory, final String type, final String options) throws IOException {
        Files.createDirectory(directory);
        require(run("mount", "-t", type, "-o", options, "none", directory.toString()), "mount " + type);
        return new Attached(directory, "umount", directory.toString());
    }

    static Attached loopDevice(final Path backing) throws IOException {
        final Result result = run("losetup", "--find", "--show", backing.toString());
        require(result, "attach a loop device");
        return new Attached(Path.of(result.output), "losetup", "--detach", result.output);
    }

    static Result run(final String... command) throws IOException {
        final Process process;
        try {
            process = new ProcessBuilder(List.of(command))
                    .redirectErrorStream(true)
                    .start();
        } catch (final IOException ex) {
            return new Result(-1, ex.getMessage());
        }
        final String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Result(process.onExit().join().exitValue(), output.trim());
    }

    private static void require(final Result result, final String what) {
        if (result.exitCode != 0) {
            final String reason = "NOT TESTED, cannot " + what + ": " + result.output;
            assertThat(System.getenv("CI")).as(reason).isNotEqualTo("true");
            System.err.println(reason);
            abort(reason);
        }
    }
}
