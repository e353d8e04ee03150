package io.icecore.volume.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.volume.VolumeWorkers;
import io.icecore.volume.iscsi.scsi.ReservationStore;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Random commands, many at once, against a {@code byte[]}: each of several slots of the volume has one command under way, and
 * every read has to show what the writes, unmaps and zeroings before it left.
 *
 * <p>Replay: {@code -Dtest=SessionModelTest -Dmodel.seed=N}.
 */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class SessionModelTest {
    private static final int SLOTS = 24;
    private static final int SLOT_BLOCKS = 1024;
    private static final int BLOCK = 512;
    private static final int COMMANDS = 400;

    private final byte[] model = new byte[SLOTS * SLOT_BLOCKS * BLOCK];
    private final InMemoryExports exports = new InMemoryExports().addVolume("vm1", model.length);

    /** What a slot is waiting for. */
    private record Pending(int slot, int offset, byte[] out, byte[] expected, byte[] received) {}

    @Test
    void readsWhatTheModelHolds() throws IOException {
        run(Long.getLong("model.seed", 1));
        run(System.nanoTime());
    }

    private void run(final long seed) throws IOException {
        System.out.println("SessionModelTest: -Dmodel.seed=" + seed);
        final Random random = new Random(seed);
        try (VolumeWorkers workers = new VolumeWorkers(3, 8);
                IscsiTarget target =
                        new IscsiTarget("lab", IscsiOptions.DEFAULT, exports, ReservationStore.NONE, workers)) {
            final InetSocketAddress address =
                    target.listen(new InetSocketAddress("127.0.0.1", 0)).address();
            for (int session = 0; session < 6; session++) {
                try (TestInitiator initiator = new TestInitiator(address)
                        .with("HeaderDigest", pick(random, "None", "CRC32C"))
                        .with("DataDigest", pick(random, "None", "CRC32C"))
                        .with("InitialR2T", pick(random, "Yes", "No"))
                        .with("ImmediateData", pick(random, "Yes", "No"))
                        .with("MaxRecvDataSegmentLength", pick(random, "512", "4096", "262144"))
                        .with("MaxBurstLength", pick(random, "16384", "262144"))
                        .with("FirstBurstLength", pick(random, "512", "16384"))
                        .with("MaxOutstandingR2T", pick(random, "1", "4"))) {
                    initiator.loggedIn(target.targetName("vm1"));
                    runCommands(initiator, random, seed);
                }
            }
        }
    }

    private static String pick(final Random random, final String... values) {
        return values[random.nextInt(values.length)];
    }

    private void runCommands(final TestInitiator initiator, final Random random, final long seed) throws IOException {
        final Map<Integer, Pending> pending = new HashMap<>();
        for (int slot = 0; slot < SLOTS; slot++) {
            send(initiator, random, slot, pending);
        }
        int sent = SLOTS;
        while (!pending.isEmpty()) {
            final TestInitiator.Received pdu = initiator.receive();
            final Pending command = pending.get(pdu.u32(16));
            assertThat(command).as("tag of a command under way: seed %d", seed).isNotNull();
            if (pdu.opcode() == 0x31) {
                sendData(initiator, pdu, command.out);
                continue;
            }
            if (pdu.opcode() == 0x25) {
                System.arraycopy(pdu.data(), 0, command.received, pdu.u32(40), pdu.data().length);
            }
            if (pdu.opcode() == 0x21 || (pdu.flags() & 1) != 0) {
                assertThat(pdu.u8(3)).as("status: seed %d", seed).isZero();
                assertThat(Arrays.equals(command.received, command.expected))
                        .as("slot %d, offset %d: seed %d", command.slot, command.offset, seed)
                        .isTrue();
                pending.remove(pdu.u32(16));
                if (sent++ < COMMANDS) {
                    send(initiator, random, command.slot, pending);
                }
            }
        }
    }

    private void send(
            final TestInitiator initiator, final Random random, final int slot, final Map<Integer, Pending> pending)
            throws IOException {
        final int first = random.nextInt(SLOT_BLOCKS);
        final int most = random.nextInt(4) == 0 ? SLOT_BLOCKS : 16;
        final int blocks = 1 + random.nextInt(Math.min(most, SLOT_BLOCKS - first));
        final int lba = slot * SLOT_BLOCKS + first;
        final int offset = lba * BLOCK;
        final int length = blocks * BLOCK;
        byte[] out = new byte[0];
        byte[] expected = new byte[0];
        final byte[] cdb;
        switch (random.nextInt(5)) {
            case 0, 1 -> {
                out = new byte[length];
                random.nextBytes(out);
                System.arraycopy(out, 0, model, offset, length);
                cdb = TestInitiator.write10(lba, blocks);
            }
            case 2 -> {
                cdb = TestInitiator.cdb(0x42, 10);
                cdb[8] = 24;
                out = ByteBuffer.allocate(24)
                        .putShort((short) 22)
                        .putShort((short) 16)
                        .putInt(0)
                        .putLong(lba)
                        .putInt(blocks)
                        .array();
                Arrays.fill(model, offset, offset + length, (byte) 0);
            }
            default -> {
                expected = Arrays.copyOfRange(model, offset, offset + length);
                cdb = TestInitiator.read10(lba, blocks);
            }
        }
        final boolean reads = expected.length > 0;
        final boolean immediate = "Yes".equals(initiator.keys.get("ImmediateData"));
        final int firstBurst = Integer.parseInt(initiator.keys.get("FirstBurstLength"));
        final int now = immediate ? Math.min(out.length, firstBurst) : 0;
        final int tag = initiator.sendCommand(
                cdb, 0x80 | (reads ? 0x40 : 0x20), reads ? length : out.length, Arrays.copyOf(out, now));
        pending.put(tag, new Pending(slot, offset, out, expected, new byte[expected.length]));
    }

    private static void sendData(final TestInitiator initiator, final TestInitiator.Received r2t, final byte[] out)
            throws IOException {
        final int offset = r2t.u32(40);
        final int length = r2t.u32(44);
        int dataSn = 0;
        for (int done = 0; done < length; ) {
            final int part = Math.min(8192, length - done);
            final byte[] piece = Arrays.copyOfRange(out, offset + done, offset + done + part);
            done += part;
            initiator.sendData(r2t.u32(16), r2t.u32(20), dataSn++, offset + done - part, piece, done == length);
        }
    }
}
