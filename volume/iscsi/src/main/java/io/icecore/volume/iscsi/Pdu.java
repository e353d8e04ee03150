package io.icecore.volume.iscsi;

import io.icecore.volume.iscsi.scsi.Cdb;
import java.nio.ByteBuffer;

/**
 * One received PDU: flyweight over its basic header segment and its data segment (RFC 7143 section 11.2). Valid until
 * more is read into the buffer beneath it.
 *
 * <pre>
 * offset  size  field
 *      0     1  immediate bit, opcode
 *      1     3  opcode-specific; the first bit of most is "final"
 *      4     1  TotalAHSLength, in words of 4 bytes
 *      5     3  DataSegmentLength, bytes without padding
 *      8     8  LUN or opcode-specific
 *     16     4  initiator task tag
 *     20    28  opcode-specific
 * </pre>
 */
final class Pdu {
    static final int HEADER_LENGTH = 48;

    private static final int IMMEDIATE = 0x40;
    private static final int OPCODE_MASK = 0x3f;

    private final ByteBuffer received;
    private final int start;
    private final int dataStart;
    private final int dataLength;

    Pdu(final ByteBuffer received, final int start, final int dataStart, final int dataLength) {
        this.received = received;
        this.start = start;
        this.dataStart = dataStart;
        this.dataLength = dataLength;
    }

    int opcode() {
        return received.get(start) & OPCODE_MASK;
    }

    boolean immediate() {
        return (received.get(start) & IMMEDIATE) != 0;
    }

    /** Byte 1: flags, function or reason. */
    int flags() {
        return u8(1);
    }

    boolean isFinal() {
        return (flags() & Opcode.FINAL) != 0;
    }

    long lun() {
        return received.getLong(start + 8);
    }

    int initiatorTaskTag() {
        return u32(16);
    }

    int targetTransferTag() {
        return u32(20);
    }

    int commandSn() {
        return u32(24);
    }

    int u8(final int offset) {
        return received.get(start + offset) & 0xff;
    }

    int u16(final int offset) {
        return received.getShort(start + offset) & 0xffff;
    }

    int u32(final int offset) {
        return received.getInt(start + offset);
    }

    int dataLength() {
        return dataLength;
    }

    /** A view of the data segment, without padding. */
    ByteBuffer data() {
        return received.slice(dataStart, dataLength);
    }

    byte[] dataBytes() {
        final byte[] bytes = new byte[dataLength];
        received.get(dataStart, bytes);
        return bytes;
    }

    /** A copy of the basic header segment, as a Reject carries it. */
    byte[] header() {
        final byte[] header = new byte[HEADER_LENGTH];
        received.get(start, header);
        return header;
    }

    Cdb cdb() {
        final byte[] bytes = new byte[Cdb.LENGTH];
        received.get(start + 32, bytes);
        return new Cdb(bytes);
    }
}
