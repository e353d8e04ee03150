package io.icecore.volume.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class NbdReplyEncoderTest {
    private static final long COOKIE = 0x0102030405060708L;

    private final ByteBuffer target = ByteBuffer.allocate(NbdReplyEncoder.HEADER_LENGTH_MAX);

    @Test
    void encodesSimpleReplies() {
        NbdReplyEncoder.simple(target, COOKIE, 28);

        assertThat(encoded()).isEqualTo("67446698" + "0000001c" + "0102030405060708");
    }

    @Test
    void encodesTheHeaderOfADataChunk() {
        NbdReplyEncoder.offsetData(target, COOKIE, false, 0x1122334455667788L, 512);

        assertThat(encoded())
                .isEqualTo("668e33ef" + "0000" + "0001" + "0102030405060708" + "00000208" + "1122334455667788");
        assertThat(target.position()).isEqualTo(NbdReplyEncoder.OFFSET_DATA_HEADER_LENGTH);
    }

    @Test
    void encodesTheHeaderOfABlockStatusChunk() {
        NbdReplyEncoder.blockStatus(target, COOKIE, 1, 3);

        assertThat(encoded()).isEqualTo("668e33ef" + "0001" + "0005" + "0102030405060708" + "0000001c" + "00000001");
        assertThat(target.position()).isEqualTo(NbdReplyEncoder.BLOCK_STATUS_HEADER_LENGTH);
    }

    @Test
    void encodesTheEmptyLastChunk() {
        NbdReplyEncoder.done(target, COOKIE);

        assertThat(encoded()).isEqualTo("668e33ef" + "0001" + "0000" + "0102030405060708" + "00000000");
    }

    @Test
    void encodesErrorsWithTheirMessage() {
        NbdReplyEncoder.error(target, COOKIE, NbdError.READ_ONLY);

        assertThat(encoded())
                .startsWith("668e33ef" + "0001" + "8001" + "0102030405060708" + "0000001d" + "00000001" + "0017")
                .endsWith(HexFormat.of().formatHex("the export is read-only".getBytes()));
    }

    @Test
    void everyErrorFitsWhatABatchReservesForAReply() {
        for (final NbdError error : NbdError.values()) {
            target.clear();
            NbdReplyEncoder.offsetData(target, COOKIE, false, 0, 0);
            NbdReplyEncoder.error(target, COOKIE, error);
        }
    }

    private String encoded() {
        return HexFormat.of().formatHex(target.array(), 0, target.position());
    }
}
