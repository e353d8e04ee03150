package io.icecore.volume.iscsi.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FailureLogTest {
    private static final long SECOND = 1_000_000_000;

    private final ByteArrayOutputStream log = new ByteArrayOutputStream();
    private final PrintStream standardError = System.err;
    private long now = Long.MAX_VALUE - SECOND; // Clocks of this kind overflow.
    private final FailureLog failures = new FailureLog("vm1", () -> now);

    @BeforeEach
    void catchLog() {
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void releaseLog() {
        System.setErr(standardError);
    }

    private List<String> lines() {
        return log.toString(StandardCharsets.UTF_8).lines().toList();
    }

    @Test
    void saysInOneLineWhatTheStoreOrAClosingServerFailsWith() {
        final List<RuntimeException> failures = List.of(
                new StoreException("read of 4096 bytes failed", new IllegalStateException("cause")),
                new CorruptStoreException("node", 4096, "checksum"),
                new RejectedExecutionException("closing"),
                new IllegalStateException("export is closed: vm1"),
                new IllegalArgumentException("range: 0+4096"));
        for (final RuntimeException failure : failures) {
            this.failures.failed(failure);
            now += SECOND;
        }

        assertThat(lines()).hasSize(failures.size());
        for (int i = 0; i < failures.size(); i++) {
            assertThat(lines().get(i))
                    .contains("WARN", "command failed: export=vm1 cause=" + failures.get(i), "failuresUnlogged=0");
        }
    }

    @Test
    void saysItOnceASecondAndThenHowManyThereWere() {
        for (int i = 0; i < 100; i++) {
            failures.failed(new StoreException("write failed"));
        }
        now += SECOND - 1;
        failures.failed(new StoreException("write failed"));
        assertThat(lines()).hasSize(1);

        now += 1;
        failures.failed(new StoreException("write failed again"));

        assertThat(lines()).hasSize(2);
        assertThat(lines().get(1)).contains("write failed again", "failuresUnlogged=100");
    }

    @Test
    void tellsWhereABugIs() {
        failures.failed(new NullPointerException("bug"));

        assertThat(lines().get(0)).contains("ERROR", "because of a bug: export=vm1");
        assertThat(lines())
                .anyMatch(line -> line.startsWith("\tat " + getClass().getName() + ".tellsWhereABugIs"));
    }
}
