package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.Store;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What deleted snapshots hold because clones stand on them. */
class HeldByClonesTest {
    private static final int CHUNK = 4096;

    private final MemoryDevice device = new MemoryDevice(64 << 20);
    private final UnsafeBuffer chunks = new UnsafeBuffer(new byte[100 * CHUNK]);
    private Catalog catalog;

    @BeforeEach
    void open() {
        Store.format(device, "test");
        catalog = Catalog.open(Store.open(device), Clock.systemUTC());
        catalog.createVolume("vm", 16 << 20);
        write("vm", 0, 100);
        snapshot("first");
        write("vm", 0, 50);
        snapshot("second");
        write("vm", 0, 100);
        snapshot("third");
        catalog.cloneVolume(Spec.parse("vm@second", ZoneOffset.UTC), "clone");
    }

    @AfterEach
    void close() {
        Ownership.of(catalog);
        catalog.close();
    }

    private void write(final String volume, final int chunk, final int count) {
        try (Export export = catalog.exports().open(volume)) {
            export.write((long) chunk * CHUNK, chunks, 0, count * CHUNK, false);
        }
    }

    private void snapshot(final String name) {
        catalog.createSnapshots(List.of("vm"), name, Map.of());
    }

    private void reclaim() {
        while (catalog.reclaimStep()) {
            // Until nothing is left to do.
        }
    }

    @Test
    void isNothingWhileTheSnapshotIsThere() {
        assertThat(catalog.heldByClonesBytes()).isZero();
    }

    @Test
    void isWhatOnlyTheDeletedSnapshotSeesAndComesBackWhenTheCloneIsFlattened() {
        catalog.deleteSnapshots(List.of(catalog.snapshot(Spec.parse("vm@second", ZoneOffset.UTC))));
        reclaim();
        assertThat(catalog.heldByClonesBytes()).isEqualTo(50 * CHUNK);
        write("clone", 0, 100);
        assertThat(catalog.heldByClonesBytes())
                .as("whatever the clone wrote since")
                .isEqualTo(50 * CHUNK);

        catalog.deleteSnapshots(List.of(catalog.snapshot(Spec.parse("vm@first", ZoneOffset.UTC))));
        reclaim();
        assertThat(catalog.heldByClonesBytes()).as("the oldest now").isEqualTo(100 * CHUNK);

        catalog.flatten("clone");
        reclaim();
        assertThat(catalog.heldByClonesBytes()).isZero();
    }

    @Test
    void isAllThatADeletedVolumeStillMaps() {
        catalog.cloneVolume(Spec.parse("vm@second", ZoneOffset.UTC), "other"); // With one alone it would be adopted.
        catalog.deleteVolume("vm");
        reclaim();
        assertThat(catalog.heldByClonesBytes()).isEqualTo(100 * CHUNK);
    }
}
