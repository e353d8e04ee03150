package io.icecore.cli.daemon;

import static io.icecore.cli.daemon.SimulatedDisks.CHUNK;

import io.icecore.volume.Catalog;
import io.icecore.volume.Export;
import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * A volume that takes up most of a simulated store: all in one piece, so that the store is nearly full, or in pieces with
 * gaps between them, so that no segment is free and the cleaner has to make some. What a chunk holds follows from its place,
 * however often it is rewritten: so nothing has to be remembered of it, and a block that a cleaner mistook is noticed.
 */
final class SimulatedBallast {
    static final String NAME = "ballast";

    private static final int PIECE = 8;
    private static final int GAP = 6;
    private static final int PERIOD = PIECE + GAP;
    private static final int PIECES_AT_ONCE = 6;
    private static final long FIRST_WRITE = 1L << 40;

    private final boolean gaps;
    private final UnsafeBuffer bytes = new UnsafeBuffer(new byte[PIECES_AT_ONCE * PERIOD * CHUNK]);
    private int periods;

    /** Writes until so many blocks are left, and then takes the gaps out, if there are to be any. */
    SimulatedBallast(final Catalog catalog, final boolean gaps, final int blocksLeft) {
        this.gaps = gaps;
        catalog.createVolume(NAME, catalog.store().info().sizeBytes());
        try (Export export = catalog.exports().open(NAME)) {
            for (; catalog.store().freeBlocks() > blocksLeft; periods += PIECES_AT_ONCE) {
                for (int chunk = 0; chunk < PIECES_AT_ONCE * PERIOD; chunk++) {
                    SimulatedDisks.fill(bytes, chunk * CHUNK, FIRST_WRITE + (long) periods * PERIOD + chunk);
                }
                export.write(offset(periods), bytes, 0, bytes.capacity(), false);
            }
            for (int period = 0; gaps && period < periods; period++) {
                export.trim(offset(period) + PIECE * CHUNK, GAP * CHUNK, false);
            }
            export.flush();
        }
    }

    private static long offset(final int period) {
        return (long) period * PERIOD * CHUNK;
    }

    private int length() {
        return (gaps ? PIECE : PERIOD) * CHUNK;
    }

    /** Some piece gets its content once more, in other blocks. */
    void rewrite(final Catalog catalog, final SplittableRandom random) {
        final int period = random.nextInt(periods);
        for (int at = 0; at < length(); at += CHUNK) {
            SimulatedDisks.fill(bytes, at, FIRST_WRITE + (long) period * PERIOD + at / CHUNK);
        }
        try (Export export = catalog.exports().open(NAME)) {
            export.write(offset(period), bytes, 0, length(), false);
        }
    }

    /** What is wrong with some of it, or null. */
    String differenceInSome(final Catalog catalog, final SplittableRandom random, final int count) {
        String difference = null;
        for (int i = 0; difference == null && i < count; i++) {
            difference = difference(catalog, random.nextInt(periods));
        }
        return difference;
    }

    /** What is wrong with any of it, or null. */
    String difference(final Catalog catalog) {
        String difference = null;
        for (int period = 0; difference == null && period < periods; period++) {
            difference = difference(catalog, period);
        }
        return difference;
    }

    private String difference(final Catalog catalog, final int period) {
        try (Export export = catalog.exports().open(NAME)) {
            export.read(offset(period), bytes, 0, PERIOD * CHUNK);
        }
        for (int at = 0; at < PERIOD * CHUNK; at += CHUNK) {
            final long chunk = (long) period * PERIOD + at / CHUNK;
            final String difference = SimulatedDisks.difference(bytes, at, at < length() ? FIRST_WRITE + chunk : 0);
            if (difference != null) {
                return NAME + " chunk " + chunk + ": " + difference;
            }
        }
        return null;
    }
}
