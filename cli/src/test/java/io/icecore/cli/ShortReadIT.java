package io.icecore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.cli.tour.ExternalTool;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Somebody cuts off the store's file under the daemon. */
@Timeout(120)
class ShortReadIT {
    private static final long LEFT = 1 << 20;

    @TempDir
    private Path directory;

    private ServedStore served;

    @BeforeEach
    void serve() throws Exception {
        served = new ServedStore(directory);
        served.run("volume create vm1 --size 64M");
        served.start();
    }

    @AfterEach
    void stop() throws Exception {
        served.close();
    }

    private static String qemuIo(final String uri, final String command) throws Exception {
        return ExternalTool.require("qemu-io")
                .run("-f", "raw", "-c", command, uri)
                .output();
    }

    @Test
    void clientsGetAnErrorAndStatusAndTheLogSayWhy() throws Exception {
        assertThat(qemuIo(served.nbd("vm1"), "write -P 1 0 16M")).doesNotContain("failed");
        try (FileChannel file = FileChannel.open(directory.resolve("lab.store"), StandardOpenOption.WRITE)) {
            file.truncate(LEFT);
        }

        assertThat(qemuIo(served.nbd("vm1"), "read -P 1 8M 8M")).contains("read failed: Input/output error");
        assertThat(qemuIo(served.iscsi("vm1"), "read -P 1 8M 8M")).contains("read failed: Input/output error");
        assertThat(served.run("status"))
                .containsPattern("damage found: read of [0-9]+ bytes at position [0-9]+ failed");
        assertThat(served.log()).containsPattern("damage found: .*read of [0-9]+ bytes at position [0-9]+ failed");
    }
}
