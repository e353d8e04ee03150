package io.icecore.cli.tour;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * An endless sequence of writes that two processes know without talking to each other: whoever knows how many were made
 * knows every byte of the disk.
 */
final class WriteSequence {
    static final int CHUNK = 4096;
    static final int CHUNKS = 400;
    private static final int CHUNKS_PER_WRITE_MAX = 12;
    private static final long ODD = 0x9E37_79B9_7F4A_7C15L;

    private final long seed;

    /** The last write to each chunk after {@link #made} writes. */
    private final int[] last = new int[CHUNKS];

    private int made;

    WriteSequence(final long seed) {
        this.seed = seed;
    }

    private SplittableRandom throwsOf(final int ordinal) {
        return new SplittableRandom(seed + ordinal * ODD);
    }

    /** First chunk and count of chunks of a write. */
    int[] range(final int ordinal) {
        final SplittableRandom random = throwsOf(ordinal);
        final int count = 1 + random.nextInt(CHUNKS_PER_WRITE_MAX);
        return new int[] {random.nextInt(CHUNKS - count + 1), count};
    }

    ByteBuffer content(final int ordinal) {
        final int[] range = range(ordinal);
        final ByteBuffer content = ByteBuffer.allocateDirect(range[1] * CHUNK);
        for (int i = 0; i < range[1]; i++) {
            for (int word = 0; word < CHUNK / Long.BYTES; word++) {
                content.putLong(word(range[0] + i, ordinal, word));
            }
        }
        return content.flip();
    }

    private static long word(final int chunk, final int ordinal, final int word) {
        final long name = (long) chunk << 32 | ordinal;
        return word == 0 ? name : (name + word) * ODD;
    }

    /** What is wrong with the disk as it should be after so many writes, or null. */
    synchronized String difference(final ByteBuffer disk, final int ordinal) {
        if (ordinal < made) {
            Arrays.fill(last, 0);
            made = 0;
        }
        while (made < ordinal) {
            final int[] range = range(++made);
            Arrays.fill(last, range[0], range[0] + range[1], made);
        }
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            for (int word = 0; word < CHUNK / Long.BYTES; word++) {
                final long found = disk.getLong(chunk * CHUNK + word * Long.BYTES);
                if (found != (last[chunk] == 0 ? 0 : word(chunk, last[chunk], word))) {
                    return "chunk " + chunk + " of the disk after write " + ordinal + " holds "
                            + Long.toHexString(found) + " at byte " + word * Long.BYTES + " (expected: write "
                            + last[chunk] + ")";
                }
            }
        }
        return null;
    }
}
