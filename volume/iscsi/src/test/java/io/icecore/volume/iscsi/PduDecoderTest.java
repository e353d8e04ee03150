package io.icecore.volume.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PduDecoderTest {
    private static final int DATA_LENGTH_MAX = 1024;

    private final PduDecoder decoder = new PduDecoder(DATA_LENGTH_MAX);

    /** A PDU whose header bytes are 0, 1, 2 ... where no length stands. */
    static byte[] pdu(
            final int additionalWords, final byte[] data, final boolean headerDigest, final boolean dataDigest) {
        final int additional = 4 * additionalWords;
        final ByteBuffer out = ByteBuffer.allocate(48 + additional + data.length + 3 + 8);
        for (int i = 0; i < 48 + additional; i++) {
            out.put((byte) i);
        }
        out.put(0, (byte) 0x41).put(4, (byte) additionalWords);
        out.put(5, (byte) (data.length >> 16)).putShort(6, (short) data.length);
        if (headerDigest) {
            final byte[] header = new byte[48 + additional];
            out.get(0, header);
            out.putInt(TestInitiator.crc(header));
        }
        final byte[] padded = java.util.Arrays.copyOf(data, data.length + 3 & ~3);
        out.put(padded);
        if (dataDigest && data.length > 0) {
            out.putInt(TestInitiator.crc(padded));
        }
        return java.util.Arrays.copyOf(out.array(), out.position());
    }

    @Test
    void waitsForTheLastByteAndConsumesNothingBefore() throws PduException {
        decoder.digests(true, true);
        final byte[] bytes = pdu(2, new byte[] {9, 8, 7}, true, true);
        final ByteBuffer received = ByteBuffer.allocate(bytes.length);
        for (int i = 0; i < bytes.length - 1; i++) {
            received.put(i, bytes[i]);
            final ByteBuffer soFar = received.duplicate().limit(i + 1);
            assertThat(decoder.decode(soFar)).isNull();
            assertThat(soFar.position()).isZero();
        }
        received.put(bytes.length - 1, bytes[bytes.length - 1]);
        final Pdu pdu = decoder.decode(received);
        assertThat(pdu.opcode()).isEqualTo(Opcode.SCSI_COMMAND);
        assertThat(pdu.immediate()).isTrue();
        assertThat(pdu.initiatorTaskTag()).isEqualTo(0x10111213);
        assertThat(pdu.dataBytes()).containsExactly(9, 8, 7);
        assertThat(received.hasRemaining()).isFalse();
    }

    @Test
    void cutsSeveralPdusApart() throws PduException {
        final byte[] one = pdu(0, new byte[5], false, false);
        final ByteBuffer received = ByteBuffer.allocate(3 * one.length + 20);
        received.put(one).put(one).put(one).put(new byte[20]).flip();
        assertThat(decoder.decode(received).dataLength()).isEqualTo(5);
        assertThat(decoder.decode(received).dataLength()).isEqualTo(5);
        assertThat(decoder.decode(received).dataLength()).isEqualTo(5);
        assertThat(decoder.decode(received)).isNull();
        assertThat(received.remaining()).isEqualTo(20);
    }

    @Test
    void refusesALengthBeforeItsDataHasArrived() {
        final ByteBuffer header = ByteBuffer.wrap(pdu(0, new byte[0], false, false));
        header.putInt(4, DATA_LENGTH_MAX + 1);
        assertThatThrownBy(() -> decoder.decode(header)).hasMessageContaining("DataSegmentLength: 1025");
        header.putInt(4, 65 << 24);
        assertThatThrownBy(() -> decoder.decode(header)).hasMessageContaining("TotalAHSLength: 260");
    }

    @Test
    void findsEveryFlippedBitWithDigests() {
        decoder.digests(true, true);
        final byte[] good = pdu(0, new byte[32], true, true);
        for (int bit = 0; bit < good.length * 8; bit++) {
            final byte[] bad = good.clone();
            bad[bit / 8] ^= 1 << bit % 8;
            final ByteBuffer received = ByteBuffer.wrap(bad);
            final int where = bit;
            try {
                assertThat(decoder.decode(received)).as("bit %d", where).isNull(); // A longer PDU, it seems.
            } catch (final PduException ex) {
                assertThat(ex.getMessage()).containsAnyOf("digest mismatch", "Length");
            }
        }
    }

    @Test
    void namesTheReasonWhenDataIsDamaged() {
        decoder.digests(false, true);
        final byte[] bytes = pdu(0, new byte[4], false, true);
        bytes[48] ^= 1;
        assertThatThrownBy(() -> decoder.decode(ByteBuffer.wrap(bytes)))
                .isInstanceOfSatisfying(
                        PduException.class, ex -> assertThat(ex.rejectReason()).isEqualTo(Opcode.REJECT_DATA_DIGEST));
    }

    /** RFC 7143 appendix B.4 of RFC 3720: CRC examples, as the bytes go over the wire. */
    @Test
    void computesTheDigestsOfTheSpecification() {
        assertDigest("00".repeat(32), "aa36918a");
        assertDigest("ff".repeat(32), "43aba862");
        final StringBuilder ascending = new StringBuilder();
        for (int i = 0; i < 32; i++) {
            ascending.append(String.format("%02x", i));
        }
        assertDigest(ascending.toString(), "4e79dd46");
    }

    private static void assertDigest(final String bytes, final String digest) {
        final byte[] data = HexFormat.of().parseHex(bytes);
        assertThat(String.format("%08x", PduDecoder.digest(ByteBuffer.wrap(data), 0, data.length)))
                .isEqualTo(digest);
    }

    /** Replay: -Dfuzz.seed=N. */
    @Test
    void takesOrRefusesAnyBytesWithoutAnythingElse() {
        final long seed = Long.getLong("fuzz.seed", 20261123);
        final Random random = new Random(seed);
        for (int round = 0; round < 20_000; round++) {
            decoder.digests(random.nextInt(8) == 0, random.nextInt(8) == 0);
            final ByteBuffer received = ByteBuffer.allocate(random.nextInt(3000));
            random.nextBytes(received.array());
            if (random.nextBoolean() && received.capacity() > 8) {
                received.putInt(4, random.nextInt(DATA_LENGTH_MAX + 8)); // Plausible, so that the rest is reached.
            }
            try {
                for (Pdu pdu = decoder.decode(received); pdu != null; pdu = decoder.decode(received)) {
                    assertThat(pdu.dataBytes()).as("seed %d", seed).hasSize(pdu.dataLength());
                    pdu.header();
                    pdu.cdb();
                }
            } catch (final PduException ex) {
                assertThat(ex.getMessage()).as("seed %d", seed).isNotEmpty();
            }
        }
    }
}
