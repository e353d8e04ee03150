package io.icecore.cli;

import io.icecore.cli.control.ControlRequest;
import io.icecore.cli.control.ControlStreams;
import java.io.BufferedOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;

/**
 * Where a command was typed: its three streams, its working directory, its time zone, and what its terminal can do.
 *
 * <p>A command never touches {@code System.out} or the process's own directory, because the process that runs it may be
 * the daemon and the terminal that of a client. Used by one thread, but for {@link #abandon}.
 */
final class Console {
    /** Names that every process understands as its own. */
    private static final List<Path> OF_ONE_PROCESS = List.of(
            Path.of("/dev/stdin"),
            Path.of("/dev/stdout"),
            Path.of("/dev/stderr"),
            Path.of("/dev/fd"),
            Path.of("/dev/tty"),
            Path.of("/proc/self"),
            Path.of("/proc/thread-self"));

    private static final int BUFFER_LENGTH = 64 << 10;
    private final InputStream in;
    private final OutputStream outBytes;
    private final OutputStream errBytes;
    private final PrintStream out;
    private final PrintStream err;
    private final Path directory;
    private final ConsoleFeatures features;
    private final Clock clock;
    private final boolean remote;
    private final CountDownLatch abandoned = new CountDownLatch(1);

    Console(
            final InputStream in,
            final OutputStream out,
            final OutputStream err,
            final Path directory,
            final ConsoleFeatures features,
            final Clock clock) {
        this(in, out, err, directory, features, clock, false);
    }

    private Console(
            final InputStream in,
            final OutputStream out,
            final OutputStream err,
            final Path directory,
            final ConsoleFeatures features,
            final Clock clock,
            final boolean remote) {
        this.remote = remote;
        this.in = in;
        this.outBytes = out;
        this.errBytes = err;
        this.out = new PrintStream(new BufferedOutputStream(out, BUFFER_LENGTH), false, StandardCharsets.UTF_8);
        this.err = new PrintStream(err, true, StandardCharsets.UTF_8);
        this.directory = directory;
        this.features = features;
        this.clock = clock;
    }

    InputStream in() {
        return in;
    }

    /** For text. Errors of writing are not reported; see {@link #outBytes}. */
    PrintStream out() {
        return out;
    }

    /** For data: every error of writing is an {@link java.io.IOException}. Not to be mixed with {@link #out}. */
    OutputStream outBytes() {
        return outBytes;
    }

    PrintStream err() {
        return err;
    }

    /** For what another process prints. */
    OutputStream errBytes() {
        return errBytes;
    }

    ConsoleFeatures features() {
        return features;
    }

    Clock clock() {
        return clock;
    }

    /** What was typed here, for the daemon to execute. */
    ControlRequest request(final List<String> arguments) {
        return new ControlRequest(
                arguments,
                directory.toString(),
                features.zone().getId(),
                features.width(),
                features.outTerminal(),
                features.errTerminal(),
                features.colour());
    }

    /** The console of a client of the daemon. */
    static Console ofClient(final ControlRequest request, final ControlStreams streams, final Clock clock) {
        final ZoneId zone = ZoneId.of(request.zone());
        final ConsoleFeatures features = new ConsoleFeatures(
                request.outTerminal(), request.errTerminal(), request.colour(), request.width(), () -> zone);
        final Console console = new Console(
                streams.in(), streams.out(), streams.err(), Path.of(request.directory()), features, clock, true);
        streams.onAbandoned().accept(console::abandon);
        return console;
    }

    /** The file that a person at this console means. */
    Path resolve(final String file) {
        final Path path = directory.resolve(file).normalize();
        if (remote && OF_ONE_PROCESS.stream().anyMatch(path::startsWith)) {
            throw new CommandException(
                    ExitCode.FAILED,
                    "means something else in the daemon, which would open it: " + path,
                    "use - for standard input or output");
        }
        return path;
    }

    /** A time as people at this console read it: local, to the second. */
    String timeText(final Instant time) {
        return LazyFormats.LOCAL_TIME.format(time.atZone(features.zone()));
    }

    /** A time for programs: ISO 8601 with the offset of this console's zone, to the millisecond. */
    String timeJson(final Instant time) {
        return LazyFormats.OFFSET_TIME.format(
                time.truncatedTo(ChronoUnit.MILLIS).atZone(features.zone()).toOffsetDateTime());
    }

    /** Loaded by the first command that prints a time: many do not, and it takes a while. */
    private static final class LazyFormats {
        static final DateTimeFormatter LOCAL_TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT);
        static final DateTimeFormatter OFFSET_TIME = DateTimeFormatter.ISO_OFFSET_DATE_TIME;
    }

    /** Says from another thread that nobody waits for the command any more. */
    void abandon() {
        abandoned.countDown();
    }

    /** Waits until nobody waits for the command any more. */
    void awaitAbandoned() throws InterruptedException {
        abandoned.await();
    }

    /** Long work calls this once a step. */
    void requireWanted() {
        if (abandoned.getCount() == 0) {
            throw new CommandException(ExitCode.FAILED, "interrupted");
        }
    }
}
