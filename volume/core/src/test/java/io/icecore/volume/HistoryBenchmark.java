package io.icecore.volume;

import io.icecore.store.Store;
import io.icecore.store.commit.OpenedStore;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.FileBlockDevice;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

/**
 * What a long history costs: {@code cli/bench/history.py} runs it, and tables and draws what it prints.
 *
 * <p>Not part of a build by its name; {@link HistoryBenchmarkSmokeTest} runs it with small numbers. Side by side wherever
 * two things are compared: turns of both, one after the other, in one process, and the ratio of the medians. Properties:
 * {@code history.part} (all of them when it is not set), {@code history.scale} (percent of the full size), {@code
 * history.snapshots} (of the curve), {@code history.chunks} (mapped, of the heap), {@code history.directory} (for stores in files; else in
 * memory), {@code history.out}
 * (lines of JSON).
 */
class HistoryBenchmark {
    private static final int CHUNK = 4096;
    private static final int TURNS = 9;

    /** Flushed writes of a client while the background makes one step: it makes one a millisecond. */
    private static final int WRITES_A_STEP = 8;

    private int scale;
    private Path directory;
    private final StringBuilder out = new StringBuilder();
    private final SplittableRandom random = new SplittableRandom(4711);
    private final UnsafeBuffer buffer = new UnsafeBuffer(new byte[256 * CHUNK]);

    @Test
    void run() throws IOException {
        run(Integer.getInteger("history.scale", 100), System.getProperty("history.directory"));
    }

    void run(final int percent, final String inDirectory) throws IOException {
        scale = percent;
        directory = inDirectory == null ? null : Path.of(inDirectory);
        final String part = System.getProperty("history.part", "");
        final Map<String, Runnable> parts = Map.of(
                "curve", this::curve,
                "window", this::window,
                "sequential", this::sequential,
                "delete", this::delete,
                "clean", this::clean,
                "flush", this::flush,
                "heap", this::heap,
                "list", this::list);
        final List<String> chosen = part.isEmpty()
                ? List.of("curve", "sequential", "window", "delete", "clean", "flush", "heap")
                : List.of(part);
        chosen.forEach(name -> parts.get(name).run());
        final String file = System.getProperty("history.out");
        if (file != null) {
            Files.writeString(Path.of(file), out);
        }
    }

    private void report(final String part, final Object... facts) {
        final StringBuilder line = new StringBuilder("{\"part\": \"" + part + "\"");
        for (int i = 0; i < facts.length; i += 2) {
            final Object value = facts[i + 1];
            line.append(", \"").append(facts[i]).append("\": ");
            line.append(value instanceof Double ? String.format(Locale.ROOT, "%.4f", value) : value.toString());
        }
        System.out.println(line.append('}'));
        out.append(line).append('\n');
    }

    private int scaled(final int full) {
        return Math.max(1, (int) ((long) full * scale / 100));
    }

    // ---- stores

    private final class Subject implements AutoCloseable {
        private final BlockDevice device;
        private final Path file;
        private final int chunks;
        private Catalog catalog;
        private Export export;

        /** Deletes and drains at its pace, where it has been started. */
        private Thread background;

        private volatile boolean stopped;
        private long backgroundNanos;

        Subject(final String name, final long storeBytes, final int chunks) {
            this(
                    chunks,
                    directory == null
                            ? new SparseDevice(storeBytes)
                            : FileBlockDevice.create(fileOf(name), storeBytes, false),
                    directory == null ? null : fileOf(name));
        }

        /** @param file to be deleted in the end, or null */
        Subject(final int chunks, final BlockDevice device, final Path file) {
            this.chunks = chunks;
            this.device = device;
            this.file = file;
            Store.format(device, "bench");
            catalog = Catalog.open(Store.open(device), Clock.systemUTC());
            catalog.createVolume("vm", (long) chunks * CHUNK);
            export = catalog.exports().open("vm");
        }

