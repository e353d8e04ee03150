package io.icecore.volume.iscsi;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Cuts received bytes into PDUs and verifies their digests (RFC 7143 sections 11.2, 13.1). Knows lengths and nothing
 * of what a PDU means. Every length is checked against a limit before anyone waits for that many bytes.
 */
final class PduDecoder {
    static final int DIGEST_LENGTH = 4;
    /**
     * Bytes of additional header segments; the field could say 1020, nothing that is served needs more than a long
     * CDB.
     */
    static final int ADDITIONAL_HEADER_LENGTH_MAX = 256;

    private final int dataLengthMax;
    private boolean headerDigest;
    private boolean dataDigest;

    /** @param dataLengthMax bytes of a data segment that was agreed to: MaxRecvDataSegmentLength */
    PduDecoder(final int dataLengthMax) {
        this.dataLengthMax = dataLengthMax;
    }

    /** Takes effect with the next PDU: the login phase has none, the full feature phase those negotiated. */
    void digests(final boolean header, final boolean data) {
        headerDigest = header;
        dataDigest = data;
    }

    /** The most bytes that one PDU can take. */
    static int pduLengthMax(final int dataLengthMax) {
        return Pdu.HEADER_LENGTH + ADDITIONAL_HEADER_LENGTH_MAX + padded(dataLengthMax) + 2 * DIGEST_LENGTH;
    }

    static int padded(final int length) {
        return length + 3 & ~3;
    }

    /** Returns the next PDU, or null when {@code received} does not hold all of it yet; then nothing is consumed. */
    Pdu decode(final ByteBuffer received) throws PduException {
        if (received.remaining() < Pdu.HEADER_LENGTH) {
            return null;
        }
        final int start = received.position();
        final int additionalLength = (received.get(start + 4) & 0xff) * 4;
        if (additionalLength > ADDITIONAL_HEADER_LENGTH_MAX) {
            throw new PduException("TotalAHSLength: " + additionalLength + " bytes (expected: <= "
                    + ADDITIONAL_HEADER_LENGTH_MAX + ")");
        }
        final int dataLength = received.getInt(start + 4) & 0xff_ffff;
        if (dataLength > dataLengthMax) {
            throw new PduException("DataSegmentLength: " + dataLength + " (expected: <= " + dataLengthMax + ")");
        }
        final int headerEnd = start + Pdu.HEADER_LENGTH + additionalLength;
        final int dataStart = headerEnd + (headerDigest ? DIGEST_LENGTH : 0);
        final int dataEnd = dataStart + padded(dataLength);
        final int end = dataEnd + (dataDigest && dataLength > 0 ? DIGEST_LENGTH : 0);
        if (end > received.limit()) {
            return null;
        }
        if (headerDigest && received.getInt(headerEnd) != digest(received, start, headerEnd)) {
            // The length itself may be damaged: there is no way to find the next PDU (RFC 7143 section 7.7).
            throw new PduException("header digest mismatch");
        }
        final Pdu pdu = new Pdu(received, start, dataStart, dataLength);
        if (dataDigest && dataLength > 0 && received.getInt(dataEnd) != digest(received, dataStart, dataEnd)) {
            throw new PduException("data digest mismatch", Opcode.REJECT_DATA_DIGEST, pdu.header());
        }
        received.position(end);
        return pdu;
    }

    /** CRC32C as it stands in the big-endian buffer: least significant byte first (RFC 7143 section 13.1). */
    static int digest(final ByteBuffer bytes, final int from, final int to) {
        final CRC32C crc = new CRC32C();
        crc.update(bytes.slice(from, to - from));
        return Integer.reverseBytes((int) crc.getValue());
    }
}
