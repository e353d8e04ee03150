package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.Store;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

/** Nothing gets slower, or has to be read, because there are many snapshots. {@code -Dsnapshots=100000} for more. */
class ManySnapshotsTest {
    private static final int COUNT = Integer.getInteger("snapshots", 5000);
    private static final int CHUNK = 4096;
    private static final int CHUNKS = 1000;

    private final MemoryDevice device = new MemoryDevice(Math.max(64, COUNT / 128) << 20);

    @Test
    void arePickedCheaplyAndDeletedFromEitherEnd() {
        Store.format(device, "test");
        Catalog catalog = Catalog.open(Store.open(device), Clock.systemUTC());
        catalog.createVolume("vm", (long) CHUNKS * CHUNK);
        for (int i = 1; i <= COUNT; i++) {
            write(catalog, i);
            catalog.createSnapshots(List.of("vm"), "s" + i, Map.of("rolling", "true"));
        }
        catalog = TestStores.reopen(catalog, device, Clock.systemUTC());
        final Catalog opened = catalog;
        write(catalog, COUNT + 1);
        catalog.createSnapshots(List.of("vm"), "last", Map.of());
        assertThat(catalog.parts()
                        .look(() -> opened.parts()
                                .branches()
                                .get(opened.volume("vm").branch())
                                .knowsKept()))
                .as("kept epochs read for writing and taking snapshots")
                .isFalse();

        assertThat(read(catalog, "vm@s1", 1)).isEqualTo(1);
        assertThat(read(catalog, "vm@s" + COUNT / 2, chunkOf(COUNT / 2))).isEqualTo(COUNT / 2);
        assertThat(read(catalog, "vm@s" + COUNT, chunkOf(COUNT - 3))).isEqualTo(COUNT - 3);
        final List<Snapshot> all = catalog.snapshots("vm");
        assertThat(all).hasSize(COUNT + 1).allMatch(snapshot -> snapshot.writtenBytes() == CHUNK);

        assertThat(catalog.predictFreed(all.subList(0, COUNT / 2)))
                .isEqualTo(all.subList(0, COUNT / 2).stream()
                        .mapToLong(Snapshot::diedBytes)
                        .sum());
        catalog.deleteSnapshots(all.subList(0, COUNT / 2));
        catalog.deleteSnapshots(all.subList(COUNT - 10, COUNT));
        while (catalog.reclaimStep()) {
            // Until nothing is left to do.
        }
        assertThat(catalog.volume("vm").snapshots()).isEqualTo(COUNT + 1 - COUNT / 2 - 10);
        assertThat(read(catalog, "vm@s" + (COUNT / 2 + 1), chunkOf(COUNT / 2 - 5)))
                .isEqualTo(COUNT / 2 - 5);
        assertThat(Ownership.of(catalog).blocks())
                .as("blocks of " + CHUNKS + " chunks and one for each snapshot left")
                .isBetween((long) CHUNKS, CHUNKS + (long) COUNT / 2);

        catalog.deleteVolume("vm");
        while (catalog.reclaimStep()) {
            // Until nothing is left to do.
        }
        assertThat(Ownership.of(catalog).blocks()).isZero();
        assertThat(new CatalogueTree(catalog.store()).nextId(CatalogueTree.SNAPSHOT, 0))
                .isFalse();
        assertThat(new CatalogueTree(catalog.store()).nextId(CatalogueTree.SNAPSHOT_NAME, 0))
                .isFalse();
        catalog.close();
    }

    private static long chunkOf(final int round) {
        return round * 7L % CHUNKS;
    }

    private static void write(final Catalog catalog, final int round) {
        final UnsafeBuffer buffer = new UnsafeBuffer(new byte[CHUNK]);
        buffer.putInt(0, round);
        final long chunk = round == 1 ? 1 : chunkOf(round);
        try (Export export = catalog.exports().open("vm")) {
            export.write(chunk * CHUNK, buffer, 0, CHUNK, false);
        }
    }

    private static int read(final Catalog catalog, final String spec, final long chunk) {
        final UnsafeBuffer buffer = new UnsafeBuffer(new byte[4]);
        try (Export export = catalog.exports().open(spec)) {
            export.read(chunk * CHUNK, buffer, 0, 4);
        }
        return buffer.getInt(0);
    }
}
