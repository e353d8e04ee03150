package io.icecore.cli.tour;

import java.time.Duration;
import java.time.Instant;
import java.util.Locale;

/** What must hold of a disk that was read back. A proof that fails says which disk, what it is and what it should be. */
final class Proof {
    /** A snapshot's time stamp and the moment that it holds may differ by this much, on a machine that is busy. */
    private static final Duration TOLERANCE = Duration.ofSeconds(2);

    private Proof() {}

    /** The disk is one that there was. */
    static void requireMatch(final String export, final Comparison comparison) {
        if (!comparison.matches()) {
            throw new TourException(export + " is nothing that the disk ever was: " + comparison.difference());
        }
    }

    /** The disk is what it was after one of these writes. */
    static void requireWithin(
            final String export, final Comparison comparison, final int firstState, final int lastState) {
        requireMatch(export, comparison);
        final int state = comparison.states().nextSetBit(firstState);
        if (state < 0 || state > lastState) {
            throw new TourException(String.format(
                    Locale.ROOT,
                    "%s is the disk as after write %,d (expected: %,d to %,d)",
                    export,
                    comparison.lastState(),
                    firstState,
                    lastState));
        }
    }

    /** Two checksums, computed independently, are the same. */
    static void requireSame(final String export, final String actual, final String expected) {
        if (!actual.equals(expected)) {
            throw new TourException("SHA-256 of " + export + ": " + actual + " (expected: " + expected + ")");
        }
    }

    /** A snapshot taken at {@code created} holds what the disk was from {@code begin} to {@code end}. */
    static void requireTaken(final String export, final Instant created, final Instant begin, final Instant end) {
        if (begin.isAfter(created.plus(TOLERANCE)) || end.isBefore(created.minus(TOLERANCE))) {
            throw new TourException(String.format(
                    "%s was taken at %s but holds the disk as it was from %s to %s", export, created, begin, end));
        }
    }
}
