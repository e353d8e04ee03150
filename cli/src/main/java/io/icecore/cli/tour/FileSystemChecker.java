package io.icecore.cli.tour;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** A second opinion on the file systems of the tour, where the machine has one: {@code e2fsck -f -n}. */
final class FileSystemChecker {
    private final Path program;

    private FileSystemChecker(final Path program) {
        this.program = program;
    }

    /** Null where the machine has none. */
    static FileSystemChecker find() {
        final String path = System.getenv().getOrDefault("PATH", "");
        return Stream.concat(Stream.of(path.split(File.pathSeparator)), Stream.of("/usr/sbin", "/sbin"))
                .map(folder -> Path.of(folder, "e2fsck"))
                .filter(Files::isExecutable)
                .findFirst()
                .map(FileSystemChecker::new)
                .orElse(null);
    }

    /** What it finds wrong with the file system in an image, or null. Changes nothing in it. */
    String complaintAbout(final Path image) throws IOException, InterruptedException {
        final Process process = new ProcessBuilder(program.toString(), "-f", "-n", image.toString())
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().close();
        final String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor() == 0 ? null : output.strip();
    }
}
