package io.icecore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.icecore.cli.daemon.Daemon;
import io.icecore.cli.daemon.DaemonOptions;
import io.icecore.cli.daemon.ListenAddress;
import io.icecore.volume.Export;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The commands with a daemon: each goes through its control socket. */
class DaemonCommandsTest extends CommandsContract {
    private Daemon daemon;

    @Override
    void storeCreated() {
        final Path store = store();
        daemon = new Daemon(
                new DaemonOptions(
                        store,
                        new StoreLocation(store).controlSocket(),
                        List.of(ListenAddress.unix(new StoreLocation(store).nbdSocket()))),
                Clock.systemUTC(),
                running -> ServeCommand.executorFor(running, Clock.systemUTC()));
    }

    @AfterEach
    void stopDaemon() throws InterruptedException {
        daemon.close();

        assertThat(directory.resolve("ice.store.sock")).doesNotExist();
        assertThat(directory.resolve("ice.store.nbd")).doesNotExist();
        awaitNoThreadsOfADaemon();
    }

    private static void awaitNoThreadsOfADaemon() throws InterruptedException {
        final long deadline = System.nanoTime() + 5_000_000_000L;
        while (!threadsOfADaemon().isEmpty() && System.nanoTime() < deadline) {
            Thread.sleep(10);
        }
        assertThat(threadsOfADaemon()).isEmpty();
    }

