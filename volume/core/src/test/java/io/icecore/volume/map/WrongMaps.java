package io.icecore.volume.map;

import org.agrona.DirectBuffer;

/** What mutants call in place of the maps' own methods. */
public final class WrongMaps {
    private static final long LATE = 5;

    private WrongMaps() {}

    /** Nobody needs zeroes, does he? */
    public static void putUnlessZeroes(
            final HistoryMap history,
            final long branch,
            final long chunk,
            final int length,
            final long birth,
            final long death,
            final long block,
            final DirectBuffer checksums,
            final int index) {
        if (block != ExtentLayout.ZEROES) {
            history.put(branch, chunk, length, birth, death, block, checksums, index);
        }
    }

    /** The version is seen by one snapshot too many. */
    public static void putDyingLate(
            final HistoryMap history,
            final long branch,
            final long chunk,
            final int length,
            final long birth,
            final long death,
            final long block,
            final DirectBuffer checksums,
            final int index) {
        history.put(branch, chunk, length, birth, death + 1, block, checksums, index);
    }

    /** The version is seen by one snapshot too few. */
    public static void putDyingEarly(
            final HistoryMap history,
            final long branch,
            final long chunk,
            final int length,
            final long birth,
            final long death,
            final long block,
            final DirectBuffer checksums,
            final int index) {
        history.put(branch, chunk, length, birth, Math.max(birth + 1, death - 1), block, checksums, index);
    }

    /** An inherited version counts as written lately. */
    public static void putBornLate(
            final HeadMap head,
            final long branch,
            final long chunk,
            final int length,
            final long birth,
            final long block,
            final DirectBuffer checksums,
            final int index) {
        head.put(branch, chunk, length, LATE, block, checksums, index);
    }

    public static void putBornLate(
            final HistoryMap history,
            final long branch,
            final long chunk,
            final int length,
            final long birth,
            final long death,
            final long block,
            final DirectBuffer checksums,
            final int index) {
        history.put(branch, chunk, length, birth, death, block, checksums, index);
    }
}
