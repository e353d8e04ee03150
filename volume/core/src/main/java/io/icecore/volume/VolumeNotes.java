package io.icecore.volume;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.icecore.store.format.CorruptStoreException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.agrona.DirectBuffer;

/**
 * What volumes keep in a superblock, decoded; {@link CommitNotes} has the layout.
 *
 * @param counters of branches, in place of those in their records: written, died, mapped chunks
 * @param regions  set in heads, beside those in the bitmaps
 */
public record VolumeNotes(Map<Long, long[]> counters, List<Run> regions) {
    /** Chunks {@code from} to before {@code end} of a branch. */
    public record Run(long branch, long from, long end) {}

    /** @throws CorruptStoreException when lengths and counts do not agree */
    public static VolumeNotes decode(final DirectBuffer notes, final int length) {
        final Map<Long, long[]> counters = new HashMap<>();
        final List<Run> regions = new ArrayList<>();
        if (length == 0) {
            return new VolumeNotes(counters, regions); // Nothing has ever been committed by volumes.
        }
        if (length < CommitNotes.HEADER_LENGTH || notes.getByte(0) != CommitNotes.VERSION) {
            throw corrupt(
                    "length " + length + ", version " + notes.getByte(0) + " (expected: " + CommitNotes.VERSION + ")");
        }
        final int branchCount = notes.getByte(CommitNotes.BRANCHES_OFFSET);
        final int runCount = notes.getShort(CommitNotes.REGIONS_OFFSET, LITTLE_ENDIAN);
        final int logIndex = CommitNotes.HEADER_LENGTH + branchCount * CommitNotes.COUNTERS_LENGTH;
        if (branchCount < 0
                || branchCount > CommitNotes.BRANCHES_MAX
                || runCount < 0
                || logIndex + runCount * CommitNotes.RUN_LENGTH != length) {
            throw corrupt("length " + length + " for " + branchCount + " branches and " + runCount + " regions");
        }
        for (int at = CommitNotes.HEADER_LENGTH; at < logIndex; at += CommitNotes.COUNTERS_LENGTH) {
            counters.put(notes.getInt(at, LITTLE_ENDIAN) & 0xFFFF_FFFFL, new long[] {
                notes.getLong(at + 4, LITTLE_ENDIAN),
                notes.getLong(at + 12, LITTLE_ENDIAN),
                notes.getLong(at + 20, LITTLE_ENDIAN)
            });
        }
        for (int at = logIndex; at < length; at += CommitNotes.RUN_LENGTH) {
            final long low = notes.getInt(at + 4, LITTLE_ENDIAN) & 0xFFFF_FFFFL;
            final long chunk = (notes.getShort(at + 8, LITTLE_ENDIAN) & 0xFFFFL) << 32 | low;
            final int count = notes.getShort(at + 10, LITTLE_ENDIAN) & 0xFFFF;
            if (count == 0) {
                throw corrupt("an empty run in the region log");
            }
            regions.add(new Run(notes.getInt(at, LITTLE_ENDIAN) & 0xFFFF_FFFFL, chunk, chunk + count));
        }
        return new VolumeNotes(counters, regions);
    }

    private static CorruptStoreException corrupt(final String problem) {
        return new CorruptStoreException("commit notes", -1, problem);
    }
}
