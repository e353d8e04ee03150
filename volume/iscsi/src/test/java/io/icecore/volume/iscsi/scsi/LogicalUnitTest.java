package io.icecore.volume.iscsi.scsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.volume.Export;
import io.icecore.volume.iscsi.InMemoryExports;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Commands of SPC-4 section 6 and SBC-3 section 5, unit attentions by SAM-5 section 5.14. */
class LogicalUnitTest {
    private static final int SIZE = 8 << 20;
    private static final byte[] A_BLOCK = block('a');

    private final InMemoryExports exports = new InMemoryExports().addVolume("vm1", SIZE);
    private final UnitTester tester = tester(exports.open("vm1"));
    private final Nexus nexus = tester.nexus("one");

    private static UnitTester tester(final Export export) {
        return new UnitTester(export, ReservationStore.NONE);
    }

    private static byte[] block(final int content) {
        final byte[] block = new byte[512];
        Arrays.fill(block, (byte) content);
        return block;
    }

    private void assertRefused(
            final UnitTester by, final Nexus from, final String cdb, final byte[] out, final int code) {
        assertThatThrownBy(() -> by.run(from, cdb, out)).as(cdb).isInstanceOfSatisfying(ScsiException.class, ex -> {
            assertThat(ex.status()).isEqualTo(ScsiStatus.CHECK_CONDITION);
            assertThat(String.format("%04x", ex.sense().code())).isEqualTo(String.format("%04x", code));
        });
    }

    private void assertRefused(final String cdb, final int code) {
        assertRefused(tester, nexus, cdb, new byte[4096], code);
    }

    // Blocks

    @Test
    void readsWhatWasWrittenByEveryFormOfTheCommands() throws ScsiException {
        final String[] writes = {
            "0a 000001 01 00", "2a 00 00000002 00 0001 00", "aa 00 00000003 00000001", "8a 00 0000000000000004 00000001"
        };
        final String[] reads = {
            "08 000001 01 00", "28 00 00000002 00 0001 00", "a8 00 00000003 00000001", "88 00 0000000000000004 00000001"
        };
        for (int i = 0; i < writes.length; i++) {
            tester.run(nexus, writes[i], block('a' + i));
        }
        for (int i = 0; i < reads.length; i++) {
            assertThat(tester.run(nexus, reads[i])).isEqualTo(block('a' + i));
        }
    }

    @Test
    void refusesBlocksBeyondTheEnd() throws ScsiException {
        assertRefused("28 00 00004000 00 0001", 0x2100);
        assertRefused("28 00 00003fff 00 0002", 0x2100);
        assertRefused("88 00 ffffffffffffffff 00000001", 0x2100);
        assertRefused("88 00 7fffffffffffffff ffffffff", 0x2100);
        assertRefused("8a 00 8000000000000000 00000001", 0x2100);
        assertRefused("35 00 00004001", 0x2100);
        assertRefused("9e 12 0000000000004000 00000018", 0x2100);
        assertThat(tester.run(nexus, "28 00 00004000 00 0000"))
                .as("nothing, at the end")
                .isEmpty();
    }

    @Test
    void refusesWhatItDoesNotDo() {
        assertRefused("28 20 00000000 00 0001", 0x2400); // RDPROTECT
        assertRefused("ff", 0x2000);
        assertRefused("9e 1f", 0x2400);
        assertRefused("88 00 0000000000000000 00003fff 00 04", 0x2400); // NACA
        assertRefused("41 10 00000000 00 0001", 0x2400); // ANCHOR
        assertRefused("41 00 00000000 00 0000", 0x2400); // All blocks.
        assertRefused("2f 04 00000000 00 0001", 0x2400); // BYTCHK 10b
    }

    @Test
    void makesForcedWritesDurableAndOthersWhenTheCacheIsOff() throws ScsiException {
        tester.run(nexus, "2a 00 00000000 00 0001", A_BLOCK);
        assertThat(exports.flushes).hasValue(0);
        tester.run(nexus, "2a 08 00000000 00 0001", A_BLOCK);
        assertThat(exports.flushes).hasValue(1);
        tester.run(nexus, "28 08 00000000 00 0001");
        assertThat(exports.flushes).as("a read from the medium").hasValue(2);
        final byte[] list = new byte[4 + 20];
        list[4] = 0x08;
        list[5] = 0x12; // WCE is 0.
        tester.run(nexus, "15 10 0000 18", list);
        tester.run(nexus, "2a 00 00000000 00 0001", A_BLOCK);
        assertThat(exports.flushes).hasValue(3);
        tester.run(nexus, "35 00 00000000 00 0000");
        assertThat(exports.flushes).hasValue(4);
    }

