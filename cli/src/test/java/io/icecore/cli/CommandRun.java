package io.icecore.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;

/** One call of the program within the test's process, and what came of it. */
record CommandRun(int code, String out, String err, byte[] outBytes) {
    /** @param storeVariable content of ICECORE_STORE, or null */
    static CommandRun in(
            final Path directory, final String storeVariable, final List<String> arguments, final byte[] input) {
        return in(directory, storeVariable, arguments, input, Clock.systemUTC());
    }

    static CommandRun in(
            final Path directory,
            final String storeVariable,
            final List<String> arguments,
            final byte[] input,
            final Clock clock) {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        final ByteArrayOutputStream err = new ByteArrayOutputStream();
        final Console console =
                new Console(new ByteArrayInputStream(input), out, err, directory, ConsoleFeatures.PLAIN, clock);
        final int code = new Program(console, new LocalSession(console, storeVariable)).run(arguments);
        return new CommandRun(code, out.toString(UTF_8), err.toString(UTF_8), out.toByteArray());
    }
}
