package io.icecore.volume.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.device.StoreException;
import io.icecore.volume.VolumeWorkers;
import io.icecore.volume.iscsi.scsi.ReservationStore;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What peers and a store in trouble bring about is one line in the log, without a stack trace. */
@Timeout(value = 30, unit = TimeUnit.SECONDS)
class IscsiLogTest {
    private final ByteArrayOutputStream log = new ByteArrayOutputStream();
    private final PrintStream standardError = System.err;
    private final InMemoryExports exports = new InMemoryExports().addVolume("vm1", 1 << 20);
    private final VolumeWorkers workers = new VolumeWorkers(2, 64);
    private final IscsiTarget target =
            new IscsiTarget("lab", IscsiOptions.DEFAULT, exports, ReservationStore.NONE, workers);
    private final String vm1 = target.targetName("vm1");
    private InetSocketAddress address;

    @BeforeEach
    void listen() throws IOException {
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8)); // Where the log goes.
        address = target.listen(new InetSocketAddress("127.0.0.1", 0)).address();
    }

    @AfterEach
    void releaseLog() {
        target.close();
        workers.close();
        System.setErr(standardError);
    }

    private TestInitiator connect() throws IOException {
        return new TestInitiator(address);
    }

    /** What was logged by the time that all sessions have ended; every line is a message of its own. */
    private List<String> lines() {
        target.close();
        final List<String> lines = log.toString(StandardCharsets.UTF_8).lines().toList();
        assertThat(lines).allMatch(line -> line.matches("\\[\\S+\\] (INFO|WARN) \\S+ - .*"));
        return lines;
    }

    @Test
    void whatIsNoIscsiAtAll() throws IOException {
        try (TestInitiator peer = connect()) {
            peer.sendRaw("GET / HTTP/1.1\r\nHost: icecore\r\nAccept: nothing at all\r\n\r\n".getBytes());
            assertThat(peer.isClosed()).isTrue();
        }
        assertThat(lines())
                .filteredOn(line -> line.contains("WARN"))
                .singleElement()
                .asString()
                .contains("connection dropped: peer=/127.0.0.1");
    }

    @Test
    void anInitiatorThatSendsALineBreakForItsName() throws IOException {
        try (TestInitiator peer = connect().with("InitiatorName", "iqn.x\nERROR forged")) {
            peer.login(vm1);
        }
        assertThat(lines())
                .filteredOn(line -> line.contains("WARN"))
                .singleElement()
                .asString()
                .contains("login refused: peer=/127.0.0.1")
                .doesNotContain("forged");
    }

    @Test
    void aNumberLeftOut() throws IOException {
        try (TestInitiator peer = connect().loggedIn(vm1)) {
            peer.commandSn += 5;
            peer.sendCommand(TestInitiator.read10(0, 1), 0xc0, 512, new byte[0]);
            assertThat(peer.isClosed()).isTrue();
        }
        assertThat(lines())
                .filteredOn(line -> line.contains("WARN"))
                .singleElement()
                .asString()
                .contains("connection dropped:", "initiator=" + TestInitiator.NAME, "problem=CmdSN: ");
    }

    @Test
    void connectionsThatBreakOff() throws Exception {
        for (int round = 0; round < 10; round++) {
            try (TestInitiator peer = connect().loggedIn(vm1)) {
                for (int i = 0; i < 8; i++) {
                    peer.sendCommand(TestInitiator.read10(0, 2048), 0xc0, 2048 * 512, new byte[0]);
                    peer.sendCommand(TestInitiator.write10(8 * i, 8), 0xa0, 4096, new byte[4096]);
                }
                peer.sendRaw(new byte[20]); // Half of a header; and answers that nobody reads.
            }
            try (Socket peer = new Socket(address.getAddress(), address.getPort())) {
                peer.setSoLinger(true, 0);
            }
        }
        assertThat(lines())
                .anyMatch(line -> line.contains("INFO") && line.contains("connection lost: peer=/127.0.0.1"));
    }

    @Test
    void aStoreInTrouble() throws IOException {
        try (TestInitiator peer = connect().loggedIn(vm1)) {
            exports.failWith("vm1", new StoreException("read failed", new IOException("Input/output error")));
            for (int i = 0; i < 20; i++) {
                assertThat(peer.command(TestInitiator.read10(0, 1), new byte[0], 512)
                                .status())
                        .isEqualTo(2);
            }
        }
        assertThat(lines())
                .filteredOn(line -> line.contains("command failed: export=vm1 cause="))
                .hasSizeBetween(1, 19);
    }

    @Test
    void aStoreThatCannotTellItsExports() throws IOException {
        exports.failToOpenWith(new StoreException("read failed", new IOException("Input/output error")));
        try (TestInitiator peer = connect()) {
            assertThat(peer.login(vm1).u16(36)).isEqualTo(0x0300);
        }
        try (TestInitiator peer = connect().with("SessionType", "Discovery")) {
            peer.keys.remove("TargetName");
            peer.login((String) null);
            peer.sendTargets("All");
        } catch (final IOException ex) {
            assertThat(ex).as("the connection ends").isNotNull();
        }
        assertThat(lines())
                .anyMatch(line -> line.contains("target cannot be opened: target=" + vm1))
                .anyMatch(line -> line.contains("connection dropped:")
                        && line.contains("problem=" + StoreException.class.getName()));
    }

    @Test
    void aServerThatClosesUnderItsInitiators() throws IOException {
        try (TestInitiator peer = connect().loggedIn(vm1)) {
            workers.close();
            peer.sendCommand(TestInitiator.cdb(0x35, 10), 0x80, 0, new byte[0]);
            assertThat(peer.receive().u8(3)).isEqualTo(2);
        }
        assertThat(lines()).anyMatch(line -> line.contains("command failed: export=vm1 cause="));
    }
}