    @Test
    void comparesBeforeItWrites() throws ScsiException {
        tester.run(nexus, "2a 00 00000000 00 0001", A_BLOCK);
        final byte[] both = Arrays.copyOf(A_BLOCK, 1024);
        Arrays.fill(both, 512, 1024, (byte) 'b');
        tester.run(nexus, "89 00 0000000000000000 000000 01", both);
        assertThat(tester.run(nexus, "28 00 00000000 00 0001")).isEqualTo(block('b'));
        both[100] = 'b';
        Arrays.fill(both, 0, 512, (byte) 'b');
        both[100] = 'x';
        assertThatThrownBy(() -> tester.run(nexus, "89 00 0000000000000000 000000 01", both))
                .isInstanceOfSatisfying(ScsiException.class, ex -> {
                    assertThat(ex.sense().key()).isEqualTo(Sense.KEY_MISCOMPARE);
                    assertThat(ex.sense().information()).isEqualTo(100);
                });
        assertThat(tester.run(nexus, "28 00 00000000 00 0001")).isEqualTo(block('b'));
    }

    @Test
    void verifiesAgainstWhatTheInitiatorSends() throws ScsiException {
        final byte[] data = new byte[3 * 512];
        new Random(1).nextBytes(data);
        tester.run(nexus, "2a 00 00000010 00 0003", data);
        tester.run(nexus, "2f 00 00000010 00 0003");
        tester.run(nexus, "2f 02 00000010 00 0003", data);
        data[2 * 512 + 5] ^= 1;
        assertThatThrownBy(() -> tester.run(nexus, "2f 02 00000010 00 0003", data))
                .isInstanceOfSatisfying(
                        ScsiException.class,
                        ex -> assertThat(ex.sense().information()).isEqualTo(0x12));
        tester.run(nexus, "41 00 00000020 00 0100", A_BLOCK);
        tester.run(nexus, "2f 06 00000020 00 0100", A_BLOCK);
        assertRefused(tester, nexus, "2f 06 00000020 00 0100", block('b'), 0x1d00);
        assertRefused(tester, nexus, "2f 06 0000001f 00 0100", A_BLOCK, 0x1d00);
    }

    @Test
    void orsBitsIntoWhatIsThere() throws ScsiException {
        tester.run(nexus, "2a 00 00000000 00 0001", block(0x0f));
        tester.run(nexus, "8b 00 0000000000000000 00000001", block(0x30));
        assertThat(tester.run(nexus, "28 00 00000000 00 0001")).isEqualTo(block(0x3f));
    }

    @Test
    void writesOneBlockAllOver() throws ScsiException {
        tester.run(nexus, "93 00 0000000000000001 00000801", A_BLOCK);
        assertThat(tester.run(nexus, "28 00 00000000 00 0001")).isEqualTo(block(0));
        assertThat(tester.run(nexus, "28 00 00000801 00 0001")).isEqualTo(A_BLOCK);
        assertThat(tester.run(nexus, "28 00 00000802 00 0001")).isEqualTo(block(0));
        tester.run(nexus, "93 01 0000000000000000 00001000"); // NDOB
        assertThat(tester.run(nexus, "28 00 00000801 00 0001")).isEqualTo(block(0));
    }

    @Test
    void unmapsAndReportsWhatIsMapped() throws ScsiException {
        tester.run(nexus, "2a 00 00000000 00 0040", new byte[0x40 * 512]);
        final byte[] list = ByteBuffer.allocate(8 + 16)
                .putShort((short) 22)
                .putShort((short) 16)
                .putInt(0)
                .putLong(8)
                .putInt(16)
                .array();
        tester.run(nexus, "42 00 00000000 00 0018", list);
        final ByteBuffer status = ByteBuffer.wrap(tester.run(nexus, "9e 12 0000000000000004 00000100"));
        assertThat(status.getInt()).isEqualTo(status.capacity() - 4);
        status.getInt();
        assertStatus(status, 4, 4, 0);
        assertStatus(status, 8, 16, 1);
        assertStatus(status, 24, 40, 0);
        assertStatus(status, 64, SIZE / 512 - 64, 1);
        assertThat(status.hasRemaining()).isFalse();
    }

