package io.icecore.recovery.scrub;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.recovery.check.CheckProgress;
import io.icecore.recovery.check.CommitReader;
import io.icecore.recovery.check.RandomHistory;
import io.icecore.recovery.check.TreeWalk;
import io.icecore.store.Store;
import io.icecore.store.commit.OpenedStore;
import io.icecore.store.commit.Opener;
import io.icecore.store.commit.SuperblockSlots;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.space.SlotGeometry;
import io.icecore.volume.Catalog;
import io.icecore.volume.Export;
import io.icecore.volume.map.Extent;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** All data is read, and what is not what was written is named exactly. {@code -Dscrub.seed=N} replays. */
class ScrubTest {
    private static final Scrub.Progress UNSEEN = (read, total) -> {};

    private final long seed = Long.getLong("scrub.seed", System.nanoTime());
    private final SplittableRandom random = new SplittableRandom(seed);

    @Test
    void readsEveryChunkOfASoundStoreAndFindsNothing() {
        final SimBlockDevice device = history().finish();

        final ScrubReport report = scrub(device);

        assertThat(report.errors()).isEmpty();
        assertThat(report.chunksRead()).isEqualTo(dataBlocks(device).size());
    }

    @Test
    void namesEveryDamagedBlockAndNoOther() {
        final SimBlockDevice device = history().finish();
        final List<Long> blocks = dataBlocks(device);
        final TreeSet<Long> hit = new TreeSet<>();
        for (int i = 0; i < 25; i++) {
            final long block = blocks.get(random.nextInt(blocks.size()));
            if (hit.add(block)) {
                device.flipBit(block * BLOCK_LENGTH + random.nextInt(BLOCK_LENGTH), random.nextInt(8));
            }
        }

        final ScrubReport report = scrub(device);

        assertThat(report.structure().ok()).isTrue();
        assertThat(report.ok()).isFalse();
        assertThat(report.damage())
                .as("-Dscrub.seed=" + seed)
                .extracting(DamagedChunk::block)
                .containsExactlyInAnyOrderElementsOf(hit);
    }

    @Test
    void namesTheVolumeAndTheSnapshotsThatSeeTheDamage() {
        final SimBlockDevice device = new SimBlockDevice(32 << 20);
        Store.format(device, "test");
        try (Catalog catalog = Catalog.open(Store.open(device), Clock.systemUTC())) {
            catalog.createVolume("vm1", 1 << 20);
            write(catalog, 1);
            for (final String name : List.of("a", "b", "c")) {
                catalog.createSnapshots(List.of("vm1"), name, Map.of());
            }
            write(catalog, 2);
        }
        final SimBlockDevice closed = device.kill();
        for (final long block : dataBlocks(closed)) {
            closed.flipBit(block * BLOCK_LENGTH + 7, 1);
        }

        final List<DamagedChunk> damage = scrub(closed).damage();

        assertThat(damage)
                .extracting(chunk -> "chunk " + chunk.chunk() + " of " + chunk.sight())
                .containsExactlyInAnyOrder(
                        "chunk 5 of vm1 (head)",
                        "chunk 6 of vm1 (head)",
                        "chunk 5 of vm1 (3 snapshots, a to c)",
                        "chunk 6 of vm1 (3 snapshots, a to c)");
        assertThat(damage.get(0).finding().toString())
                .matches(
                        "chunk 5 of vm1 \\(head\\), block [0-9]+: checksum 0x[0-9a-f]{8} \\(expected: 0x[0-9a-f]{8}\\)");
    }

    @Test
    void aBlockThatTheDeviceCannotReadIsNamed() {
        final SimBlockDevice device = history().finish();
        final long block = dataBlocks(device).get(3);
        device.faults().failReadsWithin(block * BLOCK_LENGTH, BLOCK_LENGTH);

        assertThat(scrub(device).damage()).singleElement().satisfies(chunk -> {
            assertThat(chunk.block()).isEqualTo(block);
            assertThat(chunk.found()).isNull();
        });
    }

    @Test
    void oneThatWasStoppedGoesOnWhereItWas(@TempDir final Path directory) throws IOException {
        final SimBlockDevice device = history().finish();
        final List<Long> blocks = dataBlocks(device);
        for (final long block : blocks) {
            device.flipBit(block * BLOCK_LENGTH, 0); // All of them: what is read twice or never shows.
        }
        final Path file = directory.resolve("state");
        int runs = 0;
        ScrubReport report = null;
        while (report == null) {
            final Scrub scrub = new Scrub(device, Clock.systemUTC(), 2 << 20 >> runs % 2, () -> Scrub.Reading.NONE);
            assertThat(scrub.resume(ScrubState.load(file))).isEqualTo(runs > 0);
            final long before = scrub.state().chunksRead();
            try {
                report = scrub.run(
                        CheckProgress.NONE,
                        (read, total) -> {
                            if (read > before) {
                                throw new IllegalStateException("stopped");
                            }
                        },
                        state -> {});
            } catch (final IllegalStateException ex) {
                scrub.state().save(file);
                runs++;
            }
            assertThat(runs).isLessThan(1000);
        }

        assertThat(runs).isPositive();
        assertThat(report.chunksRead()).isEqualTo(blocks.size());
        assertThat(report.damage())
                .extracting(DamagedChunk::block)
                .doesNotHaveDuplicates()
                .hasSize(Math.min(blocks.size(), 1000));
    }

