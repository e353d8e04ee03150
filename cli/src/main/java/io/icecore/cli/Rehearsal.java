package io.icecore.cli;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Runs the common commands once on a store of its own, so that the virtual machine can record which classes they load:
 * the launcher does this once, and every later start is faster by it. Prints nothing.
 */
final class Rehearsal {
    /** Set by the launcher: rehearse, and do nothing else. */
    static final String PROPERTY = "icecore.rehearsal";

    private static final List<String> COMMANDS = List.of(
            "--help",
            "store create ICE --size 64M",
            "volume create vm1 --size 16M",
            "volume import vm2 IMAGE",
            "snapshot create vm1 vm2 --name one --label why=rehearsal",
            "snapshot hold vm1@one tag",
            "snapshot release vm1@one tag",
            "policy set vm1 --every 5m --keep 24h:all,7d:1h --keep-last 2",
            "policy show",
            "policy preview vm1",
            "store info",
            "store info --json",
            "volume list",
            "volume list --json",
            "snapshot list",
            "snapshot list vm1 --json",
            "history vm1",
            "volume export vm2@latest COPY",
            "snapshot delete vm1@one --wait",
            "snapshot list --help",
            "snapshot list vm1@2026-11-23T10:05",
            "status",
            "no-such-command");

    private Rehearsal() {}

    /** Returns an exit code: not 0 when a command ended otherwise than it should, so that the recording is no good. */
    static int run() {
        try {
            final Path directory = Files.createTempDirectory("icecore-rehearsal");
            try {
                Files.write(directory.resolve("IMAGE"), new byte[1 << 20]);
                for (final String command : COMMANDS) {
                    run(directory, command);
                }
                return run(directory, "snapshot list");
            } finally {
                delete(directory);
            }
        } catch (final IOException ex) {
            return ExitCode.FAILED;
        }
    }

    private static int run(final Path directory, final String command) {
        final Console console = new Console(
                new ByteArrayInputStream(new byte[0]),
                OutputStream.nullOutputStream(),
                OutputStream.nullOutputStream(),
                directory,
                ConsoleFeatures.ofProcess(Map.of()),
                Clock.systemUTC());
        return new Program(console, new LocalSession(console, "ICE")).run(List.of(command.split(" ")));
    }

    private static void delete(final Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (final Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