    private static void assertStatus(final ByteBuffer status, final long lba, final int blocks, final int kind) {
        assertThat(status.getLong()).isEqualTo(lba);
        assertThat(status.getInt()).isEqualTo(blocks);
        assertThat(status.getInt() >>> 24).isEqualTo(kind);
    }

    @Test
    void unmapsNothingWhenOneRangeIsWrong() throws ScsiException {
        tester.run(nexus, "2a 00 00000000 00 0001", A_BLOCK);
        final byte[] list = ByteBuffer.allocate(8 + 32)
                .putShort((short) 38)
                .putShort((short) 32)
                .putInt(0)
                .putLong(0)
                .putInt(8)
                .putInt(0)
                .putLong(SIZE / 512)
                .putInt(1)
                .array();
        assertRefused(tester, nexus, "42 00 00000000 00 0028", list, 0x2100);
        assertThat(tester.run(nexus, "28 00 00000000 00 0001")).isEqualTo(A_BLOCK);
    }

    // The unit

    @Test
    void keepsSnapshotsAsTheyAre() throws ScsiException {
        exports.addSnapshot("vm1", "s");
        final UnitTester snapshot = tester(exports.open("vm1@s"));
        final Nexus other = snapshot.nexus("one");
        for (final String cdb : new String[] {
            "2a 00 00000000 00 0001", "41 00 00000000 00 0001", "42 00 00000000 00 0018",
            "89 00 0000000000000000 000000 01", "8b 00 0000000000000000 00000001", "2e 00 00000000 00 0001"
        }) {
            assertRefused(snapshot, other, cdb, new byte[4096], 0x2700);
        }
        assertThat(snapshot.run(other, "1a 08 3f 00 ff")[2] & 0x80).as("WP").isEqualTo(0x80);
        assertThat(new String(
                        snapshot.run(other, "12 00 00 00ff 00"), 16, 8, java.nio.charset.StandardCharsets.US_ASCII))
                .isEqualTo("SNAPSHOT");
    }

    @Test
    void reportsItsSizeThinProvisioningAndLimits() throws ScsiException {
        final ByteBuffer capacity = ByteBuffer.wrap(tester.run(nexus, "9e 10 0000000000000000 00000020"));
        assertThat(capacity.getLong()).isEqualTo(SIZE / 512 - 1);
        assertThat(capacity.getInt()).isEqualTo(512);
        assertThat(capacity.get(13)).as("8 logical blocks in a physical one").isEqualTo((byte) 3);
        assertThat(capacity.get(14) & 0xc0).as("LBPME, LBPRZ").isEqualTo(0xc0);
        final byte[] pages = tester.run(nexus, "12 01 00 00ff 00");
        for (int i = 4; i < pages.length; i++) {
            final byte[] page = tester.run(nexus, String.format("12 01 %02x 00ff 00", pages[i]));
            assertThat(page[1]).isEqualTo(pages[i]);
            assertThat(ByteBuffer.wrap(page).getShort(2)).isEqualTo((short) (page.length - 4));
        }
        assertThat(pages).contains(0x80, 0x83, 0x86, 0xb0, 0xb1, 0xb2);
        final ByteBuffer limits = ByteBuffer.wrap(tester.run(nexus, "12 01 b0 00ff 00"));
        assertThat(limits.getInt(8)).as("transfer").isEqualTo(Geometry.TRANSFER_LENGTH_MAX / 512);
        assertThat(limits.getInt(28)).as("unmap granularity").isEqualTo(8);
    }

