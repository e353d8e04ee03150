package io.icecore.cli.tour;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneId;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code icecore tour}. */
@Command(
        name = "tour",
        description = {
            "The main job, shown from end to end on a store of its own in a temporary place.",
            "",
            "Makes a disk with real files, lets it live while a snapshot is taken every second, kills the server,"
                    + " and proves byte for byte that the past is still there. Needs half a minute, 300 MiB of"
                    + " temporary space and nothing but Java. Removes everything behind it."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:every proof held", "1:a proof failed, or the tour could not be made", "2:wrong usage"},
        footer = {"", "Example:", "  icecore tour --keep --dir /var/tmp"})
public final class TourCommand implements Callable<Integer> {
    private static final int SECONDS_MIN = 8;
    private static final int SECONDS_MAX = 3600;
    /** A signal may end the tour's processes a little before this one hears of it. */
    private static final int INTERRUPTION_MILLIS = 500;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help.")
    private boolean help;

    @Option(
            names = {"-v", "--verbose"},
            description = "Show where a failure came from.")
    private boolean verbose;

    @Option(names = "--keep", description = "Leave the store where it is, to look around in it afterwards.")
    private boolean keep;

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            description = "Where to make the folder of the tour. Default: the system's place for temporary files.")
    private Path parent;

    @Option(
            names = "--seconds",
            paramLabel = "N",
            defaultValue = "20",
            description = "How long the disk lives: " + SECONDS_MIN + " to " + SECONDS_MAX
                    + " seconds. Default: ${DEFAULT-VALUE}.")
    private int seconds;

    @Spec
    private CommandSpec spec;

    private final CountDownLatch interrupted = new CountDownLatch(1);

    @Override
    public Integer call() throws Exception {
        if (seconds < SECONDS_MIN || seconds > SECONDS_MAX) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--seconds: " + seconds + " (expected: " + SECONDS_MIN + " to " + SECONDS_MAX + ")");
        }
        final boolean colour = spec.commandLine().getColorScheme().ansi().enabled();
        final boolean terminal =
                colour || System.getProperty("icecore.terminals", "").contains("1");
        final Clock clock = Clock.systemUTC();
        final Narrator narrator = new Narrator(spec.commandLine().getOut(), colour, terminal, clock);
        try (TourFolder folder = new TourFolder(parent);
                Icecore icecore = new Icecore(folder.store(), folder.path())) {
            final Thread cleaning = new Thread(() -> cleanUp(narrator, icecore, folder), "cleaning");
            Runtime.getRuntime().addShutdownHook(cleaning);
            try (Tour tour = new Tour(narrator, folder, icecore, clock, ZoneId.systemDefault())) {
                tour.run(Duration.ofSeconds(seconds), keep);
            } catch (final Exception ex) {
                stayStillIfInterrupted();
                if (ex instanceof TourException) {
                    narrator.failed(ex.getMessage());
                    folder.keep(TourFolder.Keep.EVERYTHING);
                    throw new TourException("the tour failed, its files are left for examination: " + folder.path());
                }
                throw ex;
            } finally {
                removeHook(cleaning);
            }
        }
        return 0;
    }

    /** After Ctrl-C: no process and no file of the tour outlives it. */
    private void cleanUp(final Narrator narrator, final Icecore icecore, final TourFolder folder) {
        interrupted.countDown();
        icecore.close();
        try {
            folder.deleteAll();
            narrator.say("Interrupted. Everything is removed again.");
        } catch (final IOException ex) {
            narrator.say("Interrupted. Could not remove %s: %s", folder.path(), ex.getMessage());
        }
    }

    /** Ctrl-C reaches the tour's processes too, and what then fails is no news. The end of this process is near. */
    private void stayStillIfInterrupted() throws InterruptedException {
        if (interrupted.await(INTERRUPTION_MILLIS, TimeUnit.MILLISECONDS)) {
            new CountDownLatch(1).await();
        }
    }

    private static void removeHook(final Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (final IllegalStateException ex) {
            return; // It runs: somebody pressed Ctrl-C.
        }
    }
}
