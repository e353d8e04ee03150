package io.icecore.volume.iscsi;

import io.icecore.store.device.StoreException;
import io.icecore.volume.Export;
import io.icecore.volume.ExportTable;
import io.icecore.volume.NoSuchException;
import io.icecore.volume.ReadOnlyException;
import io.icecore.volume.WriteBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/** Volumes and snapshots in memory, of 4 KiB chunks that exist once they are written. */
public final class InMemoryExports implements ExportTable {
    private static final int CHUNK = 4096;
    private static final byte[] ZEROES = new byte[CHUNK];

    private final Map<String, Volume> volumes = new TreeMap<>();
    /** Uses of exports that have not been closed. */
    public final AtomicInteger open = new AtomicInteger();

    public final AtomicInteger flushes = new AtomicInteger();

    /** Writes that each batch held. */
    public final List<Integer> batches = new CopyOnWriteArrayList<>();

    /** Writes done, and how many of them had been when the last flush came. */
    public final AtomicInteger writes = new AtomicInteger();

    public final AtomicInteger writesBeforeFlush = new AtomicInteger();

    private volatile long failingOffset = -1;
    private volatile RuntimeException openFailure;

    private volatile CountDownLatch release = new CountDownLatch(0);
    private final Semaphore held = new Semaphore(0);

    /** Writes stop inside the export until {@link #releaseWrites}. */
    public void holdWrites() {
        release = new CountDownLatch(1);
    }

    public void awaitHeldWrite() throws InterruptedException {
        held.acquire();
    }

    public void releaseWrites() {
        release.countDown();
    }

    /** What the list of exports, and opening one, throws from now on. */
    public void failToOpenWith(final RuntimeException failure) {
        openFailure = failure;
    }

    /** A write that begins at this offset fails, by itself or in a batch. */
    public void failWritesAt(final long offset) {
        failingOffset = offset;
    }

    private record Volume(
            String id, boolean readOnly, long[] size, ConcurrentMap<Long, byte[]> chunks, RuntimeException[] failure) {}

    public InMemoryExports addVolume(final String name, final long size) {
        final Volume volume =
                new Volume("id-" + name, false, new long[] {size}, new ConcurrentHashMap<>(), new RuntimeException[1]);
        volumes.put(name, volume);
        return this;
    }

    public void addSnapshot(final String volume, final String snapshot) {
        final Volume from = volumes.get(volume);
        final ConcurrentMap<Long, byte[]> chunks = new ConcurrentHashMap<>(from.chunks);
        final String name = volume + '@' + snapshot;
        volumes.put(name, new Volume("id-" + name, true, from.size.clone(), chunks, new RuntimeException[1]));
    }

    public void resize(final String name, final long size) {
        volumes.get(name).size[0] = size;
    }

    /** What every request on the export throws from now on; null for none. */
    public void failWith(final String name, final RuntimeException failure) {
        volumes.get(name).failure[0] = failure;
    }

    @Override
    public List<String> names(final int snapshotsMax) {
        requireOpens();
        return new ArrayList<>(volumes.keySet());
    }

    @Override
    public Export open(final String spec) {
        requireOpens();
        final Volume volume = volumes.get(spec);
        if (volume == null) {
            throw new NoSuchException("no such volume: " + spec);
        }
        open.incrementAndGet();
        return new InMemoryExport(spec, volume);
    }

    private void requireOpens() {
        if (openFailure != null) {
            throw openFailure;
        }
    }

    private final class InMemoryExport implements Export {
        private final String name;
        private final Volume volume;
        private boolean closed;

