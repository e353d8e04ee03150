package io.icecore.store.device;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A Java process of its own that opens a device for writing, says how that went, and keeps it until it is told. */
final class SecondProcess implements AutoCloseable {
    static final String OPENED = "opened";

    private final Process process;
    private final BufferedReader output;

    private SecondProcess(final Process process) {
        this.process = process;
        this.output = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    public static void main(final String[] arguments) throws IOException {
        try (FileBlockDevice device = FileBlockDevice.open(Path.of(arguments[0]))) {
            System.out.println(OPENED);
            System.in.read();
            device.flush();
        } catch (final StoreException ex) {
            System.out.println(ex.getMessage());
        }
    }

    /** Starts it; {@link #result()} tells whether it got the device. */
    static SecondProcess opening(final Path path) throws IOException {
        return start(path, "--add-", "--enable-native-access");
    }

    /** The same in a Java runtime that keeps its internals to itself. */
    static SecondProcess openingWithoutFlags(final Path path) throws IOException {
        return start(path);
    }

    private static SecondProcess start(final Path path, final String... flagsPassedOn) throws IOException {
        final List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> List.of(flagsPassedOn).stream().anyMatch(argument::startsWith))
                .forEach(command::add);
        command.add("-XX:TieredStopAtLevel=1");
        command.add("-cp");
        command.add(System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
        command.add(SecondProcess.class.getName());
        command.add(path.toString());
        return new SecondProcess(new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start());
    }

    /** {@link #OPENED}, or the message of the failure. */
    String result() throws IOException {
        return output.readLine();
    }

    /** As SIGKILL: no close, no shutdown hook. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    @Override
    public void close() throws IOException {
        process.getOutputStream().close(); // It waits for the end of its input.
        process.onExit().join();
        output.close();
    }
}
