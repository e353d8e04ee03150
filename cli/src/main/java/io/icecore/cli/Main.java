package io.icecore.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;

/** The {@code icecore} program. */
public final class Main {
    private Main() {}

    public static void main(final String[] arguments) {
        final List<String> words = List.of(arguments);
        Logging.configure(words);
        if (Boolean.getBoolean(Rehearsal.PROPERTY)) {
            System.exit(Rehearsal.run());
        }
        final Map<String, String> environment = System.getenv();
        final Console console = new Console(
                new FileInputStream(FileDescriptor.in),
                new FileOutputStream(FileDescriptor.out),
                new FileOutputStream(FileDescriptor.err),
                Path.of("").toAbsolutePath(),
                ConsoleFeatures.ofProcess(environment),
                Clock.systemUTC());
        final Session session = new LocalSession(console, environment.get(StoreLocation.VARIABLE));
        System.exit(new Program(console, session).run(words));
    }
}