        Subject filled() {
            for (int chunk = 0; chunk < chunks; chunk += 256) {
                export.write((long) chunk * CHUNK, buffer, 0, Math.min(256, chunks - chunk) * CHUNK, false);
            }
            catalog.store().commit();
            return this;
        }

        void writeRandom(final int count) {
            for (int i = 0; i < count; i++) {
                export.write((long) random.nextInt(chunks) * CHUNK, buffer, 0, CHUNK, false);
            }
        }

        /** Chunks that have been written since the last snapshot, from the second turn on. */
        void rewrite(final int count) {
            for (int i = 0; i < count; i++) {
                export.write((long) random.nextInt(chunks / 64) * CHUNK, buffer, 0, CHUNK, false);
            }
        }

        void readRandom(final Export from, final int count) {
            for (int i = 0; i < count; i++) {
                from.read((long) random.nextInt(chunks) * CHUNK, buffer, 0, CHUNK);
            }
        }

        /** What the background does beside clients. */
        void background() {
            while (catalog.reclaimStep()) {
                Thread.onSpinWait();
            }
        }

        void readAll() {
            for (int chunk = 0; chunk < chunks; chunk += 256) {
                export.read((long) chunk * CHUNK, buffer, 0, Math.min(256, chunks - chunk) * CHUNK);
            }
        }

        void snapshot(final String name) {
            catalog.createSnapshots(List.of("vm"), name, Map.of(Snapshot.ROLLING, "true"));
        }

        void startBackground() {
            background = new Thread(this::workAtPace, "reclaimer");
            background.setDaemon(true);
            background.start();
        }

        private void workAtPace() {
            while (!stopped) {
                final long pauseMillis = catalog.reclaimAtPace();
                if (pauseMillis > 0) {
                    try {
                        Thread.sleep(Math.min(pauseMillis, 50));
                    } catch (final InterruptedException ex) {
                        throw new AssertionError(ex);
                    }
                }
            }
        }

        /** Processor time of the background since the last call. */
        long takeBackgroundNanos() {
            final long now = ManagementFactory.getThreadMXBean().getThreadCpuTime(background.getId());
            final long taken = now - backgroundNanos;
            backgroundNanos = now;
            return taken;
        }

        void reopen() {
            assert file == null;
            export.close();
            catalog.close();
            catalog = Catalog.open(Store.open(device), Clock.systemUTC());
            export = catalog.exports().open("vm");
        }

        @Override
        public void close() {
            stopped = true;
            if (background != null) {
                join(background);
            }
            export.close();
            catalog.close();
            if (file != null) {
                file.toFile().delete();
            }
        }
    }

    private Path fileOf(final String name) {
        return directory.resolve("bench-" + name + ".store");
    }

    /** Data takes nothing; nodes are in memory, or, with a directory, in a file there. */
    private BlockDevice sparse(final String name, final long storeBytes) {
        return directory == null ? new SparseDevice(storeBytes) : new SparseFileDevice(fileOf(name), storeBytes);
    }

    private static long blocksWritten(final BlockDevice device) {
        return device instanceof SparseDevice memory
                ? memory.blocksWritten.get()
                : ((SparseFileDevice) device).blocksWritten.get();
    }

    private static long blocksWrittenInMemory(final BlockDevice device) {
        return device instanceof SparseDevice ? blocksWritten(device) : 0;
    }

    private static Spec spec(final String text) {
        return Spec.parse(text, ZoneOffset.UTC);
    }

    // ---- measuring

    /** In memory the time of the processor, which other work on the machine changes little; with files that of the clock. */
    private double seconds(final Runnable action) {
        final long begin = now();
        action.run();
        return (now() - begin) / 1e9;
    }

    private long now() {
        return directory == null ? ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() : System.nanoTime();
    }

    /** Data is not kept in this part, so the time of the clock would say little. */
    private static double processorSeconds(final Runnable action) {
        final long begin = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
        action.run();
        return (ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - begin) / 1e9;
    }

