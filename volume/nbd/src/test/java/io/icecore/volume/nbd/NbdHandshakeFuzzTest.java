package io.icecore.volume.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Options with random types, lengths and contents: the handshake answers, drops the client or reaches its end, and leaves
 * no export open. A failure prints the seed; replay with {@code -Dnbd.fuzz.seed=...}.
 */
class NbdHandshakeFuzzTest {
    private static final long SEED = Long.getLong("nbd.fuzz.seed", System.nanoTime());
    private static final int ROUNDS = Integer.getInteger("nbd.fuzz.rounds", 20_000);

    private final MemoryExportTable table = new MemoryExportTable();
    private final MemoryExport volume = table.add("vol", 1 << 20);

    private int chosen;
    private int dropped;
    private int left;

    @Test
    void survivesGarbage() throws IOException {
        final SplittableRandom random = new SplittableRandom(SEED);
        try (NbdOptionReplies replies = new NbdOptionReplies(new Sink())) {
            for (int round = 0; round < ROUNDS; round++) {
                final Source source = new Source(client(random), random.split());
                try (NbdInput input = new NbdInput(source, source)) {
                    haggle(input, replies);
                } catch (final RuntimeException | Error ex) {
                    throw new AssertionError("-Dnbd.fuzz.seed=" + SEED + ", round " + round, ex);
                }
                assertThat(volume.opens)
                        .as("-Dnbd.fuzz.seed=%d, round %d", SEED, round)
                        .hasValue(0);
            }
        }
        assertThat(chosen).as("the fuzzer must get through now and then").isPositive();
        assertThat(dropped).isPositive();
        assertThat(left).isPositive();
    }

    private void haggle(final NbdInput input, final NbdOptionReplies replies) throws IOException {
        try {
            final NbdSession session = new NbdHandshake(table, 4, input, replies).run();
            if (session != null) {
                chosen++;
                session.close();
            }
        } catch (final NbdProtocolException ex) {
            dropped++;
        } catch (final EOFException ex) {
            left++;
        }
    }

    private static ByteBuffer client(final SplittableRandom random) {
        final ByteBuffer bytes = ByteBuffer.allocate(96 << 10);
        bytes.putInt(random.nextInt(20) == 0 ? random.nextInt() : random.nextInt(4));
        for (int i = random.nextInt(8); i >= 0; i--) {
            final byte[] data = optionData(random);
            bytes.putLong(random.nextInt(50) == 0 ? random.nextLong() : Nbd.IHAVEOPT);
            bytes.putInt(random.nextInt(13));
            bytes.putInt(random.nextInt(30) == 0 ? random.nextInt() : data.length)
                    .put(data);
        }
        return bytes.flip();
    }

    /** A good option with a few bytes wrong, cut short or longer. */
    private static byte[] optionData(final SplittableRandom random) {
        final byte[] good = switch (random.nextInt(4)) {
            case 0 -> RawNbdClient.go("vol", 1, 2, 3);
            case 1 -> RawNbdClient.metaContextQuery("vol", "base:allocation", "base:");
            case 2 -> new byte[0];
            default -> "vol".getBytes();
        };
        final byte[] data = new byte[Math.max(0, good.length + (random.nextInt(3) == 0 ? random.nextInt(9) - 4 : 0))];
        System.arraycopy(good, 0, data, 0, Math.min(good.length, data.length));
        for (int i = random.nextInt(4); i > 1 && data.length > 0; i--) {
            data[random.nextInt(data.length)] = (byte) random.nextInt();
        }
        return data;
    }

    /** Gives out the client's bytes in random portions. */
    private record Source(ByteBuffer bytes, SplittableRandom random) implements ReadableByteChannel {
        @Override
        public int read(final ByteBuffer target) {
            if (!bytes.hasRemaining()) {
                return -1;
            }
            final int length = Math.min(Math.min(1 + random.nextInt(64), bytes.remaining()), target.remaining());
            target.put(bytes.slice(bytes.position(), length));
            bytes.position(bytes.position() + length);
            return length;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }

    private static final class Sink implements WritableByteChannel {
        @Override
        public int write(final ByteBuffer source) {
            final int length = source.remaining();
            source.position(source.limit());
            return length;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }
}
