package io.icecore.volume.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Garbage, and requests with a few wrong bits, in random portions: the decoder returns, or says what is wrong, and never
 * takes more than there is. A failure prints the seed; replay with {@code -Dnbd.fuzz.seed=...}.
 */
class NbdRequestDecoderFuzzTest {
    private static final long SEED = Long.getLong("nbd.fuzz.seed", System.nanoTime());
    private static final int ROUNDS = Integer.getInteger("nbd.fuzz.rounds", 20_000);
    private static final int LENGTH_MAX = 256;

    private final NbdRequestDecoder decoder = new NbdRequestDecoder();

    @Test
    void survivesGarbage() {
        final SplittableRandom random = new SplittableRandom(SEED);
        int decoded = 0;
        int refused = 0;
        for (int round = 0; round < ROUNDS; round++) {
            final ByteBuffer received = received(random);
            final int before = received.remaining();
            try {
                final boolean complete = decoder.decode(received);
                final int consumed = before - received.remaining();
                assertThat(consumed).as(seed(round)).isEqualTo(complete ? NbdRequestDecoder.HEADER_LENGTH : 0);
                assertThat(complete).as(seed(round)).isEqualTo(before >= NbdRequestDecoder.HEADER_LENGTH);
                if (complete) {
                    decoded++;
                    assertThat(decoder.payloadLength()).as(seed(round)).isBetween(0, Nbd.PAYLOAD_LENGTH_MAX);
                    assertThat(decoder.length()).as(seed(round)).isBetween(0L, 0xFFFF_FFFFL);
                }
            } catch (final NbdProtocolException ex) {
                refused++;
                assertThat(received.remaining()).as(seed(round)).isEqualTo(before);
            }
        }
        assertThat(decoded).as("the fuzzer must reach the inside: " + seed(0)).isPositive();
        assertThat(refused).as("the fuzzer must reach the refusals: " + seed(0)).isPositive();
    }

    private static ByteBuffer received(final SplittableRandom random) {
        final byte[] bytes = new byte[random.nextInt(LENGTH_MAX)];
        random.nextBytes(bytes);
        final ByteBuffer received = ByteBuffer.wrap(bytes);
        if (bytes.length >= NbdRequestDecoder.HEADER_LENGTH && random.nextInt(8) != 0) {
            received.putInt(0, Nbd.REQUEST_MAGIC ^ (random.nextInt(16) == 0 ? 1 << random.nextInt(32) : 0));
            received.putShort(6, (short) random.nextInt(12));
        }
        return received;
    }

    private static String seed(final int round) {
        return "-Dnbd.fuzz.seed=" + SEED + ", round " + round;
    }
}
