package io.icecore.store.sim;

import io.icecore.store.device.NoSpaceException;
import io.icecore.store.device.StoreException;
import java.util.ArrayList;
import java.util.List;
import org.agrona.collections.LongHashSet;

/**
 * Which operations of a {@link SimBlockDevice} fail. Ordinals count from 0 since the device was made, as its counters
 * do: {@code plan.failWrite(device.writes())} fails the next write. Thread-safe.
 */
public final class FaultPlan {
    private record Range(long position, long length) {
        boolean overlaps(final long otherPosition, final long otherLength) {
            return otherPosition < position + length && position < otherPosition + otherLength;
        }
    }

    private final LongHashSet reads = new LongHashSet();
    private final LongHashSet writes = new LongHashSet();
    private final LongHashSet flushes = new LongHashSet();
    private final List<Range> unreadable = new ArrayList<>();
    private final List<Range> unwritable = new ArrayList<>();
    private long firstRefusedWrite = Long.MAX_VALUE;
    private boolean gone;
    private volatile boolean empty = true;

    FaultPlan() {}

    public synchronized FaultPlan failRead(final long ordinal) {
        empty = false;
        reads.add(ordinal);
        return this;
    }

    /** A prefix of this write lands nevertheless, chosen by the device's seed. */
    public synchronized FaultPlan failWrite(final long ordinal) {
        empty = false;
        writes.add(ordinal);
        return this;
    }

    /**
     * This flush fails, and drops some of the sectors that it should have made durable, chosen by the device's seed: they
     * are clean from then on. Reads go on showing them, {@code readMedium} does not, and the next flush succeeds, all as
     * on Linux.
     */
    public synchronized FaultPlan failFlush(final long ordinal) {
        empty = false;
        flushes.add(ordinal);
        return this;
    }

    /** Reads that touch this range fail until {@link #clear()}. */
    public synchronized FaultPlan failReadsWithin(final long position, final long length) {
        empty = false;
        unreadable.add(new Range(position, length));
        return this;
    }

    /** Writes that touch this range fail, changing nothing, until {@link #clear()}. */
    public synchronized FaultPlan failWritesWithin(final long position, final long length) {
        empty = false;
        unwritable.add(new Range(position, length));
        return this;
    }

    /** From this write on there is no space: {@link NoSpaceException}, nothing changed, until {@link #clear()}. */
    public synchronized FaultPlan refuseWritesFrom(final long ordinal) {
        empty = false;
        firstRefusedWrite = ordinal;
        return this;
    }

    /** Whether writes will be refused for want of space, now or later. */
    public synchronized boolean refusesWrites() {
        return firstRefusedWrite < Long.MAX_VALUE;
    }

    /** The device is gone: whatever is asked of it fails, until {@link #clear()}. */
    public synchronized FaultPlan failEverything() {
        empty = false;
        gone = true;
        return this;
    }

    /** Nothing fails any more. */
    public synchronized void clear() {
        reads.clear();
        writes.clear();
        flushes.clear();
        unreadable.clear();
        unwritable.clear();
        firstRefusedWrite = Long.MAX_VALUE;
        gone = false;
        empty = true;
    }

    void onRead(final long ordinal, final long position, final long length) {
        if (empty) {
            return;
        }
        synchronized (this) {
            requireThere();
            if (reads.contains(ordinal) || touches(unreadable, position, length)) {
                throw new StoreException("planned failure of read " + ordinal + " at position " + position);
            }
        }
    }

    /** Throws where nothing of the write lands. Returns whether it is to fail having landed in part. */
    boolean onWrite(final long ordinal, final long position, final long length) {
        if (empty) {
            return false;
        }
        synchronized (this) {
            requireThere();
            if (ordinal >= firstRefusedWrite) {
                throw new NoSpaceException("planned lack of space at write " + ordinal + ", position " + position);
            }
            if (touches(unwritable, position, length)) {
                throw new StoreException("planned failure of write " + ordinal + " at position " + position);
            }
            return writes.contains(ordinal);
        }
    }

    /** Returns whether this flush is to fail. */
    boolean onFlush(final long ordinal) {
        if (empty) {
            return false;
        }
        synchronized (this) {
            return gone || flushes.contains(ordinal);
        }
    }

    private void requireThere() {
        if (gone) {
            throw new StoreException("planned disappearance of the device");
        }
    }

    private static boolean touches(final List<Range> ranges, final long position, final long length) {
        for (final Range range : ranges) {
            if (range.overlaps(position, length)) {
                return true;
            }
        }
        return false;
    }
}
