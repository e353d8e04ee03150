package io.icecore.volume;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.icecore.store.commit.CommitParticipant;
import io.icecore.store.device.StoreException;
import java.util.Map;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * What volumes keep in the superblock: state that changes with every write and would cost leaves in every commit.
 *
 * <pre>
 * offset  size    field     content
 * ------  ------  --------  --------------------------------------------------------------------
 *      0       1  version   {@value #VERSION}
 *      1       1  branches  count, at most {@value #BRANCHES_MAX}
 *      2       2  regions   count
 *      4  28 * b  counters  of branches: number (4), written (8), died (8), mapped (8)
 *         12 * r  log       of regions set in heads: branch (4), first chunk (6), chunks (2)
 * </pre>
 *
 * <p>The notes of a commit replace those of the one before. Counters take the place of those in the branch's record;
 * the log is added to the bitmaps of the heads. What does not fit is written to the trees first.
 */
final class CommitNotes implements CommitParticipant {
    static final int VERSION = 1;
    static final int BRANCHES_MAX = 16;

    static final int BRANCHES_OFFSET = 1;
    static final int REGIONS_OFFSET = 2;
    static final int HEADER_LENGTH = 4;
    static final int COUNTERS_LENGTH = 28;
    static final int RUN_LENGTH = 12;
    private static final int RUN_CHUNKS_MAX = 0xFFFF;

    private final Branches branches;
    private final RegionLog log;
    private final Regions regions;
    private final Runnable onLoad;
    private volatile Throwable failure;
    private volatile VolumeNotes arrived;

    /** @param onLoad told when another generation has been opened, before its notes are taken */
    CommitNotes(final Branches branches, final RegionLog log, final Regions regions, final Runnable onLoad) {
        this.branches = branches;
        this.log = log;
        this.regions = regions;
        this.onLoad = onLoad;
    }

    /**
     * A change of several steps broke off: the trees in memory contradict each other, and no commit may make that
     * durable. Only a reopen helps.
     */
    void poison(final Throwable cause) {
        if (failure == null) {
            failure = cause;
        }
    }

    @Override
    public void ensureUsable() {
        if (failure != null) {
            throw new StoreException("store: a change failed half-way, reopen it: " + failure.getMessage(), failure);
        }
    }

    @Override
    public int beforeCommit(final MutableDirectBuffer notes) {
        ensureUsable();
        if (branches.restless().size() + branches.unclaimed().size() > BRANCHES_MAX) {
            branches.settleAll();
        }
        final int branchCount =
                branches.restless().size() + branches.unclaimed().size();
        final int logIndex = HEADER_LENGTH + branchCount * COUNTERS_LENGTH;
        int runCount = logEntries();
        if (logIndex + runCount * RUN_LENGTH > NOTES_LENGTH_MAX) {
            regions.foldAll();
            runCount = 0;
        }
        notes.putByte(0, (byte) VERSION);
        notes.putByte(BRANCHES_OFFSET, (byte) branchCount);
        notes.putShort(REGIONS_OFFSET, (short) runCount, LITTLE_ENDIAN);
        putCounters(notes);
        putLog(notes, logIndex);
        return logIndex + runCount * RUN_LENGTH;
    }

    private void putCounters(final MutableDirectBuffer notes) {
        int at = HEADER_LENGTH;
        for (final Branch branch : branches.restless()) {
            at = putCounters(notes, at, branch.number, branch.writtenChunks, branch.diedChunks, branch.mappedChunks);
        }
        for (final Map.Entry<Long, long[]> entry : branches.unclaimed().entrySet()) {
            final long[] counters = entry.getValue();
            at = putCounters(notes, at, entry.getKey(), counters[0], counters[1], counters[2]);
        }
    }

    private static int putCounters(
            final MutableDirectBuffer notes,
            final int at,
            final long branch,
            final long written,
            final long died,
            final long mapped) {
        notes.putInt(at, (int) branch, LITTLE_ENDIAN);
        notes.putLong(at + 4, written, LITTLE_ENDIAN);
        notes.putLong(at + 12, died, LITTLE_ENDIAN);
        notes.putLong(at + 20, mapped, LITTLE_ENDIAN);
        return at + COUNTERS_LENGTH;
    }

    private int logEntries() {
        if (log.runCount() * RUN_LENGTH > NOTES_LENGTH_MAX) {
            return log.runCount(); // Too many, whatever their lengths.
        }
        final long[] entries = {0};
        log.forEach((branch, from, end) -> entries[0] += (end - from + RUN_CHUNKS_MAX - 1) / RUN_CHUNKS_MAX);
        return (int) Math.min(entries[0], NOTES_LENGTH_MAX);
    }

    private void putLog(final MutableDirectBuffer notes, final int index) {
        final int[] at = {index};
        log.forEach((branch, from, end) -> {
            for (long chunk = from; chunk < end; chunk += RUN_CHUNKS_MAX) {
                notes.putInt(at[0], (int) branch, LITTLE_ENDIAN);
                notes.putInt(at[0] + 4, (int) chunk, LITTLE_ENDIAN);
                notes.putShort(at[0] + 8, (short) (chunk >>> 32), LITTLE_ENDIAN);
                notes.putShort(at[0] + 10, (short) Math.min(end - chunk, RUN_CHUNKS_MAX), LITTLE_ENDIAN);
                at[0] += RUN_LENGTH;
            }
        });
    }

    /**
     * {@inheritDoc} Of a store opened read-only this comes in the midst of somebody's lookup, on any thread and without the
     * lock: what has arrived is taken by whoever has the lock next.
     */
    @Override
    public void loadNotes(final DirectBuffer notes, final int length) {
        arrived = VolumeNotes.decode(notes, length);
        branches.forgetLineages();
    }

    /** Forgets what is known of the generation before and takes over the notes of the one opened. Under the lock. */
    void takeArrived() {
        final VolumeNotes decoded = arrived;
        if (decoded != null) {
            arrived = null;
            onLoad.run();
            branches.clear();
            log.clear();
            branches.unclaimed().putAll(decoded.counters());
            decoded.regions().forEach(run -> log.add(run.branch(), run.from(), run.end()));
        }
    }
}
