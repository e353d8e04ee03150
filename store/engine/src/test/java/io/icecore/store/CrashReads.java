package io.icecore.store;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.tree.TreeEntry;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * What is read while a {@link CrashWorkload} writes, by its own process and by another. Between a look-up and the read that
 * belongs to it anything may happen: its blocks may be freed and reused.
 */
final class CrashReads {
    private static final int WAITING_MAX = 6;

    /** What a look-up found, and its stamp. */
    private record LookUp(byte[] found, long stamp) {}

    private final CrashWorkload workload;

    /** Look-ups of the writing process that have not read their blocks yet. */
    private final List<LookUp> waiting = new ArrayList<>();

    private final TreeEntry entry = new TreeEntry();
    private final UnsafeBuffer data = new UnsafeBuffer(ByteBuffer.allocate(64 * BLOCK_LENGTH));

    /** The other process, or null. */
    private CrashReader reader;

    CrashReads(final CrashWorkload workload) {
        this.workload = workload;
    }

    void opening() {
        waiting.clear();
        reader = null;
    }

    /** Whether another process reads. */
    boolean beside() {
        return reader != null;
    }

    // ---- in the writing process

    /** A look-up, or the read that belongs to one of some time ago. */
    void readOwn() {
        if (waiting.size() < WAITING_MAX && workload.random.nextBoolean()) {
            lookUp(StoreContent.DATA_KEY + workload.random.nextInt(workload.keys));
        } else if (!waiting.isEmpty()) {
            read(waiting.remove(workload.random.nextInt(waiting.size())));
        }
    }

    private void lookUp(final long key) {
        final long stamp = workload.store.stamp();
        if (workload.store.head().get(StoreContent.hi(key), StoreContent.lo(key), entry)) {
            waiting.add(new LookUp(StoreContent.valueOf(entry), stamp));
        }
    }

    private void read(final LookUp lookUp) {
        final long block = StoreContent.blockOf(lookUp.found);
        workload.store.read(block, data, 0, StoreContent.countOf(lookUp.found));
        final boolean unchanged = workload.store.unchangedSince(lookUp.stamp);
        if (unchanged && !StoreContent.dataMatches(lookUp.found, data)) {
            throw new AssertionError("block " + block + " was reused under a look-up: " + workload.replay);
        }
        workload.see(unchanged ? "read after a look-up" : "look-up too old to be read");
    }

    // ---- in another process

    /** It reads, from where it stands or from the newest commit. */
    void read() {
        if (reader == null || workload.random.nextInt(8) == 0) {
            openReader();
        }
        workload.see(
                reader.read(workload.random, workload.keys, workload.cuts)
                        ? "read beside the writer"
                        : "reader moved on");
    }

    private void openReader() {
        workload.see("reader opened");
        reader = new CrashReader(workload.device, workload.replay);
    }

    // ---- in both

    /** Looks up some data, here and there, to be read by {@link #readAll} after a while. */
    void lookUpAll() {
        if (reader == null) {
            openReader();
        }
        for (final Map.Entry<Long, byte[]> there : workload.now()
                .trees
                .get(StoreContent.HEAD)
                .subMap(StoreContent.DATA_KEY, StoreContent.BALLAST_KEY)
                .entrySet()) {
            if (waiting.size() < WAITING_MAX) {
                lookUp(there.getKey());
            }
            reader.lookUp(there.getKey());
        }
    }

    void readAll() {
        waiting.forEach(this::read);
        waiting.clear();
        if (reader != null) {
            reader.readLookedUp().forEach(workload::see);
        }
    }
}
