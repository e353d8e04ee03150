package io.icecore.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The packaged program, started as people start it. */
@Timeout(120)
class LauncherIT {
    private static final Path MODULE =
            Path.of(System.getProperty("basedir", ".")).toAbsolutePath();
    private static final Path LAUNCHER = MODULE.resolve("bin/icecore");

    private record Ended(int code, String out, String err) {}

    @TempDir
    private Path directory;

    private final List<Process> processes = new ArrayList<>();

    @AfterEach
    void stopWhatAFailedTestLeft() {
        processes.forEach(Process::destroyForcibly);
    }

    @Test
    void startsFromAnywhereAndThroughALink() throws Exception {
        final Path link = Files.createSymbolicLink(directory.resolve("ice"), LAUNCHER);

        final Ended ended = end(start(Map.of(), link.toString(), "--version"));

        assertThat(ended.out()).startsWith("icecore 0.");
        assertThat(ended.err()).isEmpty();
        assertThat(ended.code()).isZero();
    }

    @Test
    void passesArgumentsAndExitCodesOn() throws Exception {
        final Ended ended = icecore(Map.of(), "volume", "list", "--store", "a  b");

        assertThat(ended.code()).isEqualTo(ExitCode.NO_SUCH);
        assertThat(ended.err())
                .startsWith("icecore: ")
                .contains(directory.resolve("a  b").toString());
    }

