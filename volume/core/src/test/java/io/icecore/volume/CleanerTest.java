package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.Store;
import io.icecore.store.space.SegmentUsage;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CleanerTest {
    private static final int CHUNK = 4096;
    private static final int SEGMENTS = 40;

    private final MemoryDevice device = new MemoryDevice(SEGMENTS << 22);
    private final SplittableRandom random = new SplittableRandom(4711);
    private final UnsafeBuffer buffer = new UnsafeBuffer(new byte[64 * CHUNK]);
    private Catalog catalog;

    /** Version of each chunk of the head, and of each snapshot. */
    private long[] head;

    private final List<long[]> copies = new ArrayList<>();
    private long version;

    @BeforeEach
    void open() {
        Store.format(device, "test");
        catalog = Catalog.open(Store.open(device), Clock.systemUTC());
    }

    @AfterEach
    void audit() {
        verify("vm", head);
        for (int i = 0; i < copies.size(); i++) {
            verify(catalog.snapshots("vm").get(i).spec(), copies.get(i));
        }
        catalog = TestStores.reopen(catalog, device, Clock.systemUTC());
        verify("vm", head);
        Ownership.of(catalog).checkAllocated(catalog);
        catalog.close();
    }

    private void create(final int chunks) {
        head = new long[chunks];
        catalog.createVolume("vm", (long) chunks * CHUNK);
    }

    private void write(final int chunk, final int count) {
        for (int i = 0; i < count; i++) {
            head[chunk + i] = ++version;
            buffer.putLong(i * CHUNK, version);
        }
        try (Export export = catalog.exports().open("vm")) {
            export.write((long) chunk * CHUNK, buffer, 0, count * CHUNK, false);
        }
    }

    private void snapshot() {
        catalog.createSnapshots(List.of("vm"), "s" + version, Map.of());
        copies.add(head.clone());
    }

    private void verify(final String spec, final long[] versions) {
        final UnsafeBuffer found = new UnsafeBuffer(new byte[CHUNK]);
        try (Export export = catalog.exports().open(spec)) {
            for (int chunk = 0; chunk < versions.length; chunk++) {
                export.read((long) chunk * CHUNK, found, 0, CHUNK);
                assertThat(found.getLong(0))
                        .as("chunk " + chunk + " of " + spec)
                        .isEqualTo(versions[chunk]);
            }
        }
    }

    private int freeSegments() {
        while (catalog.store().countSegments()) {
            // Until all are counted.
        }
        final SegmentUsage usage = catalog.store().opened().space.usage();
        int free = 0;
        for (int segment = 0; segment < usage.segments(); segment++) {
            free += usage.of(segment) == 0 ? 1 : 0;
        }
        return free;
    }

    private void clean() {
        while (catalog.cleanStep()) {
            // Until nothing is left to do.
        }
        catalog.store().commit();
    }

    @Test
    void hasNothingToDoWhileSegmentsAreFree() {
        create(8000);
        write(0, 64);
        clean();
        assertThat(catalog.movedBytes()).isZero();
    }

    @Test
    void makesWholeSegmentsFreeOutOfHoles() {
        create(34_000);
        for (int chunk = 0; chunk < 34_000; chunk += 50) {
            write(chunk, 50);
        }
        snapshot();
        for (int i = 0; i < 4000; i++) {
            write(random.nextInt(34_000), 1); // Saved for the snapshot: fills the rest.
        }
        catalog.store().commit();
        try (Export export = catalog.exports().open("vm")) {
            for (int chunk = 0; chunk < 34_000; chunk++) {
                if (random.nextInt(2) == 0) {
                    export.trim((long) chunk * CHUNK, CHUNK, false);
                    head[chunk] = 0;
                }
            }
        }
        catalog.deleteSnapshots(catalog.snapshots("vm"));
        copies.clear();
        snapshot();
        for (int i = 0; i < 500; i++) {
            write(random.nextInt(34_000), 1);
        }
        while (catalog.reclaimStep()) {
            // Until nothing is left to do.
        }
        catalog.store().commit();
        catalog.store().commit();
        final long used = catalog.store().usedBlocks();
        assertThat(freeSegments())
                .as("half of everything is free, and no segment")
                .isLessThan(4);

        clean();

        assertThat(freeSegments()).isGreaterThanOrEqualTo(6);
        assertThat(catalog.movedBytes()).isPositive();
        assertThat(catalog.store().usedBlocks())
                .as("old blocks of redirected nodes aside")
                .isLessThanOrEqualTo(used + 100);
    }

    @Test
    void letsWritersAndDeletionsGoOnMeanwhile() {
        create(20_000);
        for (int round = 0; round < 12; round++) {
            for (int i = 0; i < 1500; i++) {
                write(random.nextInt(20_000), 1);
                if (i % 50 == 0) {
                    catalog.cleanStep();
                }
            }
            snapshot();
            if (copies.size() > 3) {
                catalog.deleteSnapshots(List.of(catalog.snapshots("vm").get(0)));
                copies.remove(0);
            }
            for (int i = 0; i < 20; i++) {
                catalog.reclaimStep();
                catalog.cleanStep();
            }
        }
        for (int chunk = 0; chunk < 20_000; chunk += 50) {
            write(chunk, 50);
            catalog.cleanStep();
        }
        while (catalog.reclaimStep()) {
            // Until nothing is left to do.
        }
        clean();
    }

    @Test
    void tellsTheDeviceWhatHasBecomeFree() {
        create(20_000);
        freeSegments();
        for (int chunk = 0; chunk < 20_000; chunk += 50) {
            write(chunk, 50);
        }
        catalog.store().commit();
        try (Export export = catalog.exports().open("vm")) {
            export.trim(0, 20_000L * CHUNK, false);
        }
        Arrays.fill(head, 0);
        for (int i = 0; i < 3; i++) {
            write(0, 1);
            catalog.store().commit();
        }
        final long free = freeSegments();
        assertThat(catalog.store().discardFree(100, 4)).isBetween(10, 20);
        assertThat(device.discardedBytes()).isBetween(40L << 20, 80L << 20);
        assertThat(catalog.store().discardFree(100, 4)).isZero();
        assertThat(free).isGreaterThan(30);
    }
}
