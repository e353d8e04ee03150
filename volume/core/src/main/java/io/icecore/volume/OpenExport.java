package io.icecore.volume;

import io.icecore.store.device.NoSpaceException;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.volume.map.Extent;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/** An export in use. Its volume or snapshot cannot be deleted until it is closed and its last request has ended. */
final class OpenExport implements Export {
    private static final long CLOSED = Long.MIN_VALUE;

    private final Volumes volumes;
    private final VolumeRecord volume;
    private final ReadPoint point;
    private final long branch;
    private final long epoch;
    private final long snapshotSize;
    private final boolean readOnly;

    /** Requests under way; {@link #CLOSED} is added when the export is closed. */
    private final AtomicLong requests = new AtomicLong();

    private final AtomicBoolean released = new AtomicBoolean();

    /** @param snapshot or null: the head */
    OpenExport(final Volumes volumes, final VolumeRecord volume, final SnapshotRecord snapshot) {
        this.volumes = volumes;
        this.volume = volume;
        branch = snapshot == null ? volume.branch : snapshot.branch;
        epoch = snapshot == null ? Extent.HEAD : snapshot.epoch;
        snapshotSize = snapshot == null ? 0 : snapshot.sizeBytes;
        readOnly = snapshot != null || volumes.readOnly();
        final String name = snapshot == null ? volume.name : volume.name + "@" + snapshot.name;
        point = new ReadPoint(volumes.branches(), name, branch, epoch);
    }

    long branch() {
        return branch;
    }

    long epoch() {
        return epoch;
    }

    @Override
    public String name() {
        return point.name();
    }

    @Override
    public String id() {
        final String store = volumes.store().info().uuid().toString();
        return epoch == Extent.HEAD ? store + ".volume." + volume.id : store + "." + branch + "." + epoch;
    }

    @Override
    public long size() {
        if (epoch != Extent.HEAD) {
            return snapshotSize;
        }
        // Beside a writer a record is as old as the generation it was read from.
        return volumes.readOnly() ? volumes.look(() -> volumes.records().get(volume.id)).sizeBytes : volume.sizeBytes;
    }

    @Override
    public boolean readOnly() {
        return readOnly;
    }

    @Override
    public void read(final long offset, final MutableDirectBuffer target, final int index, final int length) {
        begin(offset, length);
        try {
            volumes.data().read(point, offset, target, index, length);
        } catch (final StoreException ex) {
            throw noted(ex);
        } finally {
            end();
        }
    }

    @Override
    public void write(
            final long offset, final DirectBuffer source, final int index, final int length, final boolean fua) {
        beginChange(offset, length);
        try {
            volumes.data().write(volume, offset, source, index, length);
            commitIf(fua);
        } catch (final CorruptStoreException ex) {
            throw noted(ex);
        } finally {
            end();
        }
    }

    @Override
    public void write(final WriteBatch batch) {
        beginChange(0, batch.endChunk() * VolumeData.CHUNK_LENGTH);
        try {
            volumes.data().write(volume, batch);
        } finally {
            end();
        }
    }

    @Override
    public int compareAndWrite(
            final long offset, final DirectBuffer expected, final int index, final int length, final boolean fua) {
        beginChange(offset, length);
        try {
            final int mismatch = volumes.data().compareAndWrite(volume, offset, expected, index, length);
            commitIf(fua && mismatch < 0);
            return mismatch;
        } finally {
            end();
        }
    }

    /** {@inheritDoc} Space is given back in both cases: in a log, keeping it would not make a later write succeed. */
    @Override
    public void zero(final long offset, final long length, final boolean allocate, final boolean fua) {
        beginChange(offset, length);
        try {
            volumes.data().zero(volume, offset, length);
            commitIf(fua);
        } finally {
            end();
        }
    }

    @Override
    public void trim(final long offset, final long length, final boolean fua) {
        beginChange(offset, length);
        try {
            volumes.data().trim(volume, offset, length);
            commitIf(fua);
        } finally {
            end();
        }
    }

    @Override
    public void flush() {
        begin(0, 0);
        try {
            commitIf(!volumes.readOnly());
        } finally {
            end();
        }
    }

    @Override
    public void flushAhead() {
        begin(0, 0);
        try {
            if (!volumes.readOnly()) {
                volumes.store().commitAhead();
            }
        } finally {
            end();
        }
    }

    @Override
    public boolean putAside(final IoRequest request, final NoSpaceException failure) {
        return volumes.waiting().add(request, failure);
    }

    private void commitIf(final boolean durable) {
        if (durable) {
            volumes.store().commit();
        }
    }

    @Override
    public void cache(final long offset, final long length) {
        begin(offset, length); // A hint. The range is checked as for every request; nothing is read ahead.
        end();
    }

    @Override
    public void extents(final long offset, final long length, final ExtentVisitor visitor) {
        begin(offset, length);
        try {
            volumes.data().extents(point, offset, length, visitor);
        } finally {
            end();
        }
    }

    /** For whoever asks how the store is doing. */
    private StoreException noted(final StoreException ex) {
        volumes.store().damage().add(ex);
        return ex;
    }

    private void beginChange(final long offset, final long length) {
        if (readOnly) {
            throw new ReadOnlyException("read-only: " + name());
        }
        begin(offset, length);
    }

    private void begin(final long offset, final long length) {
        if (offset < 0 || length < 0 || offset > size() - length) {
            throw new IllegalArgumentException("range: " + offset + "+" + length + " (expected: within the " + size()
                    + " bytes of " + name() + ")");
        }
        if (requests.incrementAndGet() < 0) {
            endUncounted();
            throw new IllegalStateException("export is closed: " + name());
        }
        volumes.requested();
    }

    private void end() {
        volumes.answered();
        endUncounted();
    }

    private void endUncounted() {
        if (requests.decrementAndGet() == CLOSED) {
            release();
        }
    }

    @Override
    public void close() {
        long now = requests.get();
        while (now >= 0) {
            if (requests.compareAndSet(now, now + CLOSED)) {
                if (now == 0) {
                    release();
                }
                return;
            }
            now = requests.get();
        }
    }

    private void release() {
        if (released.compareAndSet(false, true)) {
            volumes.released(branch, epoch);
        }
    }
}