    @Test
    void theStateOfAnotherStoreIsNoState(@TempDir final Path directory) throws IOException {
        final Scrub one = new Scrub(history().finish(), Clock.systemUTC(), 0, () -> Scrub.Reading.NONE);
        one.state().save(directory.resolve("state"));
        final Scrub other = new Scrub(history().finish(), Clock.systemUTC(), 0, () -> Scrub.Reading.NONE);

        assertThat(ScrubState.load(directory.resolve("state"))).isEqualTo(one.state());
        assertThat(other.resume(one.state())).isFalse();
        assertThat(ScrubState.load(directory.resolve("none"))).isNull();
        java.nio.file.Files.writeString(directory.resolve("garbage"), "icecore scrub 1\nstore x\n");
        assertThat(ScrubState.load(directory.resolve("garbage"))).isNull();
    }

    @Test
    @Timeout(60)
    void findsNothingBesideABusyWriter() throws Exception {
        final RandomHistory history = new RandomHistory(seed, 256 << 20);
        history.steps(100);
        final AtomicBoolean stop = new AtomicBoolean();
        final Thread writer = new Thread(
                () -> {
                    while (!stop.get()) {
                        history.overwriteAndCommit();
                    }
                },
                "writer");
        writer.start();
        final BlockDevice reader = history.device().openReadOnly();
        try {
            for (int i = 0; i < 10; i++) {
                assertThat(new Scrub(
                                        reader,
                                        Clock.systemUTC(),
                                        0,
                                        () -> reading(history.catalog().store()))
                                .run(CheckProgress.NONE, UNSEEN, state -> {})
                                .errors())
                        .as("-Dscrub.seed=" + seed)
                        .isEmpty();
                beside(reader);
            }
        } finally {
            stop.set(true);
            writer.join();
        }
        history.close();
    }

    private static Scrub.Reading reading(final Store store) {
        final Store.Reading reading = store.beginReading();
        return new Scrub.Reading() {
            @Override
            public boolean undisturbed() {
                return reading.undisturbed();
            }

            @Override
            public void close() {
                reading.close();
            }
        };
    }

    private void beside(final BlockDevice reader) {
        try {
            assertThat(scrub(reader).errors()).as("-Dscrub.seed=" + seed).isEmpty();
        } catch (final StoreException ex) {
            assertThat(ex).hasMessageContaining("store changes faster than");
        }
    }

    @Test
    void aThrottleSpreadsReadsEvenlyAndDoesNotMakeUpForPauses() {
        final long[] now = {0};
        final Throttle throttle = new Throttle(1000, () -> now[0]);

        assertThat(throttle.pauseNanosAfter(500)).isEqualTo(500_000_000);
        now[0] = 200_000_000;
        assertThat(throttle.pauseNanosAfter(500)).isEqualTo(800_000_000);
        now[0] = 10_000_000_000L;
        assertThat(throttle.pauseNanosAfter(1000)).isZero();
        assertThat(throttle.pauseNanosAfter(1000)).isEqualTo(1_000_000_000);
        assertThat(new Throttle(0, () -> now[0]).pauseNanosAfter(1 << 30)).isZero();
    }

    private RandomHistory history() {
        System.out.println("ScrubTest -Dscrub.seed=" + seed);
        final RandomHistory history = new RandomHistory(seed);
        history.steps(400);
        return history;
    }

    private static ScrubReport scrub(final BlockDevice device) {
        return new Scrub(device, Clock.systemUTC(), 0, () -> Scrub.Reading.NONE)
                .run(CheckProgress.NONE, UNSEEN, state -> {});
    }

    private static void write(final Catalog catalog, final int value) {
        final UnsafeBuffer bytes = new UnsafeBuffer(new byte[2 * BLOCK_LENGTH]);
        bytes.setMemory(0, bytes.capacity(), (byte) value);
        try (Export export = catalog.exports().open("vm1")) {
            export.write(5L * BLOCK_LENGTH, bytes, 0, bytes.capacity(), true);
        }
    }

    /** Blocks of all chunks that have one, in the newest commit. */
    private static List<Long> dataBlocks(final BlockDevice device) {
        final SlotGeometry geometry = SuperblockSlots.find(device);
        final CommitReader commit = new CommitReader(
                device, geometry, Opener.newestReadable(device, new SuperblockSlots(device, geometry)));
        final List<Long> blocks = new ArrayList<>();
        final TreeWalk walk = new TreeWalk(commit, new TreeWalk.Visitor() {
            private final Extent extent = new Extent();

            @Override
            public boolean node(final int tree, final int level, final long home, final NodePage page) {
                for (int index = 0; level == 0 && index < page.count(); index++) {
                    extent.read(page, index, OpenedStore.holdsHistory(tree));
                    for (long chunk = extent.chunk(); chunk < extent.end() && !extent.zeroes(); chunk++) {
                        blocks.add(extent.blockOf(chunk));
                    }
                }
                return true;
            }

            @Override
            public void damaged(final int tree, final int level, final long home, final StoreException problem) {
                throw problem;
            }
        });
        walk.walk(OpenedStore.HEAD);
        walk.walk(OpenedStore.RECENT);
        walk.walk(OpenedStore.HISTORY);
        return blocks;
    }
}
