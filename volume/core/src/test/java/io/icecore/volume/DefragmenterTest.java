package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.Store;
import io.icecore.volume.map.Extent;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DefragmenterTest {
    private static final int CHUNK = 4096;
    private static final int CHUNKS = 4096;
    private static final int STRETCH = 256;

    private final MemoryDevice device = new MemoryDevice(40 << 22);
    private final SplittableRandom random = new SplittableRandom(4711);
    private final UnsafeBuffer buffer = new UnsafeBuffer(new byte[STRETCH * CHUNK]);
    private final long[] head = new long[CHUNKS];
    private long[] snapshot;
    private long version;
    private Catalog catalog;
    private Export export;

    @BeforeEach
    void open() {
        Store.format(device, "test");
        catalog = Catalog.open(Store.open(device), Clock.systemUTC());
        catalog.createVolume("vm", (long) CHUNKS * CHUNK);
        export = catalog.exports().open("vm");
        for (int chunk = 0; chunk < CHUNKS; chunk += STRETCH) {
            write(chunk, STRETCH);
        }
    }

    @AfterEach
    void everyByteIsRightAndEveryBlockOwnedOnce() {
        export.close();
        verify("vm", head);
        if (snapshot != null) {
            verify("vm@s", snapshot);
        }
        catalog = TestStores.reopen(catalog, device, Clock.systemUTC());
        verify("vm", head);
        Ownership.of(catalog).checkAllocated(catalog);
        catalog.close();
    }

    private void write(final int chunk, final int count) {
        for (int i = 0; i < count; i++) {
            head[chunk + i] = ++version;
            buffer.putLong(i * CHUNK, version);
        }
        export.write((long) chunk * CHUNK, buffer, 0, count * CHUNK, false);
    }

    private void scatter() {
        catalog.createSnapshots(List.of("vm"), "s", Map.of());
        snapshot = head.clone();
        for (int i = 0; i < CHUNKS; i++) {
            write(random.nextInt(CHUNKS), 1);
        }
    }

    private void verify(final String spec, final long[] versions) {
        try (Export found = catalog.exports().open(spec)) {
            for (int chunk = 0; chunk < CHUNKS; chunk++) {
                found.read((long) chunk * CHUNK, buffer, 0, CHUNK);
                assertThat(buffer.getLong(0))
                        .as("chunk " + chunk + " of " + spec)
                        .isEqualTo(versions[chunk]);
            }
        }
    }

    private void readInStretches(final Export from) {
        for (int chunk = 0; chunk < CHUNKS; chunk += STRETCH) {
            from.read((long) chunk * CHUNK, buffer, 0, STRETCH * CHUNK);
        }
    }

    private int defragment() {
        int steps = 0;
        while (catalog.defragmentStep()) {
            steps++;
        }
        return steps;
    }

    /** Defragments, and has something else happen after each write that this makes. */
    private void meanwhile(final Runnable other) {
        final boolean[] within = {false};
        device.onWrite(() -> {
            if (!within[0]) {
                within[0] = true;
                other.run();
                within[0] = false;
            }
        });
        assertThat(defragment()).isPositive();
        device.onWrite(() -> {});
    }

    /** Of the head on the device. */
    private int places() {
        final AtomicInteger places = new AtomicInteger();
        final long[] next = {-1};
        catalog.parts().look(() -> {
            final Extent extent = new Extent();
            for (long at = 0; catalog.parts().data().head().ceiling(1, at, extent); at = extent.end()) {
                if (extent.block() != next[0]) {
                    places.incrementAndGet();
                }
                next[0] = extent.block() + extent.length();
            }
            return null;
        });
        return places.get();
    }

    @Test
    void whatIsReadInStretchesIsPutInOrder() {
        scatter();
        assertThat(places()).isGreaterThan(2000);

        readInStretches(export);

        assertThat(defragment()).isEqualTo(CHUNKS / STRETCH);
        assertThat(places()).isLessThan(4 * CHUNKS / STRETCH);
        assertThat(catalog.movedBytes()).isGreaterThan(CHUNKS * CHUNK * 9L / 10);
        readInStretches(export);
        assertThat(defragment()).as("nothing is scattered any more").isZero();
    }

    @Test
    void whatIsReadInPiecesStaysWhereItIs() {
        scatter();
        for (int i = 0; i < 1000; i++) {
            export.read((long) random.nextInt(CHUNKS) * CHUNK, buffer, 0, CHUNK);
        }
        assertThat(defragment()).isZero();
    }

    @Test
    void whatSnapshotsAloneSeeStaysWhereItIs() {
        scatter();
        try (Export past = catalog.exports().open("vm@s")) {
            readInStretches(past);
        }
        assertThat(defragment()).isZero();
    }

    @Test
    void whatIsOverwrittenMeanwhileStaysOverwritten() {
        scatter();
        readInStretches(export);
        meanwhile(() -> write(random.nextInt(CHUNKS), 1));
        assertThat(catalog.movedBytes()).isPositive();
    }

    @Test
    void nothingIsMovedOnceItsBlocksMayHaveBeenReused() {
        scatter();
        readInStretches(export);
        meanwhile(() -> {
            for (int i = 0; i < 2; i++) {
                write(random.nextInt(CHUNKS), 1);
                catalog.store().commit();
            }
        });
        assertThat(catalog.movedBytes()).isZero();
    }

    @Test
    void aStoreWithoutRoomIsLeftAlone() {
        catalog.createVolume("ballast", 200L << 20);
        try (Export ballast = catalog.exports().open("ballast")) {
            for (int chunk = 0; chunk < 31_000; chunk += STRETCH) {
                ballast.write((long) chunk * CHUNK, buffer, 0, STRETCH * CHUNK, false);
            }
        }
        scatter();
        readInStretches(export);
        defragment();
        assertThat(catalog.movedBytes()).isZero();
    }
}
