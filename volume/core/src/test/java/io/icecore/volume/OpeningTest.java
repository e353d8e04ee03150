package io.icecore.volume;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.Store;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.FileBlockDevice;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What opening costs depends neither on the size of a store nor on the number of its snapshots. */
class OpeningTest {
    private static final long GIB = 1L << 30;
    private static final long TIB = 1L << 40;
    private static final int CHUNK = 4096;
    private static final int SNAPSHOTS = Integer.getInteger("opening.snapshots", 10_000);
    private static final int REPETITIONS = 15;

    /** The spill chain, of 64 nodes at most, and one node more for each level that a tree has grown. */
    private static final int MORE_READS_MAX = 64 + 16;

    private final UnsafeBuffer chunk = new UnsafeBuffer(new byte[CHUNK]);

    @Test
    void readsAsMuchOfTenTebibytesWithTenThousandSnapshotsAsOfTenGibibytesWithTen() {
        final NodesOnlyDevice small = new NodesOnlyDevice(10 * GIB);
        final NodesOnlyDevice large = new NodesOnlyDevice(10 * TIB);
        fill(small, () -> small, 10);
        fill(large, () -> large, SNAPSHOTS);

        final long[] ofSmall = readByOpening(small);
        final long[] ofLarge = readByOpening(large);

        System.out.println("OpeningTest: reads and bytes: 10 GiB, 10 snapshots: " + ofSmall[0] + ", " + ofSmall[1]
                + "; 10 TiB, " + SNAPSHOTS + " snapshots: " + ofLarge[0] + ", " + ofLarge[1]);
        assertThat(ofLarge[0]).as("reads").isLessThanOrEqualTo(ofSmall[0] + MORE_READS_MAX);
        assertThat(ofLarge[1]).as("bytes").isLessThan(2 << 20);
    }

    private static long[] readByOpening(final NodesOnlyDevice device) {
        final long reads = device.reads();
        final long bytes = device.readBytes();
        try (Catalog catalog = Catalog.open(Store.open(device), Clock.systemUTC())) {
            assertThat(catalog.volumes()).hasSize(1);
            return new long[] {device.reads() - reads, device.readBytes() - bytes};
        }
    }

    /** Prints what docs/benchmarks.md quotes. */
    @Test
    @Tag("nightly")
    void tellsHowLongItTakesOnRealFiles(@TempDir final Path folder) {
        final Path small = folder.resolve("small.icecore");
        final Path large = folder.resolve("large.icecore");
        try (BlockDevice device = FileBlockDevice.create(small, 10 * GIB, false)) {
            Store.format(device, "small");
        }
        try (BlockDevice device = FileBlockDevice.create(large, 10 * TIB, false)) {
            Store.format(device, "large");
        }
        fillFormatted(() -> FileBlockDevice.open(small), 10);
        fillFormatted(() -> FileBlockDevice.open(large), SNAPSHOTS);
        final List<Double> ofSmall = new ArrayList<>();
        final List<Double> ofLarge = new ArrayList<>();
        for (int i = 0; i < REPETITIONS; i++) {
            ofSmall.add(openMillis(small));
            ofLarge.add(openMillis(large));
        }
        System.out.printf(
                "opening, milliseconds, median (least to most) of %d taken in turns:%n"
                        + "  10 GiB, 10 snapshots: %s%n  10 TiB, %d snapshots: %s%n",
                REPETITIONS, spread(ofSmall), SNAPSHOTS, spread(ofLarge));
    }

    private static double openMillis(final Path file) {
        final long begun = System.nanoTime();
        try (Catalog catalog = Catalog.open(Store.open(FileBlockDevice.open(file)), Clock.systemUTC())) {
            assertThat(catalog.volumes()).hasSize(1);
            return (System.nanoTime() - begun) / 1e6;
        }
    }

    private static String spread(final List<Double> millis) {
        final List<Double> sorted = millis.stream().sorted().toList();
        return String.format(
                "%.1f (%.1f to %.1f)", sorted.get(sorted.size() / 2), sorted.get(0), sorted.get(sorted.size() - 1));
    }

    private void fill(final BlockDevice device, final Supplier<BlockDevice> opening, final int snapshots) {
        Store.format(device, "test");
        fillFormatted(opening, snapshots);
    }

    /** A write and a snapshot in turns, all over a volume as large as the store. */
    private void fillFormatted(final Supplier<BlockDevice> opening, final int snapshots) {
        chunk.putLong(0, NodesOnlyDevice.DATA, LITTLE_ENDIAN);
        try (Catalog catalog = Catalog.open(Store.open(opening.get()), Clock.systemUTC())) {
            final long size = catalog.store().info().sizeBytes();
            catalog.createVolume("vm", size);
            try (Export export = catalog.exports().open("vm")) {
                for (int i = 0; i < snapshots; i++) {
                    export.write(i * 7_919L % (size / CHUNK) * CHUNK, chunk, 0, CHUNK, false);
                    catalog.createSnapshots(List.of("vm"), "s" + i, Map.of());
                }
            }
        }
    }
}
