package io.icecore.volume.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import io.icecore.volume.VolumeWorkers;
import io.icecore.volume.iscsi.scsi.ReservationStore;
import java.io.File;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The families of libiscsi's conformance suite that want a medium which can be ejected. A served volume cannot be; all
 * other tests of the suite run against the daemon.
 */
class RemovableMediaIT {
    private static final String TOOL = "iscsi-test-cu";
    private static final int SECONDS_MAX = 90;

    /** The tool drops a connection and logs in again at once; the target may learn of the one after the other. */
    private static final int ATTEMPTS_AT_A_RACE = 5;

    private static final Pattern PASSED = Pattern.compile("(?m)^\\s*tests\\s+\\d+\\s+1\\s+1\\s+0");

    @TempDir
    private Path directory;

    @Test
    void passesTheFamiliesOfRemovableMedia() throws Exception {
        requireTool();
        final List<String> tests = run("--list")
                .lines()
                .map(String::trim)
                .filter(line -> line.matches("ALL\\.(PreventAllow|StartStopUnit|NoMedia)\\.\\w+"))
                .toList();
        assertThat(tests).hasSizeGreaterThanOrEqualTo(12);
        try (VolumeWorkers workers = new VolumeWorkers(2, 256);
                IscsiTarget target = new IscsiTarget(
                        "lab",
                        IscsiOptions.DEFAULT.withRemovable(true),
                        new InMemoryExports().addVolume("vm1", 64 << 20),
                        ReservationStore.NONE,
                        workers)) {
            final int port = target.listen(new InetSocketAddress("127.0.0.1", 0))
                    .address()
                    .getPort();
            final String url = "iscsi://127.0.0.1:" + port + '/' + target.targetName("vm1") + "/0";
            for (final String test : tests) {
                String output = run("-d", "-v", "-t", test, url);
                for (int i = 1; i < ATTEMPTS_AT_A_RACE && test.endsWith("ITNexusLoss") && !passed(output); i++) {
                    output = run("-d", "-v", "-t", test, url);
                }
                assertThat(passed(output)).as(test + ": " + output).isTrue();
            }
        }
    }

    private static boolean passed(final String output) {
        return PASSED.matcher(output).find() && !output.contains("[SKIPPED]");
    }

    private static void requireTool() {
        for (final String folder : System.getenv("PATH").split(File.pathSeparator)) {
            if (Files.isExecutable(Path.of(folder, TOOL))) {
                return;
            }
        }
        if ("true".equals(System.getenv("CI"))) {
            fail("not installed: " + TOOL);
        }
        System.err.println("SKIPPED, not installed: " + TOOL);
        abort("not installed: " + TOOL);
    }

    private String run(final String... arguments) throws Exception {
        final Path output = directory.resolve("out");
        final Process process = new ProcessBuilder(
                        Stream.concat(Stream.of(TOOL), Stream.of(arguments)).toList())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        if (!process.waitFor(SECONDS_MAX, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
        }
        return Files.readString(output, StandardCharsets.ISO_8859_1);
    }
}
