package io.icecore.volume.nbd;

import io.icecore.store.device.NoSpaceException;
import io.icecore.volume.Export;
import io.icecore.volume.IoRequest;
import io.icecore.volume.ReadOnlyException;
import io.icecore.volume.WriteBatch;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.BitUtil;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * An export in memory, for the tests of the servers: thin (chunks that were never written read as zeroes and are
 * reported as such), counting, and with a place to put failures and delays.
 */
final class MemoryExport implements Export {
    static final int CHUNK_LENGTH = 4096;

    /** Runs before every data method; may throw what the method is to fail with, or wait. */
    interface Hook {
        void before(String method, long offset, long length);
    }

    final AtomicInteger opens = new AtomicInteger();
    /** Requests that found the store full; null: such requests fail. */
    volatile Queue<IoRequest> putAside;

    final AtomicInteger flushes = new AtomicInteger();
    final AtomicInteger durableWrites = new AtomicInteger();
    final AtomicInteger batchedWrites = new AtomicInteger();
    volatile Hook hook = (method, offset, length) -> {};

    private final String name;
    private final boolean readOnly;
    private final UnsafeBuffer bytes;
    private final byte[] mapped;

    MemoryExport(final String name, final int size, final boolean readOnly) {
        this.name = name;
        this.readOnly = readOnly;
        bytes = new UnsafeBuffer(new byte[size]);
        mapped = new byte[size / CHUNK_LENGTH];
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String id() {
        return "memory/" + name;
    }

    @Override
    public long size() {
        return bytes.capacity();
    }

    @Override
    public boolean readOnly() {
        return readOnly;
    }

    @Override
    public void read(final long offset, final MutableDirectBuffer target, final int index, final int length) {
        hook.before("read", offset, length);
        target.putBytes(index, bytes, (int) offset, length);
    }

    @Override
    public void write(
            final long offset, final DirectBuffer source, final int index, final int length, final boolean fua) {
        changing("write", offset, length, fua);
        bytes.putBytes((int) offset, source, index, length);
        map(offset, length, true);
    }

    @Override
    public void write(final WriteBatch batch) {
        batchedWrites.addAndGet(batch.writeCount());
        Export.super.write(batch);
    }

    @Override
    public int compareAndWrite(
            final long offset, final DirectBuffer expected, final int index, final int length, final boolean fua) {
        throw new AssertionError("NBD has no such request");
    }

    @Override
    public void zero(final long offset, final long length, final boolean allocate, final boolean fua) {
        changing("zero", offset, length, fua);
        bytes.setMemory((int) offset, (int) length, (byte) 0);
        if (allocate) {
            map(offset, length, true);
        } else {
            mapWholeChunks(offset, length, false);
        }
    }

    @Override
    public void trim(final long offset, final long length, final boolean fua) {
        changing("trim", offset, length, fua);
        final long start = BitUtil.align(offset, CHUNK_LENGTH);
        final long end = (offset + length) / CHUNK_LENGTH * CHUNK_LENGTH;
        if (end > start) {
            bytes.setMemory((int) start, (int) (end - start), (byte) 0);
            map(start, end - start, false);
        }
    }

    @Override
    public void flushAhead() {
        flush();
    }

    @Override
    public void flush() {
        hook.before("flush", 0, 0);
        flushes.incrementAndGet();
    }

    @Override
    public void cache(final long offset, final long length) {
        hook.before("cache", offset, length);
    }

    @Override
    public void extents(final long offset, final long length, final ExtentVisitor visitor) {
        hook.before("extents", offset, length);
        final long end = offset + length;
        long start = offset;
        while (start < end) {
            final byte kind = mapped[(int) (start / CHUNK_LENGTH)];
            long next = (start / CHUNK_LENGTH + 1) * CHUNK_LENGTH;
            while (next < end && mapped[(int) (next / CHUNK_LENGTH)] == kind) {
                next += CHUNK_LENGTH;
            }
            next = Math.min(next, end);
            if (!visitor.extent(start, next - start, kind == 0)) {
                return;
            }
            start = next;
        }
    }

    @Override
    public boolean putAside(final IoRequest request, final NoSpaceException failure) {
        return putAside != null && putAside.add(request);
    }

    @Override
    public void close() {
        opens.decrementAndGet();
    }

    private void changing(final String method, final long offset, final long length, final boolean fua) {
        if (readOnly) {
            throw new ReadOnlyException(name + " is a snapshot");
        }
        hook.before(method, offset, length);
        if (fua) {
            durableWrites.incrementAndGet();
        }
    }

    private void map(final long offset, final long length, final boolean data) {
        for (long chunk = offset / CHUNK_LENGTH; chunk * CHUNK_LENGTH < offset + length; chunk++) {
            mapped[(int) chunk] = (byte) (data ? 1 : 0);
        }
    }

    private void mapWholeChunks(final long offset, final long length, final boolean data) {
        final long start = BitUtil.align(offset, CHUNK_LENGTH);
        final long end = (offset + length) / CHUNK_LENGTH * CHUNK_LENGTH;
        if (end > start) {
            map(start, end - start, data);
        }
    }
}
