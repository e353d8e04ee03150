package io.icecore.cli.tour;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.agrona.collections.Long2LongHashMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A thin volume of 64 GiB, written all over under many snapshots and served by a daemon of little memory: what it needs
 * depends on neither the volume nor what is mapped in it. Head and snapshots are read back and compared, chunk for chunk,
 * with what the same throws of the dice say. {@code -Dmemory.seed=N} repeats them.
 */
class BoundedMemoryIT {
    private static final long SEED = Long.getLong("memory.seed", System.nanoTime() & 0xFFFF_FFFFL);
    private static final int CHUNK = 4096;
    private static final long VOLUME_CHUNKS = (64L << 30) / CHUNK;
    private static final int READS = 3000;
    private static final long NONE = -1;

    @TempDir
    Path folder;

    @Test
    void servesALargeVolumeWithAHeapThatCouldNotHoldItsMap() throws Exception {
        serve(30_000, 20, 32);
    }

    @Test
    @Tag("nightly")
    void servesAMillionWritesUnderTwoHundredSnapshotsWith256Mebibytes() throws Exception {
        serve(1_000_000, 200, 256);
    }

    private void serve(final int writes, final int snapshots, final int heapMebibytes) throws Exception {
        System.out.println("BoundedMemoryIT -Dmemory.seed=" + SEED);
        final Path store = folder.resolve("large.icecore");
        final long begun = System.nanoTime();
        try (Icecore icecore = new Icecore(store, folder, Icecore.programOfThisProcess("-Xmx" + heapMebibytes + "m"))) {
            icecore.run("store", "create", store.toString(), "--size", "128G");
            icecore.run("volume", "create", "vm1", "--size", "64G");
            final Icecore.Server server = icecore.serve(folder.resolve("nbd"), "vm1");
            final Commands commands = Commands.of(store);
            write(server, commands, writes, snapshots);
            final double writeSeconds = (System.nanoTime() - begun) / 1e9;

            final int step = writes / snapshots;
            for (final int snapshot : new int[] {1, snapshots / 2, snapshots}) {
                prove(server, "vm1@s" + snapshot, snapshot * step);
            }
            prove(server, "vm1", writes);
            final long peak = peakKibibytes(server.pid());
            assertThat(server.log()).doesNotContain("OutOfMemory").doesNotContain("ERROR");
            assertThat(server.stop()).isZero();

            final Icecore.Server again = icecore.serve(folder.resolve("nbd"), "vm1");
            prove(again, "vm1@s1", step);
            assertThat(again.stop()).isZero();
            assertThat(icecore.run("check")).startsWith("consistent");
            System.out.printf(
                    "BoundedMemoryIT: %d writes under %d snapshots, heap of %d MiB: %.0f s, most resident %d MiB,"
                            + " store file %d MiB%n",
                    writes, snapshots, heapMebibytes, writeSeconds, peak >> 10, allocatedMebibytes(store));
        }
    }

    private static void write(
            final Icecore.Server server, final Commands commands, final int writes, final int snapshots)
            throws IOException {
        final SplittableRandom random = new SplittableRandom(SEED);
        final ByteBuffer content = ByteBuffer.allocate(CHUNK);
        try (NbdClient disk = server.connect("vm1")) {
            for (int ordinal = 1; ordinal <= writes; ordinal++) {
                final long chunk = random.nextLong(VOLUME_CHUNKS);
                content.clear().putLong(0, chunk).putLong(CHUNK - Long.BYTES, ordinal);
                disk.write(chunk * CHUNK, content);
                if (ordinal % (writes / snapshots) == 0) {
                    commands.run("snapshot", "create", "vm1", "--name", "s" + ordinal / (writes / snapshots));
                }
            }
            disk.flush();
        }
    }

    /** Chunks that were written, and such as were not, hold what the first {@code writes} throws put there. */
    private static void prove(final Icecore.Server server, final String spec, final int writes) throws IOException {
        final Long2LongHashMap last = new Long2LongHashMap(NONE);
        final SplittableRandom random = new SplittableRandom(SEED);
        for (int ordinal = 1; ordinal <= writes; ordinal++) {
            last.put(random.nextLong(VOLUME_CHUNKS), ordinal);
        }
        final SplittableRandom replay = new SplittableRandom(SEED);
        final SplittableRandom others = new SplittableRandom(SEED + writes);
        final int stride = Math.max(1, writes / READS);
        final ByteBuffer content = ByteBuffer.allocate(CHUNK);
        try (NbdClient disk = server.connect(spec)) {
            for (int ordinal = 1; ordinal <= writes; ordinal++) {
                final long written = replay.nextLong(VOLUME_CHUNKS);
                if (ordinal % stride == 0) {
                    final long chunk = ordinal / stride % 4 == 0 ? others.nextLong(VOLUME_CHUNKS) : written;
                    disk.read(chunk * CHUNK, content.clear());
                    final long expected = last.get(chunk);
                    assertThat(content.getLong(CHUNK - Long.BYTES))
                            .as("last write of chunk " + chunk + " in " + spec + ", -Dmemory.seed=" + SEED)
                            .isEqualTo(expected == NONE ? 0 : expected);
                    assertThat(content.getLong(0)).isEqualTo(expected == NONE ? 0 : chunk);
                }
            }
        }
    }

    private static long peakKibibytes(final long pid) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                .filter(line -> line.startsWith("VmHWM:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                .findFirst()
                .orElse(0);
    }

    private static long allocatedMebibytes(final Path file) throws Exception {
        final String du = ExternalTool.require("du").run("-m", file.toString()).output();
        return Long.parseLong(du.split("\\s")[0]);
    }
}