    @Test
    void countsInBlocksOf4096WhenAskedTo() throws ScsiException {
        final UnitTester large = new UnitTester(exports.open("vm1"), ReservationStore.NONE, new Geometry(4096), false);
        final Nexus other = large.nexus("one");
        final ByteBuffer capacity = ByteBuffer.wrap(large.run(other, "25"));
        assertThat(capacity.getInt()).isEqualTo(SIZE / 4096 - 1);
        assertThat(capacity.getInt()).isEqualTo(4096);
        final byte[] written = new byte[4096];
        Arrays.fill(written, (byte) 'a');
        large.run(other, "2a 00 00000001 00 0001", written);
        assertThat(tester.run(nexus, "28 00 00000008 00 0008")).isEqualTo(written);
    }

    @Test
    void cutsAnAnswerToWhatTheInitiatorAllocated() throws ScsiException {
        assertThat(tester.run(nexus, "12 00 00 0005 00")).hasSize(5);
        assertThat(tester.run(nexus, "1a 08 3f 00 04")).hasSize(4);
        assertThat(tester.run(nexus, "a0 00 00 000000 00000008")).hasSize(8);
    }

    @Test
    void supportsWhatItReports() throws ScsiException {
        final ByteBuffer report = ByteBuffer.wrap(tester.run(nexus, "a3 0c 00 00 0000 00010000"));
        assertThat(report.getInt()).isEqualTo(report.capacity() - 4);
        while (report.hasRemaining()) {
            final int code = report.get() & 0xff;
            report.get();
            final int action = report.getShort();
            report.get();
            final boolean hasAction = (report.get() & 1) != 0;
            final int length = report.getShort();
            final String one = String.format("a3 0c %02x %02x %04x 00000100", hasAction ? 2 : 1, code, action);
            final byte[] usage = tester.run(nexus, one);
            assertThat(usage[1]).isEqualTo((byte) 3);
            assertThat(usage).hasSize(4 + length);
            assertThat(usage[4] & 0xff).isEqualTo(code);
            if (hasAction) {
                assertThat(usage[5]).isEqualTo((byte) action);
            }
            assertThat(new int[] {6, 10, 10, 0, 16, 12}[code >> 5]).isEqualTo(length);
        }
        assertThat(tester.run(nexus, "a3 0c 01 fe 0000 00000100")[1]).isEqualTo((byte) 1);
    }

    @Test
    void answersOnlyWhoAsksForALunThatIsNot() throws ScsiException {
        assertThat(LogicalUnit.planForNoUnit(UnitTester.cdb("12 00 00 00ff 00")).answer[0])
                .isEqualTo((byte) 0x7f);
        assertThat(LogicalUnit.planForNoUnit(UnitTester.cdb("a0 00 00 000000 000000ff")).answer)
                .hasSize(16);
        assertThatThrownBy(() -> LogicalUnit.planForNoUnit(UnitTester.cdb("00")))
                .isInstanceOfSatisfying(
                        ScsiException.class, ex -> assertThat(ex.sense().code()).isEqualTo(0x2500));
    }

    // Unit attentions and modes

    @Test
    void tellsANewNexusOnceThatItIsNew() throws ScsiException {
        final Nexus fresh = new Nexus("two", UnitTester.NO_TASKS);
        tester.unit.attach(fresh, Sense.POWER_ON);
        tester.run(fresh, "12 00 00 00ff 00"); // Neither INQUIRY nor REPORT LUNS takes it.
        tester.run(fresh, "a0 00 00 000000 000000ff");
        assertRefused(tester, fresh, "00", new byte[0], 0x2900);
        tester.run(fresh, "00");
    }

    @Test
    void showsAUnitAttentionToRequestSenseInEitherFormat() throws ScsiException {
        nexus.attention(Sense.CAPACITY_CHANGED);
        assertThat(tester.run(nexus, "03 00 0000 ff")).startsWith(0x70, 0, 6).hasSize(18);
        nexus.attention(Sense.CAPACITY_CHANGED);
        assertThat(tester.run(nexus, "03 01 0000 ff")).containsExactly(0x72, 6, 0x2a, 9, 0, 0, 0, 0);
        assertThat(tester.run(nexus, "03 00 0000 ff")).startsWith(0x70, 0, 0);
    }

