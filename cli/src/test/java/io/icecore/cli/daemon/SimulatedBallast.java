package io.icecore.cli.daemon;

import static io.icecore.cli.daemon.SimulatedVolumes.CHUNK;

import io.icecore.volume.Export;
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

    private static final int BLOCKS_LEFT_MIN = 150;
    private static final int SAMPLES = 4;

    private final SimulatedWorld world;
    private final UnsafeBuffer bytes = new UnsafeBuffer(new byte[PIECES_AT_ONCE * PERIOD * CHUNK]);
    private boolean gaps;
    private int periods;

    SimulatedBallast(final SimulatedWorld world) {
        this.world = world;
    }

    /** Some stores are nearly full, some are worn, and some have room. */
    void fillOrNot() {
        final int kind = world.random.nextInt(3);
        if (kind == 0) {
            fill(BLOCKS_LEFT_MIN + world.random.nextInt(BLOCKS_LEFT_MIN));
        } else if (kind == 1) {
            final long free = world.store().freeBlocks();
            gaps = true;
            fill(free / 16 + world.random.nextLong(free / 8));
        }
    }

    /** Writes until so many blocks are left, and then takes the gaps out, if there are to be any. */
    private void fill(final long blocksLeft) {
        world.catalog().createVolume(NAME, world.store().info().sizeBytes());
        try (Export export = open()) {
            for (; world.store().freeBlocks() > blocksLeft; periods += PIECES_AT_ONCE) {
                fill(periods, PIECES_AT_ONCE * PERIOD);
                export.write(offset(periods), bytes, 0, bytes.capacity(), false);
            }
            for (int period = 0; gaps && period < periods; period++) {
                export.trim(offset(period) + PIECE * CHUNK, GAP * CHUNK, false);
            }
            export.flush();
        }
    }

    boolean exists() {
        return periods > 0;
    }

    private Export open() {
        return world.catalog().exports().open(NAME);
    }

    private static long offset(final int period) {
        return (long) period * PERIOD * CHUNK;
    }

    private int chunks() {
        return gaps ? PIECE : PERIOD;
    }

    private static long write(final int period, final int chunk) {
        return FIRST_WRITE + (long) period * PERIOD + chunk;
    }

    private void fill(final int period, final int chunks) {
        for (int chunk = 0; chunk < chunks; chunk++) {
            SimulatedVolumes.fill(bytes, chunk * CHUNK, write(period, chunk));
        }
    }

    /** Some piece gets its content once more, in other blocks. */
    void rewriteSome() {
        final int period = world.random.nextInt(periods);
        fill(period, chunks());
        try (Export export = open()) {
            export.write(offset(period), bytes, 0, chunks() * CHUNK, false);
        }
    }

    /** What is wrong with some of it, or null. */
    String differenceInSome() {
        String difference = null;
        for (int i = 0; difference == null && exists() && i < SAMPLES; i++) {
            difference = difference(world.random.nextInt(periods));
        }
        return difference;
    }

    /** What is wrong with any of it, or null. */
    String difference() {
        String difference = null;
        for (int period = 0; difference == null && period < periods; period++) {
            difference = difference(period);
        }
        return difference;
    }

    private String difference(final int period) {
        try (Export export = open()) {
            export.read(offset(period), bytes, 0, PERIOD * CHUNK);
        }
        for (int chunk = 0; chunk < PERIOD; chunk++) {
            final long expected = chunk < chunks() ? write(period, chunk) : 0;
            final String difference = SimulatedVolumes.difference(bytes, chunk * CHUNK, expected);
            if (difference != null) {
                return NAME + " chunk " + ((long) period * PERIOD + chunk) + ": " + difference;
            }
        }
        return null;
    }
}
