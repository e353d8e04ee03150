package io.icecore.store.sim.mutant;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Which test catches which mutant, and with how many seeds: a table on standard output, in the markup of the documents, and
 * the names of those that escaped.
 */
public final class MutantReport {
    private static final long SECONDS_MAX = 120;
    private static final int MESSAGE_LENGTH_MAX = 110;
    private static final String HEADER = "| what is wrong | caught by | seeds | it says |\n|---|---|---|---|\n";

    /** @param caughtBy name of the test, or null */
    private record Line(Mutant mutant, String caughtBy, long seeds, String message) {}

    private final List<Hunt> hunts;
    private final List<Line> lines = new ArrayList<>();
    private final Set<String> quiet = new HashSet<>();

    /** @param hunts in the order in which they are tried: the quick ones first */
    public MutantReport(final List<Hunt> hunts) {
        this.hunts = List.copyOf(hunts);
    }

    /** Tries all hunts until one catches the mutant. False when it escapes. */
    public boolean hunt(final Mutant mutant) {
        for (final Hunt hunt : hunts) {
            for (long seed = 1; seed <= hunt.seeds(); seed++) {
                final String message = attempt(hunt, mutant, seed);
                if (message != null) {
                    requireQuietWithoutFault(hunt, seed);
                    note(new Line(mutant, hunt.name(), seed, message));
                    return true;
                }
            }
        }
        note(new Line(mutant, null, 0, ""));
        return false;
    }

    private void note(final Line line) {
        System.out.print((lines.isEmpty() ? HEADER : "") + row(line)); // As it comes: all of them take their time.
        lines.add(line);
    }

    /** A test that cries wolf catches everything. */
    private void requireQuietWithoutFault(final Hunt hunt, final long seed) {
        if (quiet.add(hunt.name() + " " + seed)) {
            final String message = attempt(hunt, new Mutant("nothing wrong"), seed);
            if (message != null) {
                throw new IllegalStateException(
                        hunt.name() + ", seed " + seed + ", fails though nothing is wrong: " + message);
            }
        }
    }

    /** Returns what the test says when it catches the mutant, else null. One that does not end is caught, too. */
    private static String attempt(final Hunt hunt, final Mutant mutant, final long seed) {
        final FutureTask<Void> task = new FutureTask<>(() -> hunt.attempt().run(mutant, seed), null);
        final Thread thread = new Thread(task, "hunt for " + mutant);
        thread.setDaemon(true);
        thread.start();
        try {
            task.get(SECONDS_MAX, TimeUnit.SECONDS);
            return null;
        } catch (final ExecutionException ex) {
            if (ex.getCause() instanceof IllegalArgumentException notFitting
                    && String.valueOf(notFitting.getMessage()).contains("does not fit the code")) {
                throw notFitting;
            }
            return firstLine(ex.getCause());
        } catch (final TimeoutException ex) {
            return "does not end";
        } catch (final InterruptedException ex) {
            throw new IllegalStateException(ex);
        }
    }

    private static String firstLine(final Throwable failure) {
        final String text = String.valueOf(
                failure instanceof AssertionError && failure.getMessage() != null ? failure.getMessage() : failure);
        final String line = text.strip().lines().findFirst().orElse("").replace('|', '/');
        return line.length() > MESSAGE_LENGTH_MAX ? line.substring(0, MESSAGE_LENGTH_MAX) + " ..." : line;
    }

    /** Names of the mutants that no test caught. */
    public List<String> escaped() {
        return lines.stream()
                .filter(line -> line.caughtBy == null)
                .map(line -> line.mutant.name())
                .toList();
    }

    private static String row(final Line line) {
        return "| " + line.mutant + " | " + (line.caughtBy == null ? "**nothing**" : line.caughtBy) + " | "
                + (line.caughtBy == null ? "" : line.seeds) + " | " + line.message + " |\n";
    }
}
