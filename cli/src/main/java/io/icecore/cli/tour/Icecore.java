package io.icecore.cli.tour;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * The {@code icecore} program as a user has it: every command runs in a process of its own, with the Java, the class path
 * and the options of this one, on the store of the tour.
 *
 * <p>That is what makes the tour honest: the server can be killed, and what is read afterwards comes from the disk.
 */
final class Icecore implements AutoCloseable {
    private static final String MAIN_CLASS = "io.icecore.cli.Main";
    private static final long COMMAND_SECONDS_MAX = 300;
    private static final int MESSAGE_LINES_MAX = 8;

    /**
     * @param out standard output
     * @param err standard error
     */
    record Result(int exitCode, String out, String err) {}

    private final Path store;
    private final Path folder;
    private final List<String> program;
    private final Set<Process> running = ConcurrentHashMap.newKeySet();
    private int logCount;
    private volatile boolean closed;

    /** @param folder for logs and sockets */
    Icecore(final Path store, final Path folder) {
        this(store, folder, programOfThisProcess());
    }

    /** @param program the words that begin every command line */
    Icecore(final Path store, final Path folder, final List<String> program) {
        this.store = store;
        this.folder = folder;
        this.program = program;
    }

    /** @param more options of the virtual machine, which win over those of this process */
    static List<String> programOfThisProcess(final String... more) {
        final List<String> program = new ArrayList<>();
        program.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        for (final String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            if (!option.startsWith("-agentlib:jdwp") && !option.startsWith("-javaagent")) { // One port, one file each.
                program.add(option);
            }
        }
        program.addAll(List.of(more));
        program.add("-Dicecore.terminals="); // What a command prints goes through our hands first.
        final String classPath = System.getProperty("java.class.path");
        if (classPath.endsWith(".jar") && !classPath.contains(File.pathSeparator)) {
            program.addAll(List.of("-jar", classPath)); // Its manifest opens the packages that the store needs.
        } else {
            program.addAll(List.of("-cp", classPath, MAIN_CLASS));
        }
        return program;
    }

    // ---- commands

    /** Runs a command to its end. Its exit code must be 0. Returns its standard output. */
    String run(final String... arguments) throws IOException, InterruptedException {
        final Result result = tryRun(arguments);
        if (result.exitCode != 0) {
            throw new TourException(String.format(
                    "icecore %s ended with exit code %d: %s",
                    String.join(" ", arguments), result.exitCode, lastLines(result.out + result.err)));
        }
        return result.out;
    }

    /** Runs a command to its end, whichever that is. */
    Result tryRun(final String... arguments) throws IOException, InterruptedException {
        final Path out = folder.resolve("command-" + ++logCount + ".out");
        final Path err = folder.resolve("command-" + logCount + ".err");
        final Process process = start(out, err, List.of(arguments));
        try {
            if (!process.waitFor(COMMAND_SECONDS_MAX, TimeUnit.SECONDS)) {
                throw new TourException("icecore " + String.join(" ", arguments) + " did not end within "
                        + COMMAND_SECONDS_MAX + " seconds");
            }
            return new Result(process.exitValue(), textOf(out), textOf(err));
        } finally {
            kill(process);
        }
    }

    private static String textOf(final Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8); // Whatever the bytes are.
    }

    private Process start(final Path out, final Path err, final List<String> arguments) throws IOException {
        final List<String> command = new ArrayList<>(program);
        command.addAll(arguments);
        final ProcessBuilder builder =
                new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
        builder.redirectInput(ProcessBuilder.Redirect.from(new File(isWindows() ? "NUL" : "/dev/null")));
        builder.environment().put("ICECORE_STORE", store.toString());
        synchronized (running) {
            if (closed) {
                throw new IOException("the tour is over");
            }
            final Process process = builder.start();
            running.add(process);
            return process;
        }
    }

    private static boolean isWindows() {
        return File.separatorChar == '\\';
    }

    private static String lastLines(final String output) {
        final List<String> lines = output.strip().lines().toList();
        return String.join(
                System.lineSeparator(), lines.subList(Math.max(0, lines.size() - MESSAGE_LINES_MAX), lines.size()));
    }

    // ---- the server

    /** A running {@code icecore serve}. */
    final class Server {
        private final Process process;
        private final Path log;
        private final UnixDomainSocketAddress address;

        private Server(final Process process, final Path log, final UnixDomainSocketAddress address) {
            this.process = process;
            this.log = log;
            this.address = address;
        }

        long pid() {
            return process.pid();
        }

        NbdClient connect(final String export) throws IOException {
            return NbdClient.connect(address, export);
        }

        /** SIGKILL, and waits until the process is gone. */
        void kill() throws InterruptedException {
            Icecore.this.kill(process);
        }

        /** SIGTERM; the server must end by itself within half a minute. Returns its exit code. */
        int stop() throws InterruptedException {
            process.destroy();
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                throw new TourException("icecore serve did not stop within 30 seconds of SIGTERM");
            }
            running.remove(process);
            return process.exitValue();
        }

        String log() throws IOException {
            return textOf(log);
        }
    }

    /** Starts a server and waits until it gives out the export, at most a minute. */
    Server serve(final Path socket, final String export) throws IOException, InterruptedException {
        final Path log = folder.resolve("serve-" + ++logCount + ".err");
        final Process process =
                start(folder.resolve("serve-" + logCount + ".out"), log, List.of("serve", "--nbd", "unix:" + socket));
        final Server server = new Server(process, log, UnixDomainSocketAddress.of(socket));
        IOException failure = null;
        for (int attempt = 0; attempt < 6000; attempt++) {
            if (!process.isAlive()) {
                throw new TourException("icecore serve ended: " + lastLines(server.log()));
            }
            try (NbdClient client = server.connect(export)) {
                assert client.size() > 0;
                return server;
            } catch (final NbdClient.RefusedException ex) {
                throw ex;
            } catch (final IOException ex) {
                failure = ex; // Not there yet: no socket, or one that a killed server left behind.
            }
            Thread.sleep(10);
        }
        throw new IOException("icecore serve does not answer: " + lastLines(server.log()), failure);
    }

    private void kill(final Process process) throws InterruptedException {
        process.destroyForcibly().waitFor();
        running.remove(process);
    }

    /** Ends every process that is still there; no other begins. Callable at any time, from any thread. */
    @Override
    public void close() {
        synchronized (running) {
            closed = true;
            running.forEach(Process::destroyForcibly);
        }
        for (final Process process : running) {
            try {
                process.waitFor(10, TimeUnit.SECONDS);
            } catch (final InterruptedException ex) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