    private static double median(final double[] values) {
        final double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    /** Median seconds of one turn of each, taken by turns. */
    private double[] sideBySide(final int turns, final Runnable... actions) {
        final double[][] taken = new double[actions.length][turns];
        for (int turn = -1; turn < turns; turn++) { // The first does not count.
            for (int i = 0; i < actions.length; i++) {
                final int which = (i + turn + actions.length) % actions.length;
                final double seconds = seconds(actions[which]);
                if (turn >= 0) {
                    taken[which][turn] = seconds;
                }
            }
        }
        return Arrays.stream(taken).mapToDouble(HistoryBenchmark::median).toArray();
    }

    // ---- parts

    /** The same volume with and without a history, at ever more snapshots. */
    private void curve() {
        final int chunks = Math.max(2048, scaled(1 << 18));
        final int operations = Math.max(100, scaled(5000));
        final int written = 4;
        final int snapshotsMax = Integer.getInteger("history.snapshots", scaled(100_000));
        final long storeBytes = (chunks + snapshotsMax * 4L + (1L << 17)) * 5 / 4 * CHUNK;
        try (Subject with = new Subject("with", storeBytes, chunks).filled();
                Subject without = new Subject("without", storeBytes, chunks).filled()) {
            int snapshots = 0;
            for (final int target : new int[] {10, 100, 1_000, 10_000, 30_000, 100_000}) {
                if (target > Math.max(10, snapshotsMax)) {
                    break;
                }
                while (snapshots < target) {
                    with.writeRandom(written);
                    with.snapshot("s" + snapshots++);
                    with.background();
                    without.writeRandom(written);
                    without.catalog.store().commit();
                }
                measure(with, without, snapshots, operations);
            }
        }
    }

    private void measure(final Subject with, final Subject without, final int snapshots, final int operations) {
        final double[] background = {0};
        final long[] blocks = {blocksWrittenInMemory(with.device), blocksWrittenInMemory(without.device)};
        final double[] write = sideBySide(
                TURNS,
                () -> {
                    with.writeRandom(operations);
                    with.catalog.store().commit();
                },
                () -> background[0] += seconds(with::background),
                () -> {
                    without.writeRandom(operations);
                    without.catalog.store().commit();
                });
        final double writes = (TURNS + 1.0) * operations;
        final double blocksAWrite = (blocksWrittenInMemory(with.device) - blocks[0]) / writes;
        final double blocksAWriteWithout = (blocksWrittenInMemory(without.device) - blocks[1]) / writes;
        final double[] again = sideBySide(
                TURNS,
                () -> {
                    with.rewrite(operations);
                    with.catalog.store().commit();
                },
                () -> {
                    without.rewrite(operations);
                    without.catalog.store().commit();
                });
        final String middle = "vm@s" + snapshots / 2;
        final double[] read;
        try (Export past = with.catalog.exports().open(middle)) {
            read = sideBySide(
                    TURNS,
                    () -> with.readRandom(with.export, operations),
                    () -> without.readRandom(without.export, operations),
                    () -> with.readRandom(past, operations));
        }
        final int[] extra = {0};
        final double[] create = sideBySide(
                41,
                () -> with.snapshot("x" + snapshots + "-" + extra[0]++),
                () -> {
                    without.writeRandom(1);
                    without.export.flush();
                },
                () -> {
                    with.writeRandom(1);
                    with.export.flush();
                });
        final List<Snapshot> more = with.catalog.snapshots("vm").stream()
                .filter(snapshot -> snapshot.name().startsWith("x"))
                .toList();
        with.catalog.thinSnapshots(more);
        while (with.catalog.reclaimStep()) {
            // Until there are as many again as there should be.
        }
        final double list = seconds(() -> with.catalog.snapshots("vm"));
        report(
                "curve",
                "snapshots",
                snapshots,
                "writesPerSecond",
                operations / write[0],
                "writesPerSecondWithout",
                operations / write[2],
                "firstWriteRatio",
                write[2] / write[0],
                "backgroundMicros",
                background[0] / writes * 1e6,
                "blocksAWrite",
                blocksAWrite,
                "blocksAWriteWithout",
                blocksAWriteWithout,
                "rewriteRatio",
                again[1] / again[0],
                "readsPerSecond",
                operations / read[0],
                "readRatio",
                read[1] / read[0],
                "middleReadRatio",
                read[0] / read[2],
                "createToFlushedWrite",
                create[0] / create[1],
                "createMicros",
                create[0] * 1e6,
                "flushedWriteMicros",
                create[2] * 1e6,
                "flushedWriteMicrosWithout",
                create[1] * 1e6,
                "firstWriteMicros",
                write[0] / operations * 1e6,
                "rewriteMicros",
                again[0] / operations * 1e6,
                "readMicros",
                read[0] / operations * 1e6,
                "middleReadMicros",
                read[2] / operations * 1e6,
                "listSeconds",
                list);
    }

    /** Reading from end to end after many snapshots of random overwrites, beside a volume imported fresh. */
    private void sequential() {
        final int chunks = Math.max(2048, scaled(1 << 18));
        final long storeBytes = (8L << 30) * Math.max(5, scale) / 100;
        try (Subject old = new Subject("old", storeBytes, chunks).filled();
                Subject fresh = new Subject("fresh", storeBytes, chunks).filled()) {
            final int snapshots = Math.max(10, scaled(10_000));
            for (int i = 0; i < snapshots; i++) {
                old.writeRandom(8);
                old.snapshot("s" + i);
            }
            final double[] taken = sideBySide(5, old::readAll, fresh::readAll);
            while (old.catalog.defragmentStep()) {
                // What a daemon does while no client asks for anything.
            }
            old.catalog.store().commit();
            final double[] inOrder = sideBySide(5, old::readAll, fresh::readAll);
            final long kept = (long) snapshots * 8;
            final long metadata = old.catalog.store().usedBlocks() - dataBlocks(old);
            final long before = fresh.catalog.store().usedBlocks() - dataBlocks(fresh);
            report(
                    "sequential",
                    "snapshots",
                    snapshots,
                    "chunks",
                    chunks,
                    "overwrites",
                    kept,
                    "mibPerSecond",
                    chunks / 256.0 / taken[0],
                    "ratioToFresh",
                    taken[1] / taken[0],
                    "ratioToFreshDefragmented",
                    inOrder[1] / inOrder[0],
                    "metadataBytesPerOverwrite",
                    (metadata - before) * (double) CHUNK / kept);
        }
    }

    private static long dataBlocks(final Subject subject) {
        subject.catalog.store().commit();
        return Ownership.of(subject.catalog).blocks();
    }

    /**
     * A snapshot a round and the oldest deleted, for ever, beside the same without deletion. That one begins anew when it has
     * twice as many snapshots: so the two differ in the deletion, and little in the size of their histories.
     */
    private void window() {
        final int chunks = Math.max(4096, scaled(1 << 18));
        final int rounds = Math.max(60, scaled(20_000));
        final int kept = Math.max(20, scaled(1_000));
        final long storeBytes = (chunks + 2 * kept * 256L + (1L << 17)) * 5 / 4 * CHUNK;
        Subject without = null;
        try (Subject with = new Subject(chunks, sparse("window", storeBytes), null).filled()) {
            with.startBackground();
            final int turnRounds = Math.max(1, Math.min(rounds / 40, kept / 4));
            final int[] done = new int[2];
            final List<Double> ratios = new ArrayList<>();
            final List<Double> headRatios = new ArrayList<>();
            final List<Double> ratiosWithBackground = new ArrayList<>();
            final List<Long> backlog = new ArrayList<>();
            final List<Long> used = new ArrayList<>();
            final IntConsumer one = round -> round(with, round, kept);
            long backgroundAll = 0;
            while (done[0] < rounds) {
                headSeconds = 0;
                final double a = processorSeconds(() -> rounds(one, done, 0, turnRounds));
                final double head = headSeconds;
                if (without == null || done[1] + turnRounds > 2 * kept) {
                    without = startedAnew(without, chunks, storeBytes, Math.min(kept, done[0]));
                    done[1] = Math.min(kept, done[0]);
                }
                final Subject endless = without;
                final IntConsumer other = round -> round(endless, round, Integer.MAX_VALUE);
                final double b = processorSeconds(() -> rounds(other, done, 1, turnRounds));
                final long nanos = with.takeBackgroundNanos();
                final double otherBackground = without.takeBackgroundNanos() / 1e9;
                backgroundAll += nanos;
                if (done[0] > kept + turnRounds) {
                    ratios.add(b / a);
                    headRatios.add(b / head);
                    ratiosWithBackground.add((b + otherBackground) / (a + nanos / 1e9));
                    backlog.add(with.catalog.pendingBytes() / CHUNK);
                    used.add(with.catalog.store().usedBlocks());
                }
            }
            report(
                    "window",
                    "rounds",
                    rounds,
                    "kept",
                    kept,
                    "ratioToNoDeletion",
                    median(ratios.stream().mapToDouble(Double::doubleValue).toArray()),
                    "ratioWithoutMarking",
                    median(headRatios.stream().mapToDouble(Double::doubleValue).toArray()),
                    "ratioWithBackground",
                    median(ratiosWithBackground.stream()
                            .mapToDouble(Double::doubleValue)
                            .toArray()),
                    "backgroundMicrosARound",
                    backgroundAll / 1e3 / rounds,
                    "backlogChunks",
                    backlog,
                    "usedBlocks",
                    used,
                    "blocksWritten",
                    blocksWritten(with.device));
        } finally {
            if (without != null) {
                without.close();
            }
        }
    }

    private Subject startedAnew(final Subject before, final int chunks, final long storeBytes, final int snapshots) {
        if (before != null) {
            before.close();
        }
        final Subject subject = new Subject(chunks, sparse("endless", storeBytes), null).filled();
        for (int i = 0; i < snapshots; i++) {
            round(subject, i, Integer.MAX_VALUE);
        }
        subject.startBackground();
        return subject;
    }

    private static void join(final Thread thread) {
        try {
            thread.join();
        } catch (final InterruptedException ex) {
            throw new AssertionError(ex);
        }
    }

    private static void rounds(final IntConsumer round, final int[] done, final int which, final int count) {
        for (int i = 0; i < count; i++) {
            round.accept(done[which]++);
        }
    }

    private void round(final Subject subject, final int round, final int kept) {
        headSeconds += processorSeconds(() -> {
            subject.writeRandom(256);
            subject.snapshot("s" + round);
        });
        if (round >= kept) {
            subject.catalog.thinSnapshots(List.of(subject.catalog.snapshot(spec("vm@s" + (round - kept)))));
        }
    }

    /** What writing and taking snapshots took, without marking deletions. */
    private double headSeconds;

    /** Blocks read to delete one snapshot that changed 1,000 chunks, by the size of the volume and of the history. */
    private void delete() {
        for (final int snapshots : new int[] {3, Math.max(3, scaled(10_000))}) {
            for (final int full : new int[] {1 << 18, 1 << 22, 1 << 25}) {
                final int chunks = Math.max(1 << 14, scaled(full));
                final SparseDevice device = new SparseDevice((chunks + (1L << 20)) * 2 * CHUNK);
                Store.format(device, "bench");
                Catalog catalog = Catalog.open(Store.open(device), Clock.systemUTC());
                catalog.createVolume("vm", (long) chunks * CHUNK);
                prepareDeletion(catalog, chunks, snapshots);
                catalog.close();
                catalog = Catalog.open(Store.open(device), Clock.systemUTC());
                final long before = device.blocksRead.get();
                catalog.deleteSnapshots(List.of(catalog.snapshot(spec("vm@b"))));
                while (catalog.reclaimStep()) {
                    // Until its space is back.
                }
                report(
                        "delete",
                        "snapshots",
                        snapshots,
                        "volumeChunks",
                        chunks,
                        "changedChunks",
                        1000,
                        "blocksRead",
                        device.blocksRead.get() - before,
                        "freedChunks",
                        catalog.reclaimStatus().reclaimedBytes() / CHUNK);
                catalog.close();
            }
        }
    }

    private void prepareDeletion(final Catalog catalog, final int chunks, final int snapshots) {
        try (Export export = catalog.exports().open("vm")) {
            for (long chunk = 0; chunk < chunks; chunk += 256) {
                export.write(chunk * CHUNK, buffer, 0, (int) Math.min(256, chunks - chunk) * CHUNK, false);
            }
            for (int i = 3; i < snapshots; i++) {
                export.write((long) random.nextInt(chunks) * CHUNK, buffer, 0, CHUNK, false);
                catalog.createSnapshots(List.of("vm"), "s" + i, Map.of());
            }
            final long[] changed = random.longs(1000, 0, chunks).toArray();
            for (final String name : List.of("a", "b", "c")) {
                for (final long chunk : changed) {
                    export.write(chunk * CHUNK, buffer, 0, CHUNK, false);
                }
                catalog.createSnapshots(List.of("vm"), name, Map.of());
            }
        }
    }

    /** Blocks that cleaning moves for each block written, in stores that are ever fuller. */
    private void clean() {
        for (final int percent : new int[] {50, 80, 90, 95}) {
            final int segments = Math.max(40, scaled(512));
            final int chunks = (int) (segments * 1024L * percent / 100);
            try (Subject subject = new Subject("clean" + percent, (long) segments << 22, chunks).filled()) {
                final SparseDevice device = subject.device instanceof SparseDevice sparse ? sparse : null;
                final int writes = 2 * chunks;
                subject.writeRandom(chunks); // Until holes are everywhere.
                subject.catalog.store().commit();
                final long cleaned = subject.catalog.movedBytes();
                final long before = device == null ? 0 : device.blocksWritten.get();
                for (int done = 0; done < writes; done += 64) {
                    subject.writeRandom(64);
                    for (int i = 0; i < 4 && subject.catalog.cleanStep(); i++) {
                        // As much as keeps up.
                    }
                    if (done % 1024 == 0) {
                        subject.catalog.store().commit();
                    }
                }
                final double moved = (subject.catalog.movedBytes() - cleaned) / (double) CHUNK;
                report(
                        "clean",
                        "percentFull",
                        percent,
                        "segments",
                        segments,
                        "writes",
                        writes,
                        "dataAmplification",
                        (writes + moved) / writes,
                        "allAmplification",
                        device == null ? 0.0 : (device.blocksWritten.get() - before) / (double) writes);
            }
        }
    }

    /** What a flushed random overwrite writes: itself, nodes, superblocks, its part of all folds. A snapshot every 5 s. */
    private void flush() {
        for (final int chunks : new int[] {Math.max(1 << 14, scaled(1 << 19)), Math.max(1 << 14, scaled(1 << 26))}) {
            final SparseDevice device = new SparseDevice((chunks + (1L << 20)) * 5 / 4 * CHUNK);
            try (Subject subject = new Subject(chunks, device, null).filled()) {
                flushed(subject, 1, 1, "start");
                for (final int together : new int[] {1, 8}) {
                    final int writes = Math.max(1000, scaled(together == 1 ? 20_000 : 55_000)); // In 5 seconds.
                    flushed(subject, together, writes, "before" + together);
                    final long before = blocksWritten(device);
                    flushed(subject, together, writes, "counted" + together);
                    report(
                            "flush",
                            "mappedChunks",
                            chunks,
                            "writesInOneCommit",
                            together,
                            "kibAWrite",
                            (blocksWritten(device) - before) * (CHUNK / 1024.0) / writes);
                }
            }
        }
    }

    private static void flushed(final Subject subject, final int together, final int writes, final String snapshot) {
        subject.snapshot(snapshot);
        for (int done = 0; done < writes; done += together) {
            subject.writeRandom(together);
            subject.export.flush();
            if (done / WRITES_A_STEP != (done + together) / WRITES_A_STEP) {
                subject.catalog.reclaimStep();
            }
        }
    }

    /** A store with many snapshots, left in the directory for whoever lists them. */
    private void list() {
        final BlockDevice device = FileBlockDevice.create(fileOf("list"), 1L << 30, false);
        Store.format(device, "bench");
        try (Catalog catalog = Catalog.open(Store.open(device), Clock.systemUTC())) {
            catalog.createVolume("vm", 1L << 30);
            try (Export export = catalog.exports().open("vm")) {
                for (int i = 0; i < scaled(100_000); i++) {
                    export.write((long) random.nextInt(4096) * CHUNK, buffer, 0, CHUNK, false);
                    catalog.createSnapshots(List.of("vm"), null, Map.of(Snapshot.ROLLING, "true"));
                }
            }
        }
    }

    /**
     * What memory a map of single chunks and many snapshots take, at a sixteenth and at the whole: so what depends on the size can
     * be told from what does not. And what the region bitmaps of so many snapshots take on the device.
     */
    private void heap() {
        final int chunks = Integer.getInteger("history.chunks", Math.max(1 << 14, scaled(1 << 24)));
        heap(Math.max(1 << 13, chunks / 16 & -2)); // An even number.
        heap(chunks & -2);
    }

    private void heap(final int chunks) {
        final int snapshots = Math.max(10, scaled(100_000));
        final int writes = 10;
        final long blocks = chunks + snapshots * (long) writes + chunks / 16 + (1L << 18);
        final BlockDevice device = sparse("heap", blocks * 5 / 4 * CHUNK);
        Store.format(device, "bench");
        final Catalog catalog = Catalog.open(Store.open(device, Clock.systemUTC(), 16_384), Clock.systemUTC());
        catalog.createVolume("vm", (long) chunks * CHUNK);
        try (Export export = catalog.exports().open("vm")) {
            for (int i = 0; i < chunks; i++) { // Two and two the wrong way round: so none of them are joined.
                export.write((long) (i ^ 1) * CHUNK, buffer, 0, CHUNK, false);
            }
            for (int i = 0; i < snapshots; i++) {
                for (int write = 0; write < writes; write++) {
                    export.write((long) random.nextInt(chunks) * CHUNK, buffer, 0, CHUNK, false);
                }
                catalog.createSnapshots(List.of("vm"), "s" + i, Map.of());
                catalog.reclaimStep();
            }
        }
        final List<Snapshot> all = catalog.snapshots("vm");
        final int marked = Math.min(1000, snapshots / 2);
        final double mark =
                processorSeconds(() -> catalog.thinSnapshots(all.subList(snapshots / 4, snapshots / 4 + marked)));
        while (catalog.reclaimStep()) {
            // Which reads the list of all snapshots.
        }
        final long inMemory = device instanceof SparseDevice memory ? memory.bytes() : 0;
        System.gc();
        final Runtime runtime = Runtime.getRuntime();
        final double heap = (runtime.totalMemory() - runtime.freeMemory() - inMemory) / (double) (1 << 20);
        catalog.store().commit();
        final long[] nodes = new long[16];
        catalog.store().forest().walk((tree, level, home, page) -> nodes[tree]++);
        report(
                "heap",
                "mappedChunks",
                chunks,
                "snapshots",
                snapshots,
                "heapMib",
                heap,
                "headNodes",
                nodes[OpenedStore.HEAD],
                "historyNodes",
                nodes[OpenedStore.HISTORY],
                "regionNodes",
                nodes[OpenedStore.REGIONS],
                "regionBytesAnOverwrite",
                nodes[OpenedStore.REGIONS] * (double) CHUNK / ((snapshots - marked) * writes),
                "markMillisASnapshot",
                mark * 1e3 / marked);
        catalog.close();
    }
}
