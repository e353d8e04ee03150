package io.icecore.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A store of label {@code lab}, served by the packaged program in a process of its own, over NBD and iSCSI. */
final class ServedStore {
    private static final Path LAUNCHER =
            Path.of(System.getProperty("basedir", ".")).toAbsolutePath().resolve("bin/icecore");
    private static final Pattern PORT = Pattern.compile("iscsi://127\\.0\\.0\\.1:(\\d+)/");
    private static final int SECONDS_MAX = 60;

    private final Path directory;
    private final Path log;
    private Process daemon;
    private int port;

    ServedStore(final Path directory) {
        this.directory = directory;
        log = directory.resolve("serve.log");
        run("store create lab.store --size 2G --label lab");
    }

    /** @param options of {@code serve}, besides those that say where */
    ServedStore start(final String... options) throws IOException {
        final List<String> command = new ArrayList<>(List.of(LAUNCHER.toString(), "serve", "-s", store().toString()));
        command.addAll(List.of("--nbd", "unix:" + nbdSocket(), "--iscsi", "127.0.0.1:0"));
        command.addAll(List.of(options));
        daemon = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        final String ready = daemon.inputReader().readLine();
        assertThat(ready).as("ready line; %s", log()).isNotNull();
        final Matcher where = PORT.matcher(ready);
        assertThat(where.find()).as(ready).isTrue();
        port = Integer.parseInt(where.group(1));
        return this;
    }

    private Path store() {
        return directory.resolve("lab.store");
    }

    private Path nbdSocket() {
        return directory.resolve("nbd");
    }

    /** Host and port of the portal. */
    String portal() {
        return "127.0.0.1:" + port;
    }

    /** Of logical unit 0 of an export. */
    String iscsi(final String spec) {
        return "iscsi://" + portal() + '/' + target(spec) + "/0";
    }

    static String target(final String spec) {
        return "iqn.2026-11.io.icecore:lab." + spec.replace("@", ".at.");
    }

    String nbd(final String spec) {
        return "nbd+unix:///" + spec + "?socket=" + nbdSocket();
    }

    /** A command that succeeds, in this process; where the daemon runs it works there. */
    String run(final String line) {
        final CommandRun run = tryRun(line);
        assertThat(run.code()).as(line + ": " + run.err()).isZero();
        return run.out();
    }

    CommandRun tryRun(final String line) {
        return CommandRun.in(directory, store().toString(), List.of(line.split(" ")), new byte[0]);
    }

    String log() throws IOException {
        return Files.exists(log) ? Files.readString(log, UTF_8) : "";
    }

    /** The command line as others on this machine see it. */
    String commandLine() throws IOException {
        return Files.readString(Path.of("/proc/" + daemon.pid() + "/cmdline"), UTF_8);
    }

    /** As a power cut does, for the process. */
    void kill() throws InterruptedException {
        daemon.destroyForcibly().waitFor();
    }

    /** SIGTERM. */
    void stop() throws InterruptedException {
        daemon.toHandle().destroy();
        assertThat(daemon.waitFor(SECONDS_MAX, TimeUnit.SECONDS)).isTrue();
        assertThat(daemon.exitValue()).isZero();
    }

    /** Whatever state it is in. */
    void close() throws InterruptedException {
        if (daemon != null) {
            kill();
        }
    }
}
