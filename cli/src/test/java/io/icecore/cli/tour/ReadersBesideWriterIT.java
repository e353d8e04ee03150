package io.icecore.cli.tour;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.cli.daemon.CatalogOpening;
import io.icecore.volume.Catalog;
import io.icecore.volume.Export;
import io.icecore.volume.Snapshot;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Processes that read snapshots from the file of a store while another one writes, deletes and reclaims at full speed, in a
 * store so small that freed blocks are written again within moments. Never a wrong byte, and no error that trying again
 * does not cure.
 */
class ReadersBesideWriterIT {
    private static final int SECONDS = Integer.getInteger("readers.seconds", 12);
    private static final int READERS = 2;

    /** Exit codes of the program. */
    private static final int FAILED = 1;

    private static final int NO_SUCH = 3;
    private static final int DAMAGE = 6;
    private static final String VOLUME = "vm";
    private static final int WRITES_PER_COMMIT = 10;
    private static final int COMMITS_PER_SNAPSHOT = 4;
    private static final int SNAPSHOTS_MAX = 8;

    @TempDir
    Path folder;

    private final long seed = System.nanoTime();
    private final WriteSequence writes = new WriteSequence(seed);
    private final AtomicInteger made = new AtomicInteger();
    private volatile boolean done;

    @Test
    void neverSeeAWrongByte() throws Exception {
        final Path store = folder.resolve("shared.icecore");
        final ExecutorService threads = Executors.newCachedThreadPool();
        try (Icecore icecore = new Icecore(store, folder)) {
            icecore.run("store", "create", store.toString(), "--size", "32M");
            try (Catalog catalog = CatalogOpening.forWriting(store, Clock.systemUTC())) {
                catalog.createVolume(VOLUME, (long) WriteSequence.CHUNKS * WriteSequence.CHUNK);
                write(catalog, 50);
                catalog.hold(take(catalog), "kept");
                final Future<?> writer = threads.submit(() -> writeUntilDone(catalog));
                final List<Process> readers = new ArrayList<>();
                try {
                    for (int i = 0; i < READERS; i++) {
                        readers.add(startReader(store, i));
                    }
                    useTheProgram(icecore, catalog, System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS));
                    for (int i = 0; i < READERS; i++) {
                        proveReader(readers.get(i), i);
                    }
                } finally {
                    done = true;
                    readers.forEach(Process::destroyForcibly);
                }
                writer.get();
                System.out.println("ReadersBesideWriterIT: " + made + " writes meanwhile, "
                        + catalog.store().info().generation() + " generations");
            }
        } finally {
            done = true;
            threads.shutdown();
        }
    }

    // ---- the writer

    private void writeUntilDone(final Catalog catalog) {
        final Random random = new Random(seed);
        while (!done) {
            for (int i = 0; i < COMMITS_PER_SNAPSHOT; i++) {
                write(catalog, WRITES_PER_COMMIT);
                catalog.store().commit();
                catalog.reclaimStep();
            }
            take(catalog);
            final List<Snapshot> free = catalog.snapshots(VOLUME).stream()
                    .filter(snapshot -> snapshot.holds().isEmpty())
                    .toList();
            if (free.size() > SNAPSHOTS_MAX) {
                catalog.deleteSnapshots(List.of(free.get(random.nextInt(free.size()))));
            }
        }
    }

    private void write(final Catalog catalog, final int count) {
        try (Export export = catalog.exports().open(VOLUME)) {
            for (int i = 0; i < count; i++) {
                final int ordinal = made.get() + 1;
                final ByteBuffer content = writes.content(ordinal);
                export.write(
                        (long) writes.range(ordinal)[0] * WriteSequence.CHUNK,
                        new UnsafeBuffer(content),
                        0,
                        content.remaining(),
                        false);
                made.set(ordinal);
            }
        }
    }

    private Snapshot take(final Catalog catalog) {
        return catalog.createSnapshots(List.of(VOLUME), "c" + made.get(), Map.of())
                .get(0);
    }

    // ---- the readers

    private Process startReader(final Path store, final int number) throws IOException {
        final List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(option -> !option.startsWith("-agentlib:jdwp") && !option.startsWith("-javaagent"))
                .forEach(command::add);
        command.addAll(List.of(
                "-cp",
                System.getProperty("java.class.path"),
                ReaderProcess.class.getName(),
                store.toString(),
                VOLUME,
                Long.toString(seed),
                Integer.toString(SECONDS)));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(outputOf(number).toFile())
                .start();
    }

    private Path outputOf(final int number) {
        return folder.resolve("reader" + number + ".txt");
    }

    private void proveReader(final Process reader, final int number) throws Exception {
        assertThat(reader.waitFor(SECONDS + 60, TimeUnit.SECONDS)).isTrue();
        final String output = Files.readString(outputOf(number), StandardCharsets.UTF_8);
        assertThat(reader.exitValue()).as(output).isZero();
        System.out.println("ReadersBesideWriterIT: reader " + number + " " + output.strip());
        assertThat(output).contains("read=").doesNotContain("read=0").doesNotContain("refreshed=0");
    }

    /** Commands as anybody may type them, each in a process of its own. */
    private void useTheProgram(final Icecore icecore, final Catalog catalog, final long end) throws Exception {
        final Random random = new Random();
        final String held = catalog.snapshots(VOLUME).get(0).name();
        int exported = 0;
        int gone = 0;
        while (System.nanoTime() < end || exported < 3) {
            assertThat(icecore.run("snapshot", "list", VOLUME, "--json")).contains("\"" + held + "\"");
            final List<Snapshot> all = catalog.snapshots(VOLUME);
            // Every other time the one that is held: most of the others are deleted before a process has begun to read.
            final Snapshot chosen = all.get((exported + gone) % 2 == 0 ? 0 : random.nextInt(all.size()));
            final Path image = folder.resolve("image");
            Icecore.Result result = icecore.tryRun("volume", "export", chosen.spec(), image.toString());
            if (result.exitCode() == FAILED || result.exitCode() == DAMAGE) {
                System.out.println("ReadersBesideWriterIT: tried again after: " + result.err());
                result = icecore.tryRun("volume", "export", chosen.spec(), image.toString());
            }
            if (result.exitCode() == NO_SUCH) {
                assertThat(catalog.snapshots(VOLUME)).doesNotContain(chosen); // Deleted in the meantime.
                gone++;
            } else {
                assertThat(result.exitCode()).as(result.err()).isZero();
                final String difference = writes.difference(
                        ByteBuffer.wrap(Files.readAllBytes(image)),
                        Integer.parseInt(chosen.name().substring(1)));
                assertThat(difference).as(chosen.spec()).isNull();
                Files.delete(image);
                exported++;
            }
        }
        System.out.println("ReadersBesideWriterIT: " + exported + " exports proved, " + gone + " deleted meanwhile");
    }
}
