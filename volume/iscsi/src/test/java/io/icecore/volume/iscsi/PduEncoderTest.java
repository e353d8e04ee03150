package io.icecore.volume.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.GatheringByteChannel;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** PDUs as RFC 7143 section 11.2 lays them out, StatSN by section 4.2.2.2, digests by section 13.1. */
class PduEncoderTest {
    /** Takes so many bytes a call, and none every other time. */
    static final class SlowChannel implements GatheringByteChannel {
        private final int bytesAtOnce;
        final ByteBuffer taken = ByteBuffer.allocate(4 << 20);
        private boolean full;

        SlowChannel(final int bytesAtOnce) {
            this.bytesAtOnce = bytesAtOnce;
        }

        @Override
        public long write(final ByteBuffer[] buffers, final int offset, final int length) {
            full = !full;
            int left = full ? 0 : bytesAtOnce;
            long written = 0;
            for (int i = offset; i < offset + length && left > 0; i++) {
                final int part = Math.min(left, buffers[i].remaining());
                taken.put(buffers[i].slice(buffers[i].position(), part));
                buffers[i].position(buffers[i].position() + part);
                left -= part;
                written += part;
            }
            return written;
        }

        @Override
        public long write(final ByteBuffer[] buffers) {
            return write(buffers, 0, buffers.length);
        }

        @Override
        public int write(final ByteBuffer buffer) {
            return (int) write(new ByteBuffer[] {buffer}, 0, 1);
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {
            // Nothing to close.
        }
    }

    private final PduEncoder encoder = new PduEncoder(new CommandWindow(5, 10));

    private ByteBuffer sent(final int bytesAtOnce) throws IOException {
        final SlowChannel channel = new SlowChannel(bytesAtOnce);
        while (!encoder.writeTo(channel)) {
            assertThat(encoder.isEmpty()).isFalse();
        }
        assertThat(encoder.isEmpty()).isTrue();
        return channel.taken.flip();
    }

    @Test
    void writesWhatTheDecoderReads() throws Exception {
        encoder.startStatSn(41);
        for (final boolean digests : new boolean[] {false, true}) {
            encoder.digests(digests, digests);
            final PduDecoder decoder = new PduDecoder(1 << 20);
            decoder.digests(digests, digests);
            final int[] lengths = {0, 1, 48, 4096, 4097, 65_537};
            for (final int length : lengths) {
                encoder.begin(Opcode.NOP_IN, Opcode.FINAL)
                        .u32(16, length)
                        .statSn(true)
                        .end(direct(length));
            }
            final ByteBuffer bytes = sent(1000);
            for (final int length : lengths) {
                final Pdu pdu = decoder.decode(bytes);
                assertThat(pdu.opcode()).isEqualTo(Opcode.NOP_IN);
                assertThat(pdu.initiatorTaskTag()).isEqualTo(length);
                assertThat(pdu.data()).isEqualTo(direct(length));
                assertThat(pdu.u32(28)).as("ExpCmdSN").isEqualTo(5);
                assertThat(pdu.u32(32)).as("MaxCmdSN").isEqualTo(14);
            }
            assertThat(bytes.hasRemaining()).isFalse();
        }
    }

    private static ByteBuffer direct(final int length) {
        final byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return ByteBuffer.allocateDirect(length).put(bytes).flip();
    }

    @Test
    void countsStatusNumbersOnlyWhereTheyAreTaken() throws Exception {
        encoder.startStatSn(7);
        encoder.begin(Opcode.SCSI_RESPONSE, 0).statSn(true).end();
        encoder.begin(Opcode.R2T, 0).statSn(false).end();
        encoder.begin(Opcode.SCSI_RESPONSE, 0).statSn(true).end();
        final ByteBuffer bytes = sent(1 << 20);
        assertThat(new int[] {bytes.getInt(24), bytes.getInt(48 + 24), bytes.getInt(96 + 24)})
                .containsExactly(7, 8, 8);
    }

    @Test
    void saysWhenThereIsNoMoreRoom() throws Exception {
        int count = 0;
        while (encoder.hasRoom()) {
            encoder.begin(Opcode.NOP_IN, 0).end(new byte[4000]);
            count++;
        }
        assertThat(count).isGreaterThan(20);
        assertThat(sent(1 << 20).remaining()).isEqualTo(count * 4048);
        assertThat(encoder.hasRoom()).isTrue();
    }

    @Test
    void sendsRepliesOfSeveralThreadsWholeAndReleasesEachOnce() throws Exception {
        final SlowChannel channel = new SlowChannel(777);
        final ReplyQueue replies = new ReplyQueue(encoder, channel, () -> {});
        final int count = 400;
        final int[] released = new int[4 * count];
        final Thread[] threads = new Thread[4];
        for (int t = 0; t < threads.length; t++) {
            final int first = t * count;
            threads[t] = new Thread(() -> {
                for (int i = first; i < first + count; i++) {
                    replies.offer(numbered(i, released));
                    replies.flush();
                }
            });
            threads[t].start();
        }
        for (final Thread thread : threads) {
            thread.join();
        }
        while (replies.length() > 0 || !encoder.isEmpty()) {
            replies.flush();
        }
        assertThat(Arrays.stream(released).allMatch(times -> times == 1)).isTrue();
        final PduDecoder decoder = new PduDecoder(4096);
        final ByteBuffer bytes = channel.taken.flip();
        final boolean[] seen = new boolean[released.length];
        for (int i = 0; i < seen.length; i++) {
            final Pdu pdu = decoder.decode(bytes);
            assertThat(pdu.u32(24)).as("StatSN in the order of the wire").isEqualTo(i);
            assertThat(seen[pdu.initiatorTaskTag()]).isFalse();
            seen[pdu.initiatorTaskTag()] = true;
        }
    }

    private static Reply numbered(final int number, final int[] released) {
        return new Reply() {
            @Override
            public boolean encode(final PduEncoder out) {
                out.begin(Opcode.NOP_IN, 0).u32(16, number).statSn(true).end(new byte[number % 300]);
                return true;
            }

            @Override
            public void released() {
                released[number]++;
            }
        };
    }

    @Test
    void releasesWhatIsLeftWhenItCloses() {
        final int[] released = new int[3];
        final ReplyQueue replies = new ReplyQueue(encoder, new SlowChannel(0), () -> {});
        replies.offer(numbered(0, released));
        replies.flush();
        replies.offer(numbered(1, released));
        replies.close();
        replies.offer(numbered(2, released));
        assertThat(released).containsExactly(1, 1, 1);
    }
}
