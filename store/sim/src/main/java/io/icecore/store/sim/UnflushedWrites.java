package io.icecore.store.sim;

import static io.icecore.store.device.BlockDevice.SECTOR_LENGTH;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.agrona.collections.LongHashSet;

/**
 * The writes that no completed flush covers, in the order they were made.
 *
 * <p>Numbered from 0 for ever; a flush covers those below the {@link #end()} at its start.
 */
final class UnflushedWrites {
    /** Made but not flushed: the bytes at {@code position}, whole sectors, never changed again. */
    record Write(long position, byte[] bytes) {
        int sectorCount() {
            return bytes.length / SECTOR_LENGTH;
        }

        long sector(final int index) {
            return position / SECTOR_LENGTH + index;
        }
    }

    private final List<Write> writes;
    private long first;

    UnflushedWrites() {
        this.writes = new ArrayList<>();
    }

    private UnflushedWrites(final UnflushedWrites source) {
        this.writes = new ArrayList<>(source.writes);
        this.first = source.first;
    }

    UnflushedWrites copy() {
        return new UnflushedWrites(this);
    }

    /** {@code bytes} must not change any more. */
    void add(final long position, final byte[] bytes) {
        if (bytes.length > 0) {
            writes.add(new Write(position, bytes));
        }
    }

    /** The number of the oldest of these writes, if there is one. */
    long start() {
        return first;
    }

    /** The number of the next write. */
    long end() {
        return first + writes.size();
    }

    /** The writes below {@code end} are durable. */
    void removeBefore(final long end) {
        if (end > first) {
            writes.subList(0, (int) (end - first)).clear();
            first = end;
        }
    }

    /**
     * Forgets some sectors of the writes below {@code end}, at least one if there is any: they are not dirty any more.
     * {@code device} goes back to what {@code medium} has there.
     */
    void dropSectors(final long end, final PageMap medium, final PageMap device, final SplittableRandom random) {
        if (end <= first) {
            return;
        }
        final int covered = (int) (end - first);
        final LongHashSet dropped = throwSectorsToDrop(covered, random);
        final List<Write> kept = new ArrayList<>();
        for (final Write write : writes.subList(0, covered)) {
            keepRuns(write, dropped, kept);
        }
        final List<Write> later = List.copyOf(writes.subList(covered, writes.size()));
        writes.clear();
        writes.addAll(kept);
        first = end - kept.size(); // Numbers from end on stay as they are: flushes under way know them.
        writes.addAll(later);

        final byte[] sectorBytes = new byte[SECTOR_LENGTH];
        final LongHashSet.LongIterator iterator = dropped.iterator();
        while (iterator.hasNext()) {
            final long position = iterator.nextValue() * SECTOR_LENGTH;
            medium.read(position, sectorBytes, 0, SECTOR_LENGTH);
            device.write(position, sectorBytes, 0, SECTOR_LENGTH);
        }
        later.forEach(write -> device.write(write.position, write.bytes, 0, write.bytes.length));
    }

    private LongHashSet throwSectorsToDrop(final int covered, final SplittableRandom random) {
        final LongHashSet dropped = new LongHashSet();
        final Write unlucky = writes.get(random.nextInt(covered));
        dropped.add(unlucky.sector(random.nextInt(unlucky.sectorCount())));
        final int oddsOutOfEight = new int[] {0, 1, 4, 8}[random.nextInt(4)];
        for (final Write write : writes.subList(0, covered)) {
            for (int index = 0; index < write.sectorCount(); index++) {
                if (random.nextInt(8) < oddsOutOfEight) {
                    dropped.add(write.sector(index));
                }
            }
        }
        return dropped;
    }

    private static void keepRuns(final Write write, final LongHashSet dropped, final List<Write> kept) {
        int runStart = 0;
        for (int index = 0; index <= write.sectorCount(); index++) {
            if (index == write.sectorCount() || dropped.contains(write.sector(index))) {
                if (index > runStart) {
                    final byte[] run = new byte[(index - runStart) * SECTOR_LENGTH];
                    System.arraycopy(write.bytes, runStart * SECTOR_LENGTH, run, 0, run.length);
                    kept.add(new Write(write.sector(runStart) * SECTOR_LENGTH, run));
                }
                runStart = index + 1;
            }
        }
    }

    /** In the order they were made. */
    List<Write> inOrder() {
        return writes;
    }
}
