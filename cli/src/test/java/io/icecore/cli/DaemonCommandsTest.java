package io.icecore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.icecore.cli.daemon.Daemon;
import io.icecore.cli.daemon.DaemonOptions;
import io.icecore.cli.daemon.ListenAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
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
                .filter(name -> name.matches("(control|nbd|volume-worker|commit-timer|snapshot-timer|reclaimer).*"))
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
        assertThat(status.get("processId").asLong())
                .isEqualTo(ProcessHandle.current().pid());
        assertThat(run("status").out()).contains("health").contains("listening").contains("deletion");
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