    @Test
    void changesTheModesThatCanBeChangedAndTellsOthers() throws ScsiException {
        final Nexus other = tester.nexus("two");
        final byte[] sensed = tester.run(nexus, "5a 08 0a 00 000000 00ff 00");
        final byte[] list = sensed.clone();
        list[0] = 0;
        list[1] = 0;
        list[8 + 2] |= 0x04; // D_SENSE
        list[8 + 4] |= 0x08; // SWP
        tester.run(nexus, String.format("55 10 00 00 000000 %04x 00", list.length), list);
        assertRefused(tester, other, "00", new byte[0], 0x2a01);
        assertThat(tester.unit.encode(Sense.NO_MEDIUM)[0])
                .as("descriptor format")
                .isEqualTo((byte) 0x72);
        assertRefused("2a 00 00000000 00 0001", 0x2702);
        tester.unit.reset(() -> {});
        assertRefused("00", 0x2903);
        tester.run(nexus, "2a 00 00000000 00 0001", A_BLOCK);
    }

    @Test
    void changesNothingWhenAModeCannotBeChanged() throws ScsiException {
        final byte[] list = tester.run(nexus, "1a 08 0a 00 ff");
        list[0] = 0;
        list[4 + 2] |= 0x04; // Could be changed,
        list[4 + 3] ^= 0x10; // this could not.
        assertRefused(tester, nexus, String.format("15 10 0000 %02x", list.length), list, 0x2600);
        assertThat(tester.unit.encode(Sense.NO_MEDIUM)[0]).isEqualTo((byte) 0x70);
        assertRefused(tester, nexus, "15 10 0000 06", new byte[6], 0x2600);
        assertRefused(tester, nexus, "15 10 0000 02", new byte[2], 0x1a00);
        assertRefused("15 11 0000 10", 0x2400); // SP: nothing can be saved.
        assertRefused("1a 08 c8 00 ff", 0x3900);
    }

    @Test
    void ejectsOnlyWhatCanBeEjectedAndNobodyHolds() throws ScsiException {
        assertRefused("1b 00 0000 02", 0x2400);
        final UnitTester removable =
                new UnitTester(exports.open("vm1"), ReservationStore.NONE, new Geometry(512), true);
        final Nexus one = removable.nexus("one");
        removable.run(one, "1e 00 0000 01");
        assertRefused(removable, one, "1b 00 0000 02", new byte[0], 0x5302);
        removable.run(one, "1e 00 0000 00");
        removable.run(one, "1b 00 0000 02");
        assertRefused(removable, one, "00", new byte[0], 0x3a00);
        assertRefused(removable, one, "28 00 00000000 00 0001", new byte[0], 0x3a00);
        removable.run(one, "1b 00 0000 03");
        removable.run(one, "00");
    }

    // Copying

    @Test
    void copiesWithinTheUnitEvenOverItself() throws ScsiException {
        final byte[] data = new byte[64 * 512];
        new Random(2).nextBytes(data);
        tester.run(nexus, "2a 00 00000000 00 0040", data);
        tester.run(nexus, "83 00 0000000000000000 0000004c", copyList(64, 0, 8));
        assertThat(tester.run(nexus, "28 00 00000008 00 0040")).isEqualTo(data);
        final ByteBuffer status = ByteBuffer.wrap(tester.run(nexus, "84 00 07 00000000000000 000000ff"));
        assertThat(status.get(4)).as("completed").isEqualTo((byte) 1);
        assertThat(status.getInt(8)).as("KiB").isEqualTo(32);
    }

    private byte[] copyList(final int blocks, final long from, final long to) throws ScsiException {
        final byte[] naa = Arrays.copyOfRange(tester.run(nexus, "12 01 83 00ff 00"), 8, 16);
        final ByteBuffer list = ByteBuffer.allocate(16 + 32 + 28);
        list.put(0, (byte) 7).putShort(2, (short) 32).putInt(8, 28);
        list.put(16, (byte) 0xe4)
                .put(20, (byte) 1)
                .put(21, (byte) 3)
                .put(23, (byte) 8)
                .put(24, naa);
        list.put(48, (byte) 2).putShort(50, (short) 24).putShort(58, (short) blocks);
        return list.putLong(60, from).putLong(68, to).array();
    }

    @Test
    void copiesNothingFromElsewhere() throws ScsiException {
        final byte[] list = copyList(8, 0, 8);
        list[30] ^= 1;
        assertRefused(tester, nexus, "83 00 0000000000000000 0000004c", list, 0x0d02);
    }
}
