package io.icecore.volume.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.Store;
import io.icecore.store.device.FileBlockDevice;
import io.icecore.volume.Catalog;
import io.icecore.volume.Spec;
import io.icecore.volume.VolumeWorkers;
import io.icecore.volume.iscsi.scsi.CatalogReservations;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Persistent reservations (SPC-4 section 5.13) of volumes of a real store: those with APTPL outlive the daemon. */
class ReservationsInStoreTest {
    private static final int GOOD = 0x00;
    private static final int RESERVATION_CONFLICT = 0x18;
    private static final int REGISTER = 0;
    private static final int RESERVE = 1;
    private static final int WRITE_EXCLUSIVE = 1;
    private static final int APTPL = 1;

    @TempDir
    private Path directory;

    private Catalog catalog;
    private VolumeWorkers workers;
    private IscsiTarget target;
    private InetSocketAddress address;

    @BeforeEach
    void start() throws IOException {
        final Path file = directory.resolve("store");
        if (!Files.exists(file)) {
            try (FileBlockDevice device = FileBlockDevice.create(file, 64 << 20, false)) {
                Store.format(device, "lab");
            }
        }
        catalog = Catalog.open(Store.open(FileBlockDevice.open(file)), Clock.systemUTC());
        workers = new VolumeWorkers(2, 64);
        target = new IscsiTarget(
                "lab", IscsiOptions.DEFAULT, catalog.exports(), new CatalogReservations(catalog), workers);
        address = target.listen(new InetSocketAddress("127.0.0.1", 0)).address();
    }

    @AfterEach
    void stop() {
        target.close();
        workers.close();
        catalog.close();
    }

    private void restart() throws IOException {
        stop();
        start();
    }

    private TestInitiator initiator(final int number, final String spec) throws IOException {
        final TestInitiator initiator = new TestInitiator(address);
        initiator.isid += number;
        return initiator.loggedIn(target.targetName(spec));
    }

    private static int out(
            final TestInitiator initiator, final int action, final long key, final long actionKey, final int flags)
            throws IOException {
        final byte[] cdb = TestInitiator.cdb(0x5f, 10);
        cdb[1] = (byte) action;
        cdb[2] = WRITE_EXCLUSIVE;
        cdb[8] = 24;
        final byte[] list = ByteBuffer.allocate(24)
                .putLong(key)
                .putLong(actionKey)
                .put(20, (byte) flags)
                .array();
        return initiator.command(cdb, list, 0).status();
    }

    private static int write(final TestInitiator initiator) throws IOException {
        return initiator.command(TestInitiator.write10(0, 1), new byte[512], 0).status();
    }

    private void reserve(final int flags) throws IOException {
        try (TestInitiator one = initiator(1, "vm1")) {
            assertThat(out(one, REGISTER, 0, 0x11, flags)).isEqualTo(GOOD);
            assertThat(out(one, RESERVE, 0x11, 0, 0)).isEqualTo(GOOD);
        }
    }

    private void expect(final int ofTheHolder, final int ofAnother) throws IOException {
        try (TestInitiator one = initiator(1, "vm1");
                TestInitiator two = initiator(2, "vm1")) {
            assertThat(write(one)).as("the holder").isEqualTo(ofTheHolder);
            assertThat(write(two)).as("another").isEqualTo(ofAnother);
        }
    }

    @Test
    void outliveTheDaemonWhenTheInitiatorAskedForThat() throws IOException {
        catalog.createVolume("vm1", 1 << 20);
        reserve(APTPL);

        restart();

        expect(GOOD, RESERVATION_CONFLICT);
    }

    @Test
    void endWithTheDaemonOtherwise() throws IOException {
        catalog.createVolume("vm1", 1 << 20);
        reserve(0);
        expect(GOOD, RESERVATION_CONFLICT); // Registrations outlive the session.

        restart();

        expect(GOOD, GOOD);
    }

    @Test
    void goAwayWithTheirVolumeAndStayThroughARollback() throws Exception {
        catalog.createVolume("vm1", 1 << 20);
        catalog.createSnapshots(List.of("vm1"), "s", Map.of());
        reserve(APTPL);
        awaitNoSessions();
        catalog.rollback(Spec.parse("vm1@s", ZoneOffset.UTC));
        expect(GOOD, RESERVATION_CONFLICT);
        restart();
        expect(GOOD, RESERVATION_CONFLICT);

        awaitNoSessions();
        catalog.deleteVolume("vm1");
        catalog.createVolume("vm1", 1 << 20);
        expect(GOOD, GOOD);
        restart();
        expect(GOOD, GOOD);
    }

    private void awaitNoSessions() throws InterruptedException {
        for (int i = 0; i < 500 && !target.sessions().isEmpty(); i++) {
            Thread.sleep(10);
        }
    }

    @Test
    void ofASnapshotAreNotKeptAndTheInitiatorIsTold() throws IOException {
        catalog.createVolume("vm1", 1 << 20);
        catalog.createSnapshots(List.of("vm1"), "s", Map.of());
        try (TestInitiator one = initiator(1, "vm1@s")) {
            final byte[] cdb = TestInitiator.cdb(0x5e, 10);
            cdb[1] = 2;
            cdb[8] = 8;
            assertThat(one.command(cdb, new byte[0], 8).data()[2] & 1)
                    .as("PTPL_C")
                    .isZero();
            assertThat(out(one, REGISTER, 0, 0x11, APTPL)).as("CHECK CONDITION").isEqualTo(2);
            assertThat(out(one, REGISTER, 0, 0x11, 0)).isEqualTo(GOOD);
        }
    }
}
