package io.icecore.volume;

import io.icecore.volume.Moment.Content;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;

/** Clients, who write where it is likely to be told apart from the right place: in a few islands of chunks, cut anywhere. */
final class CrashClients {
    private static final int CHUNK = Moment.CHUNK;

    /** Written places: over the end of an extent's window, and over the border of two containers of regions. */
    private static final long[] ISLANDS = {40, (1 << 16) - 20};

    private static final int ISLAND_CHUNKS = 60;

    private final CrashStore store;
    private final SplittableRandom random;
    private final ChunkWrites writes;

    CrashClients(final CrashStore store, final ChunkWrites writes) {
        this.store = store;
        random = store.random;
        this.writes = writes;
        store.others = this::writeMeanwhile;
    }

    /** The same, in what a crash left. */
    CrashClients after(final CrashStore left) {
        return new CrashClients(left, writes.after());
    }

    private Catalog catalog() {
        return store.catalog();
    }

    private Moment now() {
        return store.now();
    }

    private Content head(final String name) {
        return now().volumes().get(name).head();
    }

    /** A range of bytes on an island, cut to the volume's size; {offset, length}. */
    private long[] someRange(final Content content) {
        final long first = ISLANDS[random.nextInt(ISLANDS.length)] * CHUNK;
        long offset = first + random.nextInt(ISLAND_CHUNKS * CHUNK);
        long length = 1 + random.nextInt(random.nextInt(3) == 0 ? 30 * CHUNK : 3 * CHUNK);
        if (random.nextInt(3) > 0) {
            offset &= -CHUNK;
            length = length + CHUNK - 1 & -CHUNK;
        }
        length = Math.min(length, first + (long) ISLAND_CHUNKS * CHUNK - offset);
        return new long[] {offset, Math.min(length, content.sizeBytes() - offset)};
    }

    void write(final String name) {
        final long[] range = someRange(head(name));
        if (range[1] > 0) {
            write(name, range[0], (int) range[1], random.nextInt(4) == 0);
        }
    }

    void write(final String name, final long offset, final int length, final boolean fua) {
        final byte[] bytes = new byte[length];
        new Random(random.nextLong()).nextBytes(bytes);
        final List<Moment> steps = writes.write(now(), name, offset, bytes);
        store.perform(fua ? "write, durable" : "write", steps, fua, () -> {
            try (Export export = catalog().exports().open(name)) {
                export.write(offset, new UnsafeBuffer(bytes), 0, length, fua);
            }
        });
    }

    void zeroOrTrim(final String name) {
        final Content head = head(name);
        final long[] range = random.nextInt(10) == 0 ? new long[] {0, head.sizeBytes()} : someRange(head);
        if (range[1] <= 0) {
            return;
        }
        final boolean trim = random.nextBoolean();
        final boolean fua = random.nextBoolean();
        store.perform(
                trim ? "trim" : "zero", writes.discard(now(), name, range[0], range[0] + range[1], trim), fua, () -> {
                    try (Export export = catalog().exports().open(name)) {
                        if (trim) {
                            export.trim(range[0], range[1], fua);
                        } else {
                            export.zero(range[0], range[1], false, fua);
                        }
                    }
                });
    }

    void defragment(final String name) {
        defragment(name, ISLANDS[random.nextInt(ISLANDS.length)]);
    }

    /** Reads an island in one stretch, so that it counts as scattered, and puts it in order. */
    private void defragment(final String name, final long first) {
        final long chunks = Math.min(ISLAND_CHUNKS, head(name).sizeBytes() / CHUNK - first);
        if (chunks > 0) {
            final long moved = catalog().movedBytes();
            store.perform("defragment", List.of(), () -> {
                try (Export export = catalog().exports().open(name)) {
                    export.read(
                            first * CHUNK, new UnsafeBuffer(new byte[(int) chunks * CHUNK]), 0, (int) chunks * CHUNK);
                }
                while (catalog().defragmentStep()) {
                    // Until nothing is left to do.
                }
            });
            if (catalog().movedBytes() > moved) {
                store.see("defragmented");
            }
        }
    }

    /** Writes single chunks apart from each other, more runs than a superblock can name, and puts them in order. */
    void scatter(final String name) {
        for (int i = 0; i < 25; i++) {
            final long offset = (ISLANDS[0] + 2 * i) * CHUNK;
            if (offset < head(name).sizeBytes()) {
                write(name, offset, CHUNK, false);
                write(name, offset, CHUNK, false); // The block before becomes a hole between two runs.
            }
        }
        commit();
        defragment(name, ISLANDS[0]);
    }

    void commit() {
        if (random.nextInt(3) == 0) {
            store.performShared("flush", now(), () -> {
                try (Export export = catalog().exports().open(now().volumes().firstKey())) {
                    export.flush();
                }
            });
        } else {
            store.performShared("commit", now(), () -> catalog().store().commit());
        }
    }

    // ---- meanwhile

    /** A change of one more volume, after the cut of the commit that is flushing now. */
    private void writeMeanwhile() {
        final Moment last = store.last();
        final String name = last.volumes().firstKey();
        final Content head = last.volumes().get(name).head();
        final long offset = (ISLANDS[0] + random.nextInt(20)) * CHUNK;
        if (!now().volumes().containsKey(name) || offset + CHUNK > head.sizeBytes()) {
            return;
        }
        final byte[] bytes = new byte[CHUNK];
        new Random(random.nextLong()).nextBytes(bytes);
        try (Export export = catalog().exports().open(name)) {
            export.write(offset, new UnsafeBuffer(bytes), 0, CHUNK, false);
        }
        store.doneMeanwhile(writes.write(last, name, offset, bytes).get(0));
        store.see("wrote meanwhile");
    }
}