    private static List<String> threadsOfADaemon() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(Thread::isAlive)
                .map(Thread::getName)
                .filter(name ->
                        name.matches("(control|nbd|iscsi|volume-worker|commit-timer|snapshot-timer|reclaimer).*"))
                .toList();
    }

    @Test
    void tellsHowItIsDoing() throws IOException {
        run("volume create vm1 --size 1M");

        final JsonNode status = new ObjectMapper().readTree(run("status --json").out());

        assertThat(status.get("health").asText()).isEqualTo("ok");
        assertThat(status.get("exports").get(0).asText()).isEqualTo("vm1");
        assertThat(status.get("listening").get(0).asText()).startsWith("nbd+unix:///?socket=");
        assertThat(status.get("clients")).isEmpty();
        assertThat(status.get("nodeCache").get("hits").asLong()).isPositive();
        assertThat(status.get("nodeCache").get("nodes").asInt())
                .isBetween(1, status.get("nodeCache").get("capacity").asInt());
        assertThat(status.get("processId").asLong())
                .isEqualTo(ProcessHandle.current().pid());
        assertThat(run("status").out()).contains("health", "listening", "deletion", "node cache");
    }

    /** 64 MiB are written through in a second or two: the check has to ask that nothing be reused meanwhile. */
    @Test
    void checksASmallStoreHoweverBusyItIs() throws Exception {
        run("volume create vm1 --size 8M");
        final AtomicBoolean stop = new AtomicBoolean();
        final FutureTask<Boolean> writer = new FutureTask<>(() -> overwriteUntil(stop), true);
        new Thread(writer, "writer").start();
        try {
            for (int i = 0; i < 8; i++) {
                final CommandRun check = run("check");
                assertThat(check.out()).startsWith("consistent");
                assertThat(check.code()).as(check.err()).isZero();
            }
        } finally {
            stop.set(true);
            writer.get();
        }
    }

    private void overwriteUntil(final AtomicBoolean stop) {
        final UnsafeBuffer bytes = new UnsafeBuffer(new byte[4096]);
        try (Export export = daemon.catalog().exports().open("vm1")) {
            for (long i = 0; !stop.get(); i++) {
                bytes.putLong(0, i);
                export.write(i * 7919 % 2048 * 4096, bytes, 0, 4096, true);
            }
        }
    }

    @Test
    void lendsItsStoreOnlyAsLongAsSomebodyReads() throws InterruptedException {
        run("volume create vm1 --size 1M");
        try (DaemonReading reading = DaemonReading.begin(console(), new StoreLocation(store()))) {
            assertThat(reading.undisturbed()).isTrue();
            assertThat(reading.undisturbed()).isTrue();
            run("volume create vm2 --size 1M");
            assertThat(daemon.catalog().store().releasePinned()).isTrue(); // As a writer does that finds no space.
            assertThat(reading.undisturbed()).isFalse();
        }
        try (DaemonReading nobody = DaemonReading.begin(console(), new StoreLocation(directory.resolve("other")))) {
            assertThat(nobody.undisturbed()).isFalse();
        }
        assertThat(run("--help").out()).doesNotContain("reading");
    }

    private Console console() {
        return new Console(
                InputStream.nullInputStream(),
                OutputStream.nullOutputStream(),
                OutputStream.nullOutputStream(),
                directory,
                ConsoleFeatures.PLAIN,
                Clock.systemUTC());
    }

    @Test
    void checksAndScrubsTheLiveStore() throws IOException {
        Files.write(directory.resolve("image"), image());
        run("volume import vm1 image");

        assertThat(run("check").out()).startsWith("consistent: generation ");
        assertThat(run("scrub --rate max").out()).startsWith("sound: 80K of data read");
        assertThat(run("status").out()).containsPattern("scrub +ended .*, 80K read, no damage");
        assertThat(new ObjectMapper()
                        .readTree(run("status --json").out())
                        .get("health")
                        .asText())
                .isEqualTo("ok");
    }

    @Test
    void damageThatReadsMeetAndThatAScrubFindsIsShownByStatus() throws IOException {
        Files.write(directory.resolve("image"), image());
        run("volume import vm1 image");
        run("volume create vm2 --size 1M"); // A commit that proves the one before durable: else this looks like a
        // torn one.
        final String entry = run("dump tree head --entries").out();
        final long data =
                Long.parseLong(entry.substring(entry.lastIndexOf(' ') + 1).strip());
        try (RandomAccessFile file = new RandomAccessFile(store().toFile(), "rw")) {
            file.seek(data * 4096);
            file.write(99);
        }

        assertThat(run("volume export vm1 copy").code()).isEqualTo(ExitCode.DAMAGE);
        final JsonNode status = new ObjectMapper().readTree(run("status --json").out());
        assertThat(status.get("health").asText()).startsWith("damage found: chunk 0 of vm1, block " + data);
        assertThat(status.get("damage")).hasSize(1);
        final CommandRun scrub = run("scrub");
        assertThat(scrub.code()).as(scrub.out() + scrub.err()).isEqualTo(ExitCode.DAMAGE);
        assertThat(run("status").out())
                .containsPattern("scrub +ended .*, 80K read, 1 damaged chunk")
                .contains("DAMAGE MET", "checksum 0x");
    }

    private static byte[] image() {
        final byte[] image = new byte[20 * 4096];
        java.util.Arrays.fill(image, (byte) 7);
        return image;
    }

    @Test
    void isFoundThroughALinkToItsStore() throws IOException {
        run("volume create vm1 --size 1M");
        Files.createSymbolicLink(directory.resolve("link"), store());

        assertThat(run("volume list --store link").out()).contains("vm1");
        assertThat(run("status --store link").code()).isZero();
    }

    @Test
    void opensNoFileThatMeansAnotherOneToTheCaller() {
        assertThat(run("volume import vm1 /dev/stdin").err())
                .contains("/dev/stdin")
                .contains("hint: use -");
        assertThat(run("volume list").out()).doesNotContain("vm1");
    }

    @Test
    void runsNoCommandThatBelongsToTheCaller() {
        assertThat(run("status extra").code()).isEqualTo(ExitCode.USAGE);
        final CommandRun second = run("serve --nbd unix:other");
        assertThat(second.code()).as(second.err()).isEqualTo(ExitCode.BUSY);
        assertThat(directory.resolve("other")).doesNotExist();
        assertThat(run("status").code()).isZero();
    }
}