        InMemoryExport(final String name, final Volume volume) {
            this.name = name;
            this.volume = volume;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public String id() {
            return volume.id;
        }

        @Override
        public long size() {
            return volume.size[0];
        }

        @Override
        public boolean readOnly() {
            return volume.readOnly;
        }

        private void awaitRelease() {
            if (release.getCount() > 0) {
                held.release();
                try {
                    release.await();
                } catch (final InterruptedException ex) {
                    throw new IllegalStateException(ex);
                }
            }
        }

        private void check(final long offset, final long length, final boolean changes) {
            if (volume.failure[0] != null) {
                throw volume.failure[0];
            }
            if (offset < 0 || length < 0 || offset + length > size()) {
                throw new IllegalArgumentException("range: " + offset + "+" + length);
            }
            if (changes && volume.readOnly) {
                throw new ReadOnlyException("read-only: " + name);
            }
        }

        @Override
        public void read(final long offset, final MutableDirectBuffer target, final int index, final int length) {
            check(offset, length, false);
            for (int done = 0; done < length; ) {
                final long at = offset + done;
                final int within = (int) (at % CHUNK);
                final int part = Math.min(CHUNK - within, length - done);
                target.putBytes(index + done, volume.chunks.getOrDefault(at / CHUNK, ZEROES), within, part);
                done += part;
            }
        }

        @Override
        public void write(
                final long offset, final DirectBuffer source, final int index, final int length, final boolean fua) {
            check(offset, length, true);
            awaitRelease();
            if (offset == failingOffset) {
                throw new StoreException("write of " + length + " bytes at offset " + offset + " failed");
            }
            for (int done = 0; done < length; ) {
                final long at = offset + done;
                final int from = index + done;
                final int within = (int) (at % CHUNK);
                final int part = Math.min(CHUNK - within, length - done);
                volume.chunks.compute(at / CHUNK, (number, old) -> {
                    final byte[] chunk = old == null ? new byte[CHUNK] : old.clone();
                    source.getBytes(from, chunk, within, part);
                    return chunk;
                });
                done += part;
            }
            writes.incrementAndGet();
            if (fua) {
                flushes.incrementAndGet();
            }
        }

        @Override
        public void write(final WriteBatch batch) {
            batches.add(batch.writeCount());
            Export.super.write(batch);
        }

        @Override
        public synchronized int compareAndWrite(
                final long offset, final DirectBuffer expected, final int index, final int length, final boolean fua) {
            final MutableDirectBuffer found = new UnsafeBuffer(new byte[length]);
            read(offset, found, 0, length);
            for (int i = 0; i < length; i++) {
                if (found.getByte(i) != expected.getByte(index + i)) {
                    return i;
                }
            }
            write(offset, expected, index + length, length, fua);
            return -1;
        }

        @Override
        public void zero(final long offset, final long length, final boolean allocate, final boolean fua) {
            check(offset, length, true);
            for (long done = 0; done < length; ) {
                final long at = offset + done;
                final int within = (int) (at % CHUNK);
                final int part = (int) Math.min(CHUNK - within, length - done);
                volume.chunks.computeIfPresent(at / CHUNK, (number, old) -> {
                    if (part == CHUNK && !allocate) {
                        return null;
                    }
                    final byte[] chunk = old.clone();
                    Arrays.fill(chunk, within, within + part, (byte) 0);
                    return chunk;
                });
                done += part;
            }
        }

        @Override
        public void trim(final long offset, final long length, final boolean fua) {
            check(offset, length, true);
            for (long chunk = (offset + CHUNK - 1) / CHUNK; chunk < (offset + length) / CHUNK; chunk++) {
                volume.chunks.remove(chunk);
            }
        }

        @Override
        public void flush() {
            check(0, 0, false);
            writesBeforeFlush.set(writes.get());
            flushes.incrementAndGet();
        }

        @Override
        public void cache(final long offset, final long length) {
            check(offset, length, false);
        }

        @Override
        public void extents(final long offset, final long length, final ExtentVisitor visitor) {
            check(offset, length, false);
            long at = offset;
            final long end = offset + length;
            for (final long chunk : new ConcurrentSkipListMap<>(volume.chunks)
                    .tailMap(offset / CHUNK)
                    .keySet()) {
                final long from = Math.max(at, chunk * CHUNK);
                final long to = Math.min(end, (chunk + 1) * CHUNK);
                if (from >= end) {
                    break;
                }
                if (from > at && !visitor.extent(at, from - at, true)) {
                    return;
                }
                if (!visitor.extent(from, to - from, false)) {
                    return;
                }
                at = to;
            }
            if (at < end) {
                visitor.extent(at, end - at, true);
            }
        }

        @Override
        public synchronized void close() {
            if (!closed) {
                closed = true;
                open.decrementAndGet();
            }
        }
    }
}
