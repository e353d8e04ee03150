package io.icecore.volume.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.volume.VolumeWorkers;
import io.icecore.volume.iscsi.scsi.ReservationStore;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Sessions that send garbage, from the first byte or after a proper login. Whatever they send, the target keeps
 * serving others, and nothing is left of them: no thread, no export, no session.
 *
 * <p>Replay: {@code -Dtest=SessionFuzzTest -Dfuzz.seed=N}.
 */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class SessionFuzzTest {
    private static final int SIZE = 16 << 20;
    private static final int PDUS_MAX = 60;

    private final InMemoryExports exports = new InMemoryExports().addVolume("vm1", SIZE);

    @Test
    void outlivesGarbage() throws Exception {
        run(Long.getLong("fuzz.seed", 1), 150);
        run(System.nanoTime(), 50);
    }

    @Test
    @Tag("nightly")
    void outlivesMuchGarbage() throws Exception {
        for (int i = 0; i < 100; i++) {
            run(System.nanoTime(), 500);
        }
    }

    private void run(final long seed, final int sessions) throws Exception {
        System.out.println("SessionFuzzTest: -Dfuzz.seed=" + seed);
        final Random random = new Random(seed);
        try (VolumeWorkers workers = new VolumeWorkers(2, 16);
                IscsiTarget target =
                        new IscsiTarget("lab", IscsiOptions.DEFAULT, exports, ReservationStore.NONE, workers)) {
            final InetSocketAddress address =
                    target.listen(new InetSocketAddress("127.0.0.1", 0)).address();
            for (int i = 0; i < sessions; i++) {
                try (TestInitiator initiator = new TestInitiator(address)) {
                    initiator.isid += i;
                    misbehave(initiator, target.targetName("vm1"), random);
                } catch (final IOException ex) {
                    assertThat(ex)
                            .as("the target drops such peers: seed %d", seed)
                            .isNotNull();
                }
            }
            awaitNoSessions(target, seed); // One of them may still be about to reset the target.
            try (TestInitiator good = new TestInitiator(address).loggedIn(target.targetName("vm1"))) {
                assertThat(good.command(TestInitiator.cdb(0x12, 6), new byte[0], 0)
                                .status())
                        .as("seed %d", seed)
                        .isZero();
            }
            awaitNoSessions(target, seed);
        }
        assertThat(exports.open).as("exports left open: seed %d", seed).hasValue(0);
    }

    private static void awaitNoSessions(final IscsiTarget target, final long seed) throws InterruptedException {
        for (int i = 0; i < 500 && !target.sessions().isEmpty(); i++) {
            Thread.sleep(10);
        }
        assertThat(target.sessions()).as("seed %d", seed).isEmpty();
    }

    private static void misbehave(final TestInitiator initiator, final String target, final Random random)
            throws IOException {
        initiator.timeout(50);
        switch (random.nextInt(4)) {
            case 0 -> initiator.sendRaw(bytes(random, random.nextInt(5000)));
            case 1 -> sendAlmostLogin(initiator, random);
            default -> {
                initiator.with("HeaderDigest", random.nextInt(4) == 0 ? "CRC32C" : "None");
                initiator.with("InitialR2T", random.nextBoolean() ? "Yes" : "No");
                initiator.with("MaxRecvDataSegmentLength", random.nextBoolean() ? "512" : "65536");
                initiator.timeout(5000);
                initiator.loggedIn(target);
                initiator.timeout(20);
                sendAlmostPdus(initiator, random);
            }
        }
        if (random.nextInt(4) == 0) {
            initiator.isClosed(); // Reads what comes; most leave without.
        }
    }

    private static void sendAlmostLogin(final TestInitiator initiator, final Random random) throws IOException {
        for (int i = 0; i < 5; i++) {
            final ByteBuffer header = TestInitiator.header(0x43, random.nextInt(256));
            header.putInt(8, random.nextInt()).putInt(24, random.nextInt());
            final String[] texts = {
                "InitiatorName=iqn.x\0SessionType=Discovery\0",
                "CHAP_A=5\0",
                "=\0=\0",
                "AuthMethod=CHAP\0",
                "MaxBurstLength=-1\0"
            };
            final byte[] text = texts[random.nextInt(texts.length)].getBytes(java.nio.charset.StandardCharsets.UTF_8);
            initiator.send(header, random.nextBoolean() ? text : bytes(random, random.nextInt(600)));
        }
    }

    /** PDUs with the right numbers in most places and anything in the others. */
    private static void sendAlmostPdus(final TestInitiator initiator, final Random random) throws IOException {
        final int[] opcodes = {0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 4, 5, 5, 5, 5, 6, 0x10, 0x1f};
        final int count = random.nextInt(PDUS_MAX);
        for (int i = 0; i < count; i++) {
            final int opcode = opcodes[random.nextInt(opcodes.length)];
            final ByteBuffer header = ByteBuffer.wrap(bytes(random, 48));
            header.put(0, (byte) (opcode | (random.nextInt(3) == 0 ? 0x40 : 0)));
            header.put(4, (byte) (random.nextInt(50) == 0 ? 64 : 0));
            if (random.nextInt(10) > 0) {
                header.putLong(8, 0)
                        .putInt(16, opcode == 1 ? i : random.nextInt(PDUS_MAX))
                        .putInt(24, initiator.commandSn);
                header.put(1, (byte) (0x80 | random.nextInt(9)));
                header.putInt(20, random.nextInt(3) * 512 * random.nextInt(300));
            }
            byte[] data = random.nextInt(3) == 0 ? bytes(random, random.nextInt(2000)) : new byte[0];
            if (opcode == 1) {
                fillCommand(header, random);
                if (random.nextInt(20) > 0) { // As agreed, so that the session lasts a while.
                    header.put(1, (byte) (header.get(1) | 0x80));
                    data = (header.get(1) & 0x20) == 0 ? new byte[0] : data;
                }
            }
            final boolean takesNumber = opcode < 0x10 && opcode != 5 && (header.get(0) & 0x40) == 0;
            initiator.commandSn += takesNumber && header.getInt(24) == initiator.commandSn ? 1 : 0;
            initiator.send(header, data);
        }
    }

    private static void fillCommand(final ByteBuffer header, final Random random) {
        final int[] codes = {
            0x28, 0x2a, 0x88, 0x8a, 0x89, 0x42, 0x41, 0x93, 0x12, 0x1a, 0x15, 0x55, 0x5e, 0x5f, 0x2f, 0x2e, 0x9e, 0xa3,
            0x83, 0x84, 0x8b, 0x35, 0x1b, 0xa0, 0x03, 0x00, 0x16
        };
        header.put(1, (byte) (random.nextInt(8) << 5 | random.nextInt(4)));
        header.put(32, (byte) codes[random.nextInt(codes.length)]);
        if (random.nextInt(3) > 0) {
            for (int i = 34; i < 47; i++) {
                header.put(i, (byte) (random.nextInt(4) == 0 ? random.nextInt(256) : 0)); // Small numbers, mostly.
            }
        }
    }

    private static byte[] bytes(final Random random, final int length) {
        final byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }
}
