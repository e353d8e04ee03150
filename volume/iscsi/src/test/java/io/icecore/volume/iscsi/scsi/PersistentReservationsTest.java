package io.icecore.volume.iscsi.scsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.volume.iscsi.InMemoryExports;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class PersistentReservationsTest {
    private static final String READ = "28 00 00000000 00 0001";
    private static final String WRITE = "2a 00 00000000 00 0001";
    private static final int REGISTER = 0;
    private static final int RESERVE = 1;
    private static final int RELEASE = 2;
    private static final int CLEAR = 3;
    private static final int PREEMPT = 4;
    private static final int PREEMPT_AND_ABORT = 5;
    private static final int IGNORE = 6;
    private static final int MOVE = 7;
    private static final int WRITE_EXCLUSIVE = 1;
    private static final int EXCLUSIVE_ACCESS = 3;
    private static final int REGISTRANTS_ONLY = 5;
    private static final int ALL_REGISTRANTS = 7;

    /** A store that outlives a target. */
    private static final class DurableStore implements ReservationStore {
        final Map<String, byte[]> saved = new HashMap<>();
        RuntimeException failure;

        @Override
        public boolean durable(final String exportName) {
            return true;
        }

        @Override
        public byte[] load(final String exportName) {
            return saved.get(exportName);
        }

        @Override
        public void save(final String exportName, final byte[] reservations) {
            if (failure != null) {
                throw failure;
            }
            if (reservations == null) {
                saved.remove(exportName);
            } else {
                saved.put(exportName, reservations);
            }
        }
    }

    private final InMemoryExports exports = new InMemoryExports().addVolume("vm1", 1 << 20);
    private final DurableStore store = new DurableStore();
    private UnitTester tester = new UnitTester(exports.open("vm1"), store);
    private Nexus one = tester.nexus("iqn.one,i,0x1");
    private Nexus two = tester.nexus("iqn.two,i,0x2");
    private final Nexus three = tester.nexus("iqn.three,i,0x3");

    private void out(final Nexus nexus, final int action, final int type, final long key, final long actionKey)
            throws ScsiException {
        out(nexus, action, type, key, actionKey, 0);
    }

    private void out(
            final Nexus nexus, final int action, final int type, final long key, final long actionKey, final int flags)
            throws ScsiException {
        final byte[] list = ByteBuffer.allocate(24)
                .putLong(key)
                .putLong(actionKey)
                .putInt(0)
                .put((byte) flags)
                .array();
        tester.run(nexus, String.format("5f %02x %02x 0000 00000018", action, type), list);
    }

    private static void assertConflict(final ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        ScsiException.class, ex -> assertThat(ex.status()).isEqualTo(ScsiStatus.RESERVATION_CONFLICT));
    }

    private static void assertSense(final int code, final ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        ScsiException.class, ex -> assertThat(ex.sense().code()).isEqualTo(code));
    }

    private ByteBuffer in(final int action) throws ScsiException {
        return ByteBuffer.wrap(tester.run(one, String.format("5e %02x 0000000000 ffff", action)));
    }

    private void registerAll() throws ScsiException {
        out(one, REGISTER, 0, 0, 0x11);
        out(two, REGISTER, 0, 0, 0x22);
    }

    @Test
    void registersChangesAndUnregisters() throws ScsiException {
        registerAll();
        assertThat(in(0))
                .isEqualTo(ByteBuffer.allocate(24)
                        .putInt(2)
                        .putInt(16)
                        .putLong(0x11)
                        .putLong(0x22)
                        .flip());
        assertConflict(() -> out(one, REGISTER, 0, 0x99, 0x12));
        out(one, REGISTER, 0, 0x11, 0x12);
        out(two, IGNORE, 0, 0x99, 0x23);
        out(two, REGISTER, 0, 0x23, 0);
        assertThat(in(0))
                .isEqualTo(ByteBuffer.allocate(16)
                        .putInt(5)
                        .putInt(8)
                        .putLong(0x12)
                        .flip());
        assertConflict(() -> out(three, REGISTER, 0, 0x12, 0x33));
    }

    /** SPC-4 table 65, for a command that reads and one that writes. */
    @Test
    void keepsOthersOutByType() throws ScsiException {
        registerAll();
        for (final ReservationType type : ReservationType.values()) {
            out(one, RESERVE, type.code(), 0x11, 0);
            tester.run(one, READ);
            tester.run(one, WRITE, new byte[512]);
            assertAccess(two, READ, !type.excludesReads() || type.admitsRegistrants());
            assertAccess(two, WRITE, type.admitsRegistrants());
            assertAccess(three, READ, !type.excludesReads());
            assertAccess(three, WRITE, false);
            tester.run(three, "00");
            tester.run(three, "25");
            tester.run(three, "12 00 00 00ff 00");
            out(one, RELEASE, type.code(), 0x11, 0);
            two.takeAttention();
        }
        tester.run(three, WRITE, new byte[512]);
    }

    private void assertAccess(final Nexus nexus, final String cdb, final boolean allowed) throws ScsiException {
        if (allowed) {
            tester.run(nexus, cdb, new byte[512]);
        } else {
            assertConflict(() -> tester.run(nexus, cdb, new byte[512]));
        }
    }

    @Test
    void reservesForRegistrantsOnlyAndOnce() throws ScsiException {
        assertConflict(() -> out(one, RESERVE, WRITE_EXCLUSIVE, 0, 0));
        registerAll();
        assertConflict(() -> out(one, RESERVE, WRITE_EXCLUSIVE, 0x99, 0));
        out(one, RESERVE, WRITE_EXCLUSIVE, 0x11, 0);
        out(one, RESERVE, WRITE_EXCLUSIVE, 0x11, 0);
        assertConflict(() -> out(one, RESERVE, EXCLUSIVE_ACCESS, 0x11, 0));
        assertConflict(() -> out(two, RESERVE, WRITE_EXCLUSIVE, 0x22, 0));
        assertSense(0x2400, () -> out(one, RESERVE, 2, 0x11, 0));
        assertSense(0x2400, () -> out(one, RESERVE, 0x11, 0x11, 0));
        assertThat(in(1).getLong(8)).isEqualTo(0x11);
        assertThat(in(1).get(21)).isEqualTo((byte) WRITE_EXCLUSIVE);
    }

    @Test
    void releasesOnlyWhatWasReserved() throws ScsiException {
        registerAll();
        out(one, RESERVE, REGISTRANTS_ONLY, 0x11, 0);
        assertSense(0x2604, () -> out(one, RELEASE, WRITE_EXCLUSIVE, 0x11, 0));
        out(two, RELEASE, REGISTRANTS_ONLY, 0x22, 0);
        assertThat(in(1).capacity()).as("not the holder's: nothing happens").isEqualTo(24);
        out(one, RELEASE, REGISTRANTS_ONLY, 0x11, 0);
        assertThat(in(1).capacity()).isEqualTo(8);
        assertSense(0x2a04, () -> tester.run(two, "00"));
    }

    @Test
    void endsTheReservationWithItsLastHolder() throws ScsiException {
        registerAll();
        out(one, RESERVE, ALL_REGISTRANTS, 0x11, 0);
        assertThat(in(1).getLong(8)).as("no single holder").isZero();
        out(one, REGISTER, 0, 0x11, 0);
        assertConflict(() -> tester.run(three, WRITE, new byte[512]));
        out(two, REGISTER, 0, 0x22, 0);
        tester.run(three, WRITE, new byte[512]);
    }

    @Test
    void takesAReservationOverAndTellsItsHolder() throws ScsiException {
        registerAll();
        out(three, REGISTER, 0, 0, 0x33);
        out(one, RESERVE, WRITE_EXCLUSIVE, 0x11, 0);
        out(two, PREEMPT, EXCLUSIVE_ACCESS, 0x22, 0x11);
        assertSense(0x2a05, () -> tester.run(one, "00"));
        assertSense(0x2a04, () -> tester.run(three, "00"));
        assertConflict(() -> tester.run(one, READ));
        assertThat(in(0).getInt(4)).isEqualTo(16);
        assertThat(in(1).getLong(8)).isEqualTo(0x22);
        assertConflict(() -> out(two, PREEMPT, EXCLUSIVE_ACCESS, 0x22, 0x99));
        assertSense(0x2600, () -> out(two, PREEMPT, EXCLUSIVE_ACCESS, 0x22, 0));
    }

    @Test
    void abortsTheCommandsOfWhoIsPreempted() throws ScsiException {
        final boolean[] aborted = new boolean[1];
        final Nexus victim = new Nexus("iqn.victim,i,0x4", ended -> {
            aborted[0] = true;
            ended.run();
        });
        tester.unit.attach(victim, Sense.POWER_ON);
        victim.takeAttention();
        registerAll();
        out(victim, REGISTER, 0, 0, 0x44);
        out(two, PREEMPT, WRITE_EXCLUSIVE, 0x22, 0x11);
        assertThat(aborted[0]).isFalse();
        out(two, PREEMPT_AND_ABORT, WRITE_EXCLUSIVE, 0x22, 0x44);
        assertThat(aborted[0]).isTrue();
    }

    @Test
    void clearsEverything() throws ScsiException {
        registerAll();
        out(one, RESERVE, WRITE_EXCLUSIVE, 0x11, 0);
        out(two, CLEAR, 0, 0x22, 0);
        assertSense(0x2a03, () -> tester.run(one, "00"));
        assertThat(in(0).getInt(4)).isZero();
        tester.run(three, WRITE, new byte[512]);
    }

    @Test
    void movesAReservationToAnotherPort() throws ScsiException {
        registerAll();
        out(one, RESERVE, WRITE_EXCLUSIVE, 0x11, 0);
        final byte[] port = "iqn.three,i,0x3\0".getBytes(StandardCharsets.US_ASCII);
        final byte[] list = ByteBuffer.allocate(24 + 4 + 20)
                .putLong(0x11)
                .putLong(0x33)
                .put((byte) 0)
                .put((byte) 2) // UNREG
                .putShort((short) 1)
                .putInt(24)
                .put((byte) 0x45)
                .put((byte) 0)
                .putShort((short) 20)
                .put(port)
                .array();
        tester.run(one, String.format("5f %02x 01 0000 %08x", MOVE, list.length), list);
        tester.run(three, WRITE, new byte[512]);
        assertConflict(() -> tester.run(one, WRITE, new byte[512]));
        list[24] = 0;
        assertSense(
                0x2600, () -> tester.run(three, String.format("5f 07 01 0000 %08x", list.length), moveBy(list, 0x33)));
    }

    private static byte[] moveBy(final byte[] list, final long key) {
        return ByteBuffer.wrap(list.clone()).putLong(0, key).array();
    }

    @Test
    void showsWhoIsRegisteredInFull() throws ScsiException {
        registerAll();
        out(one, RESERVE, WRITE_EXCLUSIVE, 0x11, 0);
        final ByteBuffer status = in(3);
        assertThat(status.getInt(4)).isEqualTo(status.capacity() - 8);
        assertThat(status.getLong(8)).isEqualTo(0x11);
        assertThat(status.get(8 + 12)).as("holder").isEqualTo((byte) 1);
        assertThat(new String(status.array(), 8 + 24 + 4, 13, StandardCharsets.US_ASCII))
                .isEqualTo("iqn.one,i,0x1");
    }

    // Surviving

    @Test
    void survivesTheTargetWhenItsInitiatorAsksForThat() throws ScsiException {
        out(one, REGISTER, 0, 0, 0x11, 1);
        out(one, RESERVE, WRITE_EXCLUSIVE, 0x11, 0);
        tester = new UnitTester(exports.open("vm1"), store);
        one = tester.nexus("iqn.one,i,0x1");
        two = tester.nexus("iqn.two,i,0x2");
        tester.run(one, WRITE, new byte[512]);
        assertConflict(() -> tester.run(two, WRITE, new byte[512]));
        assertThat(in(2).get(3) & 1).as("PTPL_A").isEqualTo(1);
        out(one, IGNORE, 0, 0, 0x11, 0);
        assertThat(store.saved).as("no longer asked for").isEmpty();
    }

    @Test
    void changesNothingWhenItCannotBeSaved() throws ScsiException {
        store.failure = new IllegalStateException("disk full");
        assertSense(0x4400, () -> out(one, REGISTER, 0, 0, 0x11, 1));
        assertThat(in(0).getInt(4)).isZero();
    }

    @Test
    void claimsNothingThatTheStoreDoesNotKeep() throws ScsiException {
        tester = new UnitTester(exports.open("vm1"), ReservationStore.NONE);
        one = tester.nexus("iqn.one,i,0x1");
        assertThat(in(2).get(2)).as("PTPL_C").isZero();
        assertSense(0x2600, () -> out(one, REGISTER, 0, 0, 0x11, 1));
    }

    @Test
    void refusesADamagedRecord() throws ScsiException {
        out(one, REGISTER, 0, 0, 0x11, 1);
        final byte[] good = store.saved.get("vm1");
        assertThat(Registrations.decode(good).keys()).containsEntry("iqn.one,i,0x1", 0x11L);
        for (int bit = 0; bit < good.length * 8; bit++) {
            final byte[] bad = good.clone();
            bad[bit / 8] ^= 1 << bit % 8;
            assertThatThrownBy(() -> Registrations.decode(bad)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> Registrations.decode(new byte[3])).isInstanceOf(IllegalArgumentException.class);
    }

    // RESERVE (6)

    @Test
    void reservesTheUnitInTheOldWayUntilLogout() throws ScsiException {
        tester.run(one, "16");
        tester.run(one, WRITE, new byte[512]);
        assertConflict(() -> tester.run(two, READ));
        assertConflict(() -> tester.run(two, "00"));
        assertConflict(() -> out(one, REGISTER, 0, 0, 0x11));
        tester.run(two, "17"); // Not the holder: nothing happens.
        assertConflict(() -> tester.run(two, READ));
        tester.unit.detach(one);
        tester.run(two, READ);
    }

    @Test
    void refusesTheOldWayWhileSomeoneIsRegistered() throws ScsiException {
        registerAll();
        assertConflict(() -> tester.run(three, "16"));
    }
}
