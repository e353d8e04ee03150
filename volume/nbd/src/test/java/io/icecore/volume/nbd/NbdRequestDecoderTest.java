package io.icecore.volume.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class NbdRequestDecoderTest {
    private final NbdRequestDecoder decoder = new NbdRequestDecoder();

    @Test
    void decodesEveryField() {
        final ByteBuffer received = header(Nbd.REQUEST_MAGIC, 0x8001, Nbd.CMD_READ, 0x0102030405060708L, 4096, 512);

        assertThat(decoder.decode(received)).isTrue();

        assertThat(decoder.flags()).isEqualTo(0x8001);
        assertThat(decoder.has(Nbd.CMD_FLAG_FUA)).isTrue();
        assertThat(decoder.has(Nbd.CMD_FLAG_DF)).isFalse();
        assertThat(decoder.type()).isEqualTo(Nbd.CMD_READ);
        assertThat(decoder.cookie()).isEqualTo(0x0102030405060708L);
        assertThat(decoder.offset()).isEqualTo(4096);
        assertThat(decoder.length()).isEqualTo(512);
        assertThat(decoder.payloadLength()).isZero();
        assertThat(received.hasRemaining()).isFalse();
    }

    @Test
    void consumesNothingUntilTheWholeHeaderIsThere() {
        final byte[] bytes =
                header(Nbd.REQUEST_MAGIC, 0, Nbd.CMD_WRITE, 7, 8192, 100).array();
        final ByteBuffer received = ByteBuffer.allocate(64);
        for (int i = 0; i < bytes.length; i++) {
            received.limit(i + 1);
            received.put(i, bytes[i]);
            final boolean complete = i == bytes.length - 1;
            assertThat(decoder.decode(received)).isEqualTo(complete);
            assertThat(received.position()).isEqualTo(complete ? bytes.length : 0);
        }
        assertThat(decoder.payloadLength()).isEqualTo(100);
    }

    @Test
    void leavesThePayloadToItsReader() {
        final ByteBuffer received = ByteBuffer.allocate(28 + 3);
        received.put(header(Nbd.REQUEST_MAGIC, 0, Nbd.CMD_WRITE, 7, 0, 3))
                .put(new byte[] {1, 2, 3})
                .flip();

        assertThat(decoder.decode(received)).isTrue();

        assertThat(received.remaining()).isEqualTo(3);
        assertThat(received.get()).isEqualTo((byte) 1);
    }

    @Test
    void takesLengthsAsUnsigned() {
        decoder.decode(header(Nbd.REQUEST_MAGIC, 0, Nbd.CMD_TRIM, 7, 0, -1));

        assertThat(decoder.length()).isEqualTo(0xFFFF_FFFFL);
    }

    @Test
    void refusesAWrongMagic() {
        assertThatThrownBy(() -> decoder.decode(header(Nbd.REQUEST_MAGIC + 1, 0, Nbd.CMD_READ, 7, 0, 1)))
                .isInstanceOf(NbdProtocolException.class)
                .hasMessage("request magic: 0x25609514 (expected: 0x25609513)");
    }

    @Test
    void refusesAPayloadNoHonestClientSends() {
        assertThat(decoder.decode(header(Nbd.REQUEST_MAGIC, 0, Nbd.CMD_WRITE, 7, 0, 32 << 20)))
                .isTrue();
        assertThatThrownBy(() -> decoder.decode(header(Nbd.REQUEST_MAGIC, 0, Nbd.CMD_WRITE, 7, 0, (32 << 20) + 1)))
                .isInstanceOf(NbdProtocolException.class)
                .hasMessage("payload length: 33554433 (expected: at most 33554432)");
    }

    private static ByteBuffer header(
            final int magic, final int flags, final int type, final long cookie, final long offset, final int length) {
        return ByteBuffer.allocate(28)
                .putInt(magic)
                .putShort((short) flags)
                .putShort((short) type)
                .putLong(cookie)
                .putLong(offset)
                .putInt(length)
                .flip();
    }
}