    @Test
    void refusesAMissingJavaAndOneThatIsTooOld() throws Exception {
        assertThat(icecore(Map.of("JAVA_HOME", "/nowhere"), "--version").err())
                .isEqualTo(
                        "icecore: no java: /nowhere/bin/java\nhint: JAVA_HOME names no Java; it needs 17 or newer\n");

        final Path home =
                Files.createDirectories(directory.resolve("java11/bin")).getParent();
        Files.writeString(home.resolve("release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"11.0.2\"\n");
        Files.createFile(
                home.resolve("bin/java"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        final Ended old = icecore(Map.of("JAVA_HOME", home.toString()), "--version");
        assertThat(old.err()).startsWith("icecore: Java is too old: 11.0.2 (expected: 17 or newer)");
        assertThat(old.code()).isEqualTo(ExitCode.FAILED);
    }

    @Test
    void handsOptionsToTheVirtualMachine() throws Exception {
        assertThat(icecore(Map.of("ICECORE_OPTS", "-Xmx64m -version"), "--help").err())
                .contains("version \"");
        assertThat(icecore(Map.of("JAVA_OPTS", "-version"), "--help").err()).contains("version \"");
    }

    @Test
    void worksWithAnArchiveOfClassesThatIsGarbage() throws Exception {
        icecore(Map.of(), "--version");
        final List<Path> archives = archives();
        assertThat(archives).isNotEmpty();
        for (final Path archive : archives) {
            Files.delete(archive);
            Files.write(archive, new byte[100_000]);
        }
        try {
            final Ended ended = icecore(Map.of(), "--version");
            assertThat(ended.code()).isZero();
            assertThat(ended.out()).startsWith("icecore ");
            assertThat(ended.err()).isEmpty();
        } finally {
            for (final Path archive : archives) {
                Files.delete(archive);
            }
        }
    }

    /** What a short command costs is the classes that it loads, and first of all those that are not in the archive. */
    @Test
    void aShortCommandLoadsFewClassesAndThoseFromTheArchive() throws Exception {
        final String store = createStore();
        final Path loaded = directory.resolve("classes");

        final Ended ended = icecore(
                Map.of("ICECORE_OPTS", "-Xlog:class+load=info:file=" + loaded), "snapshot", "list", "-s", store);

        assertThat(ended.err()).isEmpty();
        assertThat(ended.code()).isZero();
        final List<String> classes = Files.readAllLines(loaded);
        assertThat(classes.size()).isLessThan(1700);
        assertThat(classes.stream().filter(line -> !line.contains("shared objects file")))
                .as("not from the archive")
                .hasSizeLessThan(40);
        assertThat(classes)
                .noneMatch(line -> line.contains(" com.sun.jna.")
                        || line.contains("chronicle")
                        || line.contains(" io.icecore.volume.nbd.")
                        || line.contains(" io.icecore.volume.iscsi."));
    }

    @Test
    void readsNoPropertiesFromTheWorkingDirectory() throws Exception {
        Files.writeString(directory.resolve("system.properties"), "user.timezone=Asia/Tokyo\n");
        assertThat(icecore(Map.of(), "--version").code()).isZero();
    }

    @Test
    void servesUntilItIsToldToStopAndLeavesNothingBehind() throws Exception {
        final String store = createStore();
        final Process daemon = serve(store);
        assertThat(icecore(Map.of(), "volume", "create", "vm1", "--size", "1M", "-s", store)
                        .code())
                .isZero();
        assertThat(icecore(Map.of(), "status", "-s", store).out())
                .contains("health")
                .contains("ok");

        terminate(daemon);

        final Ended ended = end(daemon);
        assertThat(ended.code()).isZero();
        assertThat(ended.err()).contains("INFO stopped").doesNotContain("WARN");
        assertThat(directory.resolve("ice.store.sock")).doesNotExist();
        assertThat(directory.resolve("ice.store.nbd")).doesNotExist();
        assertThat(icecore(Map.of(), "status", "-s", store).code()).isEqualTo(ExitCode.NO_SUCH);
    }

    @Test
    void servesAgainAfterItWasKilled() throws Exception {
        final String store = createStore();
        final Process killed = serve(store);
        killed.destroyForcibly().waitFor();
        assertThat(directory.resolve("ice.store.sock")).exists();

        final Process daemon = serve(store);

        assertThat(icecore(Map.of(), "volume", "list", "-s", store).code()).isZero();
        terminate(daemon);
        assertThat(end(daemon).code()).isZero();
    }

    @Test
    void anImportThatIsToldToStopWhileItWaitsForInputRemovesItsVolume() throws Exception {
        final String store = createStore();
        final ProcessBuilder builder =
                new ProcessBuilder(LAUNCHER.toString(), "volume", "import", "vm1", "-", "-s", store);
        final Process waiting = builder.redirectErrorStream(true).start();
        processes.add(waiting);
        waiting.getOutputStream().write(new byte[8192]);
        waiting.getOutputStream().flush();
        awaitVolume(store, true);

        terminate(waiting);

        assertThat(waiting.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(waiting.exitValue()).isEqualTo(128 + 15);
        awaitVolume(store, false);
    }

    private void awaitVolume(final String store, final boolean there) throws Exception {
        for (int i = 0; i < 100; i++) {
            if (icecore(Map.of(), "volume", "list", "-s", store).out().contains("vm1") == there) {
                return;
            }
        }
        throw new AssertionError("volume vm1 is " + (there ? "not " : "") + "there");
    }

    @Test
    void doesNotServeAStoreTwice() throws Exception {
        final String store = createStore();
        final Process daemon = serve(store);

        final Ended second = icecore(Map.of(), "serve", "-s", store, "--nbd", "unix:other.nbd");

        assertThat(second.code()).isEqualTo(ExitCode.BUSY);
        assertThat(second.err()).contains("icecore: store in use");
        terminate(daemon);
        assertThat(end(daemon).code()).isZero();
    }

    private String createStore() throws Exception {
        assertThat(icecore(Map.of(), "store", "create", "ice.store", "--size", "64M")
                        .code())
                .isZero();
        return directory.resolve("ice.store").toString();
    }

    private Process serve(final String store) throws Exception {
        final Process daemon = start(Map.of(), LAUNCHER.toString(), "serve", "-s", store);
        final BufferedReader out = daemon.inputReader();
        assertThat(out.readLine())
                .as("ready line")
                .isEqualTo("serving " + store + " on nbd+unix:///?socket=" + store + ".nbd");
        return daemon;
    }

    /** SIGTERM. (Process.destroy would close its streams besides.) */
    private static void terminate(final Process process) {
        process.toHandle().destroy();
    }

    private Ended icecore(final Map<String, String> environment, final String... arguments) throws Exception {
        final List<String> command = new ArrayList<>(List.of(LAUNCHER.toString()));
        command.addAll(List.of(arguments));
        return end(start(environment, command.toArray(String[]::new)));
    }

    private Process start(final Map<String, String> environment, final String... command) throws IOException {
        final ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
        builder.environment().keySet().removeAll(List.of("ICECORE_OPTS", "JAVA_OPTS", "ICECORE_STORE"));
        builder.environment().putAll(environment);
        final Process process = builder.start();
        processes.add(process);
        process.getOutputStream().close();
        return process;
    }

    private static Ended end(final Process process) throws Exception {
        final String out = new String(process.getInputStream().readAllBytes(), UTF_8);
        final String err = new String(process.getErrorStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return new Ended(process.exitValue(), out, err);
    }

    private static List<Path> archives() throws IOException {
        try (Stream<Path> files = Files.list(MODULE.resolve("target"))) {
            return files.filter(file -> file.toString().endsWith(".jsa")).toList();
        }
    }
}
