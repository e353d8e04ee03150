package io.icecore.volume.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.device.NoSpaceException;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.volume.VolumeWorkers;
import io.icecore.volume.iscsi.scsi.ReservationStore;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Whole sessions over a socket, with an initiator that does what the test says: login and reinstatement (RFC 7143 sections
 * 6.3.1, 6.3.5), data (4.2.5.2), the command window (4.2.2.1), digests (7.7), task management (11.5), asynchronous messages
 * (11.9), SendTargets (appendix C), NOP (11.18), logout (11.14), rejects (11.17).
 */
@Timeout(value = 30, unit = TimeUnit.SECONDS)
class IscsiTargetTest {
    private static final long SIZE = 64 << 20;
    private static final IscsiOptions OPTIONS = IscsiOptions.DEFAULT;

    private final InMemoryExports exports = new InMemoryExports().addVolume("vm1", SIZE);
    private final VolumeWorkers workers = new VolumeWorkers(2, 64);
    private IscsiTarget target;
    private InetSocketAddress address;
    private String vm1;

    @BeforeEach
    void listen() throws IOException {
        serve(OPTIONS);
    }

    @AfterEach
    void closeAll() throws InterruptedException {
        target.close();
        workers.close();
        assertThat(exports.open).as("exports left open").hasValue(0);
        for (final Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("iscsi-")) {
                thread.join(TestInitiator.TIMEOUT_MILLIS); // It has ended its session and is about to end itself.
                assertThat(thread.isAlive()).as("thread left: " + thread).isFalse();
            }
        }
    }

    private void serve(final IscsiOptions options) throws IOException {
        if (target != null) {
            target.close();
        }
        target = new IscsiTarget("lab", options, exports, ReservationStore.NONE, workers);
        address = target.listen(new InetSocketAddress("127.0.0.1", 0)).address();
        vm1 = target.targetName("vm1");
    }

    private TestInitiator connect() throws IOException {
        return new TestInitiator(address);
    }

    private static byte[] random(final int length) {
        final byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    // Discovery and login

    @Test
    void listsVolumesAndSnapshotsInADiscoverySession() throws IOException {
        exports.addSnapshot("vm1", "monday");
        try (TestInitiator initiator = connect().with("SessionType", "Discovery")) {
            initiator.login((String) null);
            final String portal = "TargetAddress=127.0.0.1:" + address.getPort() + ",1\0";
            assertThat(initiator.sendTargets("All"))
                    .isEqualTo("TargetName=iqn.2026-11.io.icecore:lab.vm1\0" + portal
                            + "TargetName=iqn.2026-11.io.icecore:lab.vm1.at.monday\0" + portal);
        }
    }

    @Test
    void splitsALongListOfTargetsByWhatTheInitiatorTakes() throws IOException {
        for (int i = 0; i < 100; i++) {
            exports.addVolume("volume-with-a-long-name-" + i, 4096);
        }
        try (TestInitiator initiator =
                connect().with("SessionType", "Discovery").with("MaxRecvDataSegmentLength", "512")) {
            initiator.login((String) null);
            assertThat(initiator.sendTargets("All").split("TargetName=")).hasSize(102);
        }
    }

    @Test
    void refusesATargetThatDoesNotExist() throws IOException {
        try (TestInitiator initiator = connect()) {
            assertThat(initiator.login(vm1 + "x").u16(36)).isEqualTo(0x0203);
            assertThat(initiator.isClosed()).isTrue();
        }
    }

    @Test
    void admitsOnlyInitiatorsOfTheList() throws IOException {
        serve(OPTIONS.withAccess(new IscsiAccess(Set.of("iqn.2026-11.io.icecore.test:other"), List.of(), null)));
        try (TestInitiator initiator = connect()) {
            assertThat(initiator.login(vm1).u16(36)).isEqualTo(0x0202);
        }
        try (TestInitiator initiator = connect().with("InitiatorName", "iqn.2026-11.io.icecore.test:OTHER")) {
            assertThat(initiator.login(vm1).u16(36)).isZero();
        }
    }

    @Test
    void admitsNobodyWithoutTheSecretWhenThereIsOne() throws IOException {
        serve(OPTIONS.withAccess(new IscsiAccess(Set.of(), List.of(new ChapCredential("me", "secret-secret")), null)));
        try (TestInitiator initiator = connect()) {
            assertThat(initiator.login(vm1).u16(36)).isEqualTo(0x0201);
        }
        try (TestInitiator initiator = connect().with("AuthMethod", "None")) {
            assertThat(initiator
                            .login(0x81, initiator.with("TargetName", vm1).keys)
                            .u16(36))
                    .isEqualTo(0x0201);
        }
    }

    @Test
    void endsTheOldSessionOfAPortThatLogsInAgain() throws IOException {
        try (TestInitiator first = connect().loggedIn(vm1);
                TestInitiator second = connect()) {
            second.login(vm1);
            assertThat(first.isClosed()).isTrue();
            final TestInitiator.Result result = second.command(TestInitiator.cdb(0, 6), new byte[0], 0);
            assertThat(result.senseCode()).as("I_T NEXUS LOSS OCCURRED").isEqualTo(0x2907);
            assertThat(target.sessions()).hasSize(1);
        }
    }

    @Test
    void keepsSessionsOfDifferentPortsApart() throws IOException {
        final TestInitiator other = connect();
        other.isid++;
        try (TestInitiator first = connect().loggedIn(vm1);
                TestInitiator second = other.loggedIn(vm1)) {
            assertThat(first.command(TestInitiator.write10(0, 1), random(512), 0)
                            .status())
                    .isZero();
            assertThat(second.command(TestInitiator.read10(0, 1), new byte[0], 512)
                            .data())
                    .isEqualTo(random(512));
            assertThat(target.sessions()).hasSize(2);
            assertThat(exports.open).as("one export for both").hasValue(1);
        }
    }

    // Data

    @Test
    void writesAndReadsBackWhateverTheSizeAndTheNegotiation() throws IOException {
        for (final String initialR2t : List.of("Yes", "No")) {
            for (final String immediateData : List.of("Yes", "No")) {
                for (final String digest : List.of("None", "CRC32C")) {
                    writeAndReadBack(initialR2t, immediateData, digest);
                }
            }
        }
    }

    private void writeAndReadBack(final String initialR2t, final String immediateData, final String digest)
            throws IOException {
        try (TestInitiator initiator = connect()
                .with("InitialR2T", initialR2t)
                .with("ImmediateData", immediateData)
                .with("HeaderDigest", digest)
                .with("DataDigest", digest)
                .with("MaxRecvDataSegmentLength", "8192")
                .with("MaxBurstLength", "131072")
                .loggedIn(vm1)) {
            assertThat(initiator.headerDigest).isEqualTo("CRC32C".equals(digest));
            for (final int blocks : new int[] {1, 8, 129, 1000, 4096}) {
                final byte[] written = random(blocks * 512);
                assertThat(initiator
                                .command(TestInitiator.write10(7, blocks), written, 0)
                                .status())
                        .isZero();
                final TestInitiator.Result read =
                        initiator.command(TestInitiator.read10(7, blocks), new byte[0], written.length);
                assertThat(Arrays.equals(read.data(), written))
                        .as("%s %s %s %d blocks", initialR2t, immediateData, digest, blocks)
                        .isTrue();
            }
        }
    }

    @Test
    void takesUnsolicitedDataAfterTheCommand() throws IOException {
        try (TestInitiator initiator = connect().loggedIn(vm1)) {
            final byte[] written = random(4096);
            final int tag =
                    initiator.sendCommand(TestInitiator.write10(0, 8), 0x20, 4096, Arrays.copyOf(written, 1024));
            initiator.sendData(tag, 0xffff_ffff, 0, 1024, Arrays.copyOfRange(written, 1024, 2048), false);
            initiator.sendData(tag, 0xffff_ffff, 1, 2048, Arrays.copyOfRange(written, 2048, 4096), true);
            assertThat(initiator.finish(tag, written, 0).status()).isZero();
            assertThat(initiator
                            .command(TestInitiator.read10(0, 8), new byte[0], 4096)
                            .data())
                    .isEqualTo(written);
        }
    }

    @Test
    void failsACommandWhoseDataIsOutOfSequenceAndGoesOn() throws IOException {
        try (TestInitiator initiator = connect().loggedIn(vm1)) {
            final int tag = initiator.sendCommand(TestInitiator.write10(0, 8), 0x20, 4096, new byte[1024]);
            initiator.sendData(tag, 0xffff_ffff, 3, 1024, new byte[1024], false);
            assertThat(initiator.finish(tag, new byte[4096], 0).senseKey()).isEqualTo(0xb);
            initiator.sendData(tag, 0xffff_ffff, 1, 2048, new byte[2048], true); // The rest comes late and is ignored.
            assertThat(initiator
                            .command(TestInitiator.cdb(0, 6), new byte[0], 0)
                            .status())
                    .isZero();
        }
    }

    @Test
    void servesMoreLargeTransfersThanThereIsMemoryFor() throws IOException {
        final int blocks = 8192; // 4 MiB each; 16 MiB is what a session has for such.
        try (TestInitiator initiator = connect().loggedIn(vm1)) {
            final byte[] written = random(blocks * 512);
            final int[] writes = new int[10];
            for (int i = 0; i < writes.length; i++) {
                writes[i] = initiator.sendCommand(
                        TestInitiator.write10(0, blocks), 0xa0, written.length, Arrays.copyOf(written, 65_536));
            }
            finishAll(initiator, writes, written);
            for (int i = 0; i < writes.length; i++) {
                initiator.sendCommand(TestInitiator.read10(0, blocks), 0xc0, written.length, new byte[0]);
            }
            readAll(initiator, writes.length, written);
        }
    }

    private static void finishAll(final TestInitiator initiator, final int[] tags, final byte[] out)
            throws IOException {
        int left = tags.length;
        while (left > 0) {
            final TestInitiator.Received pdu = initiator.receive();
            if (pdu.opcode() == 0x31) {
                final int offset = pdu.u32(40);
                final byte[] part = Arrays.copyOfRange(out, offset, offset + pdu.u32(44));
                initiator.sendData(pdu.u32(16), pdu.u32(20), 0, offset, part, true);
            } else {
                assertThat(pdu.opcode()).isEqualTo(0x21);
                assertThat(pdu.u8(3)).isZero();
                left--;
            }
        }
    }

    private static void readAll(final TestInitiator initiator, final int count, final byte[] expected)
            throws IOException {
        int left = count;
        while (left > 0) {
            final TestInitiator.Received pdu = initiator.receive();
            final int from = pdu.u32(40);
            final byte[] data = pdu.data();
            assertThat(Arrays.equals(data, 0, data.length, expected, from, from + data.length))
                    .isTrue();
            left -= pdu.flags() & 1;
        }
    }

    // Failures below

    @Test
    void tellsTheInitiatorWhatWentWrongBelow() throws IOException {
        try (TestInitiator initiator = connect().loggedIn(vm1)) {
            assertSense(initiator, new NoSpaceException("full"), 0x7, 0x2707);
            assertSense(initiator, new CorruptStoreException("data block", 4096, "checksum"), 0x3, 0x1100);
            assertSense(initiator, new StoreException("device failed"), 0x4, 0x4400);
            exports.failWith("vm1", null);
            assertThat(initiator
                            .command(TestInitiator.write10(0, 1), new byte[512], 0)
                            .status())
                    .isZero();
        }
    }

    private void assertSense(
            final TestInitiator initiator, final RuntimeException failure, final int key, final int code)
            throws IOException {
        exports.failWith("vm1", failure);
        final TestInitiator.Result result = initiator.command(TestInitiator.write10(0, 1), new byte[512], 0);
        assertThat(result.status()).isEqualTo(2);
        assertThat(result.senseKey()).isEqualTo(key);
        assertThat(result.senseCode()).isEqualTo(code);
    }

    @Test
    void reportsANewSizeBeforeTheNextCommand() throws IOException {
        try (TestInitiator initiator = connect().loggedIn(vm1)) {
            exports.resize("vm1", 2 * SIZE);
            assertThat(initiator
                            .command(TestInitiator.cdb(0, 6), new byte[0], 0)
                            .senseCode())
                    .isEqualTo(0x2a09);
            final byte[] capacity = initiator
                    .command(TestInitiator.cdb(0x25, 10), new byte[0], 8)
                    .data();
            assertThat(ByteBuffer.wrap(capacity).getInt()).isEqualTo((int) (2 * SIZE / 512 - 1));
        }
    }

    // Task management

    @Test
    void abortsACommandThatWaitsForData() throws IOException {
        try (TestInitiator initiator = connect().loggedIn(vm1)) {
            final int tag = initiator.sendCommand(TestInitiator.write10(0, 8), 0xa0, 4096, new byte[0]);
            final TestInitiator.Received r2t = initiator.receive();
            assertThat(r2t.opcode()).isEqualTo(0x31);
            assertThat(initiator.taskManagement(1, tag)).isZero();
            initiator.sendData(tag, r2t.u32(20), 0, 0, new byte[4096], true);
            assertThat(initiator
                            .command(TestInitiator.cdb(0, 6), new byte[0], 0)
                            .status())
                    .isZero();
            assertThat(initiator.unasked)
                    .as("an aborted command is not answered")
                    .isEmpty();
        }
    }

    @Test
    void knowsNoTaskOfThatTag() throws IOException {
        try (TestInitiator initiator = connect().loggedIn(vm1)) {
            assertThat(initiator.taskManagement(1, 4711)).isEqualTo(1);
        }
    }

    @Test
    void givesTheWindowBackAfterAnAbort() throws IOException {
        try (TestInitiator initiator = connect().loggedIn(vm1)) {
            for (int i = 0; i < IscsiOptions.COMMANDS_MAX; i++) {
                initiator.sendCommand(TestInitiator.write10(0, 8), 0xa0, 4096, new byte[0]);
            }
            assertThat(initiator.taskManagement(2, 0xffff_ffff)).isZero();
            assertThat(initiator.maxCommandSn - initiator.commandSn + 1).isEqualTo(IscsiOptions.COMMANDS_MAX);
            assertThat(initiator
                            .command(TestInitiator.cdb(0, 6), new byte[0], 0)
                            .status())
                    .isZero();
        }
    }

    @Test
    void ignoresCommandsBeyondTheWindow() throws IOException {
        try (TestInitiator initiator = connect().loggedIn(vm1)) {
            initiator.commandSn += IscsiOptions.COMMANDS_MAX;
            initiator.sendCommand(TestInitiator.cdb(0, 6), 0x80, 0, new byte[0]);
            initiator.commandSn -= IscsiOptions.COMMANDS_MAX + 1;
            assertThat(initiator
                            .command(TestInitiator.cdb(0, 6), new byte[0], 0)
                            .status())
                    .isZero();
            assertThat(initiator.unasked).isEmpty();
        }
    }

    @Test
    void tellsOthersOfAReset() throws IOException {
        final TestInitiator other = connect();
        other.isid++;
        try (TestInitiator first = connect().loggedIn(vm1);
                TestInitiator second = other.loggedIn(vm1)) {
            assertThat(first.command(TestInitiator.cdb(0x16, 6), new byte[0], 0).status())
                    .isZero();
            assertThat(second.command(TestInitiator.cdb(0, 6), new byte[0], 0).status())
                    .isEqualTo(0x18);
            assertThat(second.taskManagement(5, 0xffff_ffff)).isZero();
            assertThat(first.command(TestInitiator.cdb(0, 6), new byte[0], 0).senseCode())
                    .isEqualTo(0x2903);
            assertThat(second.command(TestInitiator.cdb(0, 6), new byte[0], 0).senseCode())
                    .isEqualTo(0x2903);
            assertThat(second.command(TestInitiator.cdb(0, 6), new byte[0], 0).status())
                    .isZero();
        }
    }

    @Test
    void closesAllSessionsOfATargetAfterAColdReset() throws IOException {
        final TestInitiator other = connect();
        other.isid++;
        try (TestInitiator first = connect().loggedIn(vm1);
                TestInitiator second = other.loggedIn(vm1)) {
            assertThat(first.taskManagement(7, 0xffff_ffff)).isZero();
            assertThat(first.isClosed()).isTrue();
            assertThat(second.isClosed()).isTrue();
        }
    }

    @Test
    void runsAnOrderedCommandAfterAllBeforeIt() throws IOException {
        try (TestInitiator initiator = connect().loggedIn(vm1)) {
            final int write = initiator.sendCommand(TestInitiator.write10(0, 8), 0xa0, 4096, new byte[0]);
            final TestInitiator.Received r2t = initiator.receive();
            final int ordered = initiator.sendCommand(TestInitiator.read10(0, 8), 0xc2, 4096, new byte[0]);
            final int simple = initiator.sendCommand(TestInitiator.cdb(0, 6), 0x80, 0, new byte[0]);
            final byte[] written = random(4096);
            initiator.sendData(write, r2t.u32(20), 0, 0, written, true);
            assertThat(initiator.receive().u32(16)).isEqualTo(write);
            final TestInitiator.Received read = initiator.receive();
            assertThat(read.u32(16)).isEqualTo(ordered);
            assertThat(read.data()).isEqualTo(written);
            assertThat(initiator.receive().u32(16)).isEqualTo(simple);
        }
    }

    // The rest of the protocol

    @Test
    void answersAPingWithItsData() throws IOException {
        try (TestInitiator initiator = connect().loggedIn(vm1)) {
            final ByteBuffer header = TestInitiator.header(0x40, 0x80);
            header.putInt(16, 99).putInt(20, 0xffff_ffff).putInt(24, initiator.commandSn);
            initiator.send(header, new byte[] {1, 2, 3});
            final TestInitiator.Received pong = initiator.receive();
            assertThat(pong.opcode()).isEqualTo(0x20);
            assertThat(pong.u32(16)).isEqualTo(99);
            assertThat(pong.data()).containsExactly(1, 2, 3);
        }
    }

    @Test
    void pingsASilentInitiatorAndDropsOneThatDoesNotAnswer() throws IOException {
        serve(OPTIONS.withTimeouts(
                new IscsiOptions.Timeouts(Duration.ofSeconds(5), Duration.ofMillis(200), Duration.ofMillis(300))));
        try (TestInitiator initiator = connect().loggedIn(vm1)) {
            for (int i = 0; i < 3; i++) {
                final TestInitiator.Received ping = initiator.receive();
                assertThat(ping.opcode()).isEqualTo(0x20);
                final ByteBuffer pong = TestInitiator.header(0x40, 0x80);
                pong.putInt(16, 0xffff_ffff).putInt(20, ping.u32(20)).putInt(24, initiator.commandSn);
                initiator.send(pong, new byte[0]);
            }
            initiator.receive();
            assertThat(initiator.isClosed()).isTrue();
        }
    }

    @Test
    void dropsAConnectionThatNeverLogsIn() throws IOException {
        serve(OPTIONS.withTimeouts(
                new IscsiOptions.Timeouts(Duration.ofMillis(200), Duration.ofSeconds(5), Duration.ofSeconds(5))));
        try (TestInitiator initiator = connect()) {
            initiator.sendRaw(new byte[20]);
            assertThat(initiator.isClosed()).isTrue();
        }
    }

    @Test
    void rejectsWhatItDoesNotSupportAndGoesOn() throws IOException {
        try (TestInitiator initiator = connect().loggedIn(vm1)) {
            initiator.send(TestInitiator.header(0x1c, 0x80), new byte[0]);
            final TestInitiator.Received reject = initiator.receive();
            assertThat(reject.opcode()).isEqualTo(0x3f);
            assertThat(reject.u8(2)).isEqualTo(5);
            assertThat(reject.data()).hasSize(48).startsWith(0x1c);
            assertThat(initiator
                            .command(TestInitiator.cdb(0, 6), new byte[0], 0)
                            .status())
                    .isZero();
        }
    }

    @Test
    void rejectsDamagedDataAndEndsTheSession() throws IOException {
        try (TestInitiator initiator = connect().with("DataDigest", "CRC32C").loggedIn(vm1)) {
            final ByteBuffer header = TestInitiator.header(0x01, 0xa0);
            header.putInt(4, 512).putInt(16, 50).putInt(20, 512).putInt(24, initiator.commandSn);
            header.put(32, TestInitiator.write10(0, 1), 0, 16);
            initiator.sendRaw(header.array());
            initiator.sendRaw(new byte[512 + 4]);
            final TestInitiator.Received reject = initiator.receive();
            assertThat(reject.opcode()).isEqualTo(0x3f);
            assertThat(reject.u8(2)).isEqualTo(2);
            assertThat(initiator.isClosed()).isTrue();
        }
    }

    @Test
    void dropsAnInitiatorThatLeavesANumberOut() throws IOException {
        try (TestInitiator initiator = connect().loggedIn(vm1)) {
            initiator.commandSn++;
            initiator.sendCommand(TestInitiator.cdb(0, 6), 0x80, 0, new byte[0]);
            assertThat(initiator.receive().opcode()).isEqualTo(0x3f);
            assertThat(initiator.isClosed()).isTrue();
        }
    }

    @Test
    void answersALogoutAndClosesTheConnection() throws IOException {
        try (TestInitiator initiator = connect().loggedIn(vm1)) {
            assertThat(initiator.logout().u8(2)).isZero();
            assertThat(initiator.isClosed()).isTrue();
        }
    }

    @Test
    void asksInitiatorsToLogOutWhenTheirExportGoesAway() throws Exception {
        try (TestInitiator initiator = connect().loggedIn(vm1)) {
            final Thread closing = new Thread(() -> target.withdraw("vm1"::equals, Duration.ofSeconds(5)));
            closing.start();
            final TestInitiator.Received message = initiator.receive();
            assertThat(message.opcode()).isEqualTo(0x32);
            assertThat(message.u8(36)).as("logout requested").isEqualTo(1);
            initiator.logout();
            closing.join(TestInitiator.TIMEOUT_MILLIS);
            assertThat(target.sessions()).isEmpty();
            assertThat(exports.open).hasValue(0);
        }
    }

    @Test
    void dropsInitiatorsThatStayWhenTheirExportGoesAway() throws IOException {
        try (TestInitiator initiator = connect().loggedIn(vm1)) {
            target.withdraw("vm1"::equals, Duration.ofMillis(50));
            assertThat(initiator.isClosed()).isTrue();
        }
    }

    @Test
    void servesOthersWhileOneInitiatorDoesNotReadItsReplies() throws IOException {
        final TestInitiator stuck = connect();
        stuck.isid++;
        try (TestInitiator deaf = stuck.loggedIn(vm1);
                TestInitiator initiator = connect().loggedIn(vm1)) {
            for (int i = 0; i < 64; i++) {
                deaf.sendCommand(TestInitiator.read10(0, 2048), 0xc0, 1 << 20, new byte[0]);
            }
            for (int i = 0; i < 50; i++) {
                assertThat(initiator
                                .command(TestInitiator.write10(0, 8), random(4096), 0)
                                .status())
                        .isZero();
            }
        }
    }

    @Test
    void countsWhatASessionMoves() throws IOException {
        try (TestInitiator initiator = connect().loggedIn(vm1)) {
            initiator.command(TestInitiator.write10(0, 8), random(4096), 0);
            initiator.command(TestInitiator.read10(0, 16), new byte[0], 8192);
            assertThat(target.sessions()).singleElement().satisfies(session -> {
                assertThat(session.initiator()).isEqualTo(TestInitiator.NAME);
                assertThat(session.target()).isEqualTo(vm1);
                assertThat(session.commands()).isEqualTo(3);
                assertThat(session.bytesRead()).isEqualTo(8192);
                assertThat(session.bytesWritten()).isEqualTo(4096);
            });
        }
    }

    @Test
    void authenticatesBothEndsWithChap() throws Exception {
        serve(OPTIONS.withAccess(new IscsiAccess(
                Set.of(),
                List.of(new ChapCredential("me", "secret-secret")),
                new ChapCredential("you", "other-secret-1"))));
        try (TestInitiator initiator = connect().with("TargetName", vm1)) {
            final Map<String, String> names =
                    Map.of("InitiatorName", TestInitiator.NAME, "TargetName", vm1, "AuthMethod", "CHAP,None");
            assertThat(initiator.login(0x01, names).text()).contains("AuthMethod=CHAP");
            final String challenge =
                    initiator.login(0x01, Map.of("CHAP_A", "7,5")).text();
            assertThat(challenge).contains("CHAP_A=7");
            final String response = ChapAuthenticationTest.response("SHA-256", challenge, "secret-secret");
            final Map<String, String> proof =
                    Map.of("CHAP_N", "me", "CHAP_R", response, "CHAP_I", "9", "CHAP_C", "0x0102030405060708090a0b0c");
            final TestInitiator.Received last = initiator.login(0x83, proof);
            assertThat(last.u16(36)).isZero();
            assertThat(last.text())
                    .contains("CHAP_N=you")
                    .contains("CHAP_R="
                            + ChapAuthenticationTest.response(
                                    "SHA-256", "CHAP_I=9\0CHAP_C=0x0102030405060708090a0b0c\0", "other-secret-1"));
        }
    }

    @Test
    void refusesMoreConnectionsThanItMayHave() throws IOException {
        serve(OPTIONS.withLimits(new IscsiOptions.Limits(16, 1, 16 << 20)));
        try (TestInitiator first = connect().loggedIn(vm1);
                TestInitiator second = connect()) {
            assertThat(second.isClosed()).isTrue();
            assertThat(first.command(TestInitiator.cdb(0, 6), new byte[0], 0).status())
                    .isZero();
        }
    }

    @Test
    void serialisesCompareAndWriteOverAllSessions() throws Exception {
        final int rounds = 100;
        final Thread[] threads = new Thread[3];
        final int[] wins = new int[threads.length];
        for (int i = 0; i < threads.length; i++) {
            final int number = i;
            final TestInitiator initiator = connect();
            initiator.isid += i;
            initiator.loggedIn(vm1);
            threads[i] = new Thread(() -> {
                try (initiator) {
                    wins[number] = increment(initiator, rounds);
                } catch (final IOException ex) {
                    wins[number] = -1;
                }
            });
        }
        for (final Thread thread : threads) {
            thread.start();
        }
        for (final Thread thread : threads) {
            thread.join();
        }
        assertThat(wins).containsOnly(rounds);
        try (TestInitiator initiator = connect().loggedIn(vm1)) {
            final byte[] block = initiator
                    .command(TestInitiator.read10(0, 1), new byte[0], 512)
                    .data();
            assertThat(ByteBuffer.wrap(block).getInt()).isEqualTo(rounds * threads.length);
        }
    }

    /** Adds one to the first number of the unit, so many times: reads it, then replaces it if nobody was faster. */
    private static int increment(final TestInitiator initiator, final int rounds) throws IOException {
        int done = 0;
        while (done < rounds) {
            final byte[] block = initiator
                    .command(TestInitiator.read10(0, 1), new byte[0], 512)
                    .data();
            final byte[] both = Arrays.copyOf(block, 1024);
            ByteBuffer.wrap(both).putInt(512, ByteBuffer.wrap(block).getInt() + 1);
            final byte[] cdb = TestInitiator.cdb(0x89, 16);
            cdb[13] = 1;
            final TestInitiator.Result result = initiator.command(cdb, both, 0);
            if (result.status() == 0) {
                done++;
            } else {
                assertThat(result.senseKey()).as("MISCOMPARE").isEqualTo(0xe);
            }
        }
        return done;
    }

    @Test
    void closesTwiceWithoutHarm() {
        target.close();
        target.close();
        assertThatThrownBy(this::connect).isInstanceOf(IOException.class);
    }

    @Test
    void answersAPreemptAndAbortOnlyOnceTheVictimIsStill() throws Exception {
        final TestInitiator other = connect();
        other.isid++;
        try (TestInitiator victim = connect().loggedIn(vm1);
                TestInitiator winner = other.loggedIn(vm1)) {
            reserveOut(victim, 0, 0, 0x11);
            reserveOut(winner, 0, 0, 0x22);
            exports.holdWrites();
            victim.sendCommand(TestInitiator.write10(0, 8), 0xa0, 4096, random(4096));
            exports.awaitHeldWrite();
            final byte[] cdb = TestInitiator.cdb(0x5f, 10);
            cdb[1] = 5;
            cdb[2] = 1;
            cdb[8] = 24;
            final byte[] list =
                    ByteBuffer.allocate(24).putLong(0x22).putLong(0x11).array();
            final int preempt = winner.sendCommand(cdb, 0xa0, 24, list);
            winner.timeout(200);
            assertThatThrownBy(winner::receive)
                    .as("the write is still under way")
                    .isInstanceOf(IOException.class);
            winner.timeout(TestInitiator.TIMEOUT_MILLIS);
            exports.releaseWrites();
            assertThat(winner.finish(preempt, list, 0).status()).isZero();
            victim.timeout(200);
            assertThatThrownBy(victim::receive).as("aborted: no answer").isInstanceOf(IOException.class);
        }
    }

    private static void reserveOut(final TestInitiator initiator, final int action, final long key, final long newKey)
            throws IOException {
        final byte[] cdb = TestInitiator.cdb(0x5f, 10);
        cdb[1] = (byte) action;
        cdb[8] = 24;
        final byte[] list = ByteBuffer.allocate(24).putLong(key).putLong(newKey).array();
        assertThat(initiator.command(cdb, list, 0).status()).isZero();
    }
}
