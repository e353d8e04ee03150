package io.icecore.cli.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.icecore.cli.tour.ExternalTool;
import io.icecore.recovery.check.StoreCheck;
import io.icecore.store.Store;
import io.icecore.store.device.IoMode;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.volume.Catalog;
import io.icecore.volume.Export;
import io.icecore.volume.iscsi.IscsiOptions;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A daemon whose device fails under it: what QEMU is told over NBD and over iSCSI, what status and the log say, that nothing
 * hangs, and that what was acknowledged is there when the device is well again.
 */
@Timeout(120)
class DeviceTroubleIT {
    private static final String ERROR = "Input/output error";
    private static final String ACKNOWLEDGED = "read -P 1 0 1M";

    @TempDir
    private Path directory;

    private final PrintStream standardError = System.err;
    private final ByteArrayOutputStream log = new ByteArrayOutputStream();
    private final SimBlockDevice device = new SimBlockDevice(64L << 20, 4711);
    private Daemon daemon;
    private String nbd;
    private String iscsi;

    @BeforeEach
    void serve() throws Exception {
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8)); // Where the log goes.
        Store.format(device, "sim");
        final Catalog catalog = Catalog.open(Store.open(device), Clock.systemUTC());
        catalog.createVolume("vm", 32L << 20);
        final DaemonOptions options = new DaemonOptions(
                directory.resolve("sim.store"),
                IoMode.AUTO,
                directory.resolve("control"),
                List.of(ListenAddress.unix(directory.resolve("nbd"))),
                List.of(ListenAddress.parse("127.0.0.1:0", directory)),
                IscsiOptions.DEFAULT);
        daemon = new Daemon(options, Clock.systemUTC(), self -> (request, streams) -> 0, catalog);
        nbd = "nbd+unix:///vm?socket=" + directory.resolve("nbd");
        final String portal = daemon.listening().get(1);
        iscsi = portal + (portal.endsWith("/") ? "" : "/") + "iqn.2026-11.io.icecore:sim.vm/0";
        assertThat(qemuIo(nbd, "write -P 1 0 1M", "flush", ACKNOWLEDGED)).doesNotContain("failed");
        assertThat(qemuIo(iscsi, ACKNOWLEDGED)).doesNotContain("failed");
        assertThat(health()).isEqualTo("ok");
    }

    @AfterEach
    void stop() {
        device.faults().clear();
        catchThrowable(daemon::close); // After a failed flush it says so once more.
        System.setErr(standardError);
    }

    private static String qemuIo(final String uri, final String... commands) throws Exception {
        final String[] arguments = new String[3 + 2 * commands.length];
        arguments[0] = "-f";
        arguments[1] = "raw";
        for (int i = 0; i < commands.length; i++) {
            arguments[2 + 2 * i] = "-c";
            arguments[3 + 2 * i] = commands[i];
        }
        arguments[arguments.length - 1] = uri;
        return ExternalTool.require("qemu-io").run(arguments).output();
    }

    private String health() {
        return daemon.status().health();
    }

    private String logged() {
        return log.toString(StandardCharsets.UTF_8);
    }

    /** The process dies with the device as it is; then the device is well. */
    private void requireAcknowledgedAfterwards() {
        final SimBlockDevice found = device.kill();
        try (Catalog catalog = Catalog.open(Store.open(found), Clock.systemUTC());
                Export vm = catalog.exports().open("vm")) {
            final UnsafeBuffer content = new UnsafeBuffer(new byte[1 << 20]);
            vm.read(0, content, 0, content.capacity());
            for (int at = 0; at < content.capacity(); at++) {
                assertThat(content.getByte(at)).isEqualTo((byte) 1);
            }
        }
        assertThat(new StoreCheck(found.kill(), (accounted, total) -> {}).run().errors())
                .isEmpty();
    }

    @Test
    void tellsOfReadsThatFailAndGoesOn() throws Exception {
        device.faults().failReadsWithin(0, device.length());

        assertThat(qemuIo(nbd, ACKNOWLEDGED)).contains("read failed: " + ERROR);
        assertThat(qemuIo(iscsi, ACKNOWLEDGED)).contains("read failed: " + ERROR);
        assertThat(health()).startsWith("damage found: planned failure of read");
        assertThat(daemon.status().damage()).isNotEmpty();
        assertThat(logged()).contains("planned failure of read");

        assertThat(qemuIo(nbd, "write -P 2 2M 1M", "flush")).doesNotContain("failed");
        device.faults().clear();
        assertThat(qemuIo(nbd, ACKNOWLEDGED, "read -P 2 2M 1M")).doesNotContain("failed");
        requireAcknowledgedAfterwards();
    }

    @Test
    void takesNoMoreWritesAfterAFlushThatFailedAndSaysSo() throws Exception {
        device.faults().failFlush(device.flushes()).failFlush(device.flushes() + 1);

        assertThat(qemuIo(nbd, "write -P 2 2M 1M", "flush")).contains(ERROR);
        assertThat(qemuIo(nbd, "write -P 2 4M 1M")).contains("write failed: " + ERROR);
        assertThat(qemuIo(iscsi, "write -P 2 4M 1M")).contains("write failed: " + ERROR);
        assertThat(qemuIo(iscsi, ACKNOWLEDGED)).as("reads go on").doesNotContain("failed");
        assertThat(health()).startsWith("takes no more writes: planned failure of flush");
        assertThat(logged()).contains("store failed earlier and must be reopened: sim: planned failure of flush");
        requireAcknowledgedAfterwards();
    }

    @Test
    void nothingHangsWhenTheDeviceIsGone() throws Exception {
        device.faults().failEverything();

        assertThat(qemuIo(nbd, ACKNOWLEDGED)).contains("read failed: " + ERROR);
        assertThat(qemuIo(nbd, "write -P 2 2M 1M")).contains("write failed: " + ERROR);
        assertThat(qemuIo(iscsi, ACKNOWLEDGED)).contains("read failed: " + ERROR);
        assertThat(qemuIo(iscsi, "write -P 2 2M 1M")).contains("write failed: " + ERROR);
        assertThat(health()).contains("planned disappearance of the device");
        assertThat(logged()).contains("planned disappearance of the device");
        requireAcknowledgedAfterwards();
    }
}
