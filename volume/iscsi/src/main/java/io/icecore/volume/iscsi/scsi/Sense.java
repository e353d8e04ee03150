package io.icecore.volume.iscsi.scsi;

import java.nio.ByteBuffer;

/**
 * Why a command failed, or what the initiator must know before its next one (SPC-4 section 4.5).
 *
 * @param key          sense key, 0 to 15
 * @param code         additional sense code and, in the low byte, its qualifier
 * @param information  the logical block or byte that it concerns, {@value #NO_INFORMATION} for none
 * @param fieldPointer of ILLEGAL REQUEST: the byte at fault, {@value #NO_FIELD} for none
 * @param inCdb        the byte is one of the CDB, and not of the parameter list
 */
public record Sense(int key, int code, long information, int fieldPointer, boolean inCdb) {
    public static final long NO_INFORMATION = -1;
    public static final int NO_FIELD = -1;

    public static final int KEY_NO_SENSE = 0x0;
    public static final int KEY_NOT_READY = 0x2;
    public static final int KEY_MEDIUM_ERROR = 0x3;
    public static final int KEY_HARDWARE_ERROR = 0x4;
    public static final int KEY_ILLEGAL_REQUEST = 0x5;
    public static final int KEY_UNIT_ATTENTION = 0x6;
    public static final int KEY_DATA_PROTECT = 0x7;
    public static final int KEY_COPY_ABORTED = 0xa;
    public static final int KEY_ABORTED_COMMAND = 0xb;
    public static final int KEY_MISCOMPARE = 0xe;

    public static final Sense NONE = of(KEY_NO_SENSE, 0x0000);
    public static final Sense NO_MEDIUM = of(KEY_NOT_READY, 0x3a00);
    public static final Sense UNRECOVERED_READ = of(KEY_MEDIUM_ERROR, 0x1100);
    public static final Sense INTERNAL_TARGET_FAILURE = of(KEY_HARDWARE_ERROR, 0x4400);
    public static final Sense INVALID_OPERATION_CODE = of(KEY_ILLEGAL_REQUEST, 0x2000);
    public static final Sense LBA_OUT_OF_RANGE = of(KEY_ILLEGAL_REQUEST, 0x2100);
    public static final Sense LOGICAL_UNIT_NOT_SUPPORTED = of(KEY_ILLEGAL_REQUEST, 0x2500);
    public static final Sense PARAMETER_LIST_LENGTH = of(KEY_ILLEGAL_REQUEST, 0x1a00);
    public static final Sense INVALID_RELEASE = of(KEY_ILLEGAL_REQUEST, 0x2604);
    public static final Sense SAVING_NOT_SUPPORTED = of(KEY_ILLEGAL_REQUEST, 0x3900);
    public static final Sense REMOVAL_PREVENTED = of(KEY_ILLEGAL_REQUEST, 0x5302);
    public static final Sense INVALID_INFORMATION_UNIT = of(KEY_ILLEGAL_REQUEST, 0x0e03);
    public static final Sense INSUFFICIENT_REGISTRATION_RESOURCES = of(KEY_ILLEGAL_REQUEST, 0x5504);
    public static final Sense TOO_MANY_TARGET_DESCRIPTORS = of(KEY_ILLEGAL_REQUEST, 0x2606);
    public static final Sense TOO_MANY_SEGMENT_DESCRIPTORS = of(KEY_ILLEGAL_REQUEST, 0x2608);
    public static final Sense UNSUPPORTED_TARGET_DESCRIPTOR = of(KEY_ILLEGAL_REQUEST, 0x2607);
    public static final Sense UNSUPPORTED_SEGMENT_DESCRIPTOR = of(KEY_ILLEGAL_REQUEST, 0x2609);
    public static final Sense POWER_ON = of(KEY_UNIT_ATTENTION, 0x2900);
    public static final Sense RESET_OCCURRED = of(KEY_UNIT_ATTENTION, 0x2903);
    public static final Sense NEXUS_LOST = of(KEY_UNIT_ATTENTION, 0x2907);
    public static final Sense MODE_PARAMETERS_CHANGED = of(KEY_UNIT_ATTENTION, 0x2a01);
    public static final Sense RESERVATIONS_PREEMPTED = of(KEY_UNIT_ATTENTION, 0x2a03);
    public static final Sense RESERVATIONS_RELEASED = of(KEY_UNIT_ATTENTION, 0x2a04);
    public static final Sense REGISTRATIONS_PREEMPTED = of(KEY_UNIT_ATTENTION, 0x2a05);
    public static final Sense CAPACITY_CHANGED = of(KEY_UNIT_ATTENTION, 0x2a09);
    public static final Sense COMMANDS_CLEARED = of(KEY_UNIT_ATTENTION, 0x2f00);
    public static final Sense MEDIUM_CHANGED = of(KEY_UNIT_ATTENTION, 0x2800);
    public static final Sense WRITE_PROTECTED = of(KEY_DATA_PROTECT, 0x2700);
    public static final Sense SOFTWARE_WRITE_PROTECTED = of(KEY_DATA_PROTECT, 0x2702);
    public static final Sense NO_SPACE = of(KEY_DATA_PROTECT, 0x2707);
    public static final Sense COPY_ABORTED = of(KEY_COPY_ABORTED, 0x0000);
    public static final Sense COPY_TARGET_UNREACHABLE = of(KEY_COPY_ABORTED, 0x0d02);
    public static final Sense DATA_PHASE_ERROR = of(KEY_ABORTED_COMMAND, 0x4b00);
    public static final Sense UNEXPECTED_UNSOLICITED_DATA = of(KEY_ABORTED_COMMAND, 0x0c0c);
    public static final Sense MISCOMPARE = of(KEY_MISCOMPARE, 0x1d00);

    private static final int INVALID_FIELD_IN_CDB = 0x2400;
    private static final int INVALID_FIELD_IN_PARAMETER_LIST = 0x2600;

    private static final int FIXED_LENGTH = 18;
    private static final int FIXED_CURRENT = 0x70;
    private static final int DESCRIPTOR_CURRENT = 0x72;
    private static final int INFORMATION_VALID = 0x80;
    private static final int FIELD_POINTER_VALID = 0x80;
    private static final int FIELD_IN_CDB = 0x40;

    public static Sense of(final int key, final int code) {
        return new Sense(key, code, NO_INFORMATION, NO_FIELD, false);
    }

    /** INVALID FIELD IN CDB, pointing at its byte {@code index}. */
    public static Sense invalidCdbField(final int index) {
        return new Sense(KEY_ILLEGAL_REQUEST, INVALID_FIELD_IN_CDB, NO_INFORMATION, index, true);
    }

    /** INVALID FIELD IN PARAMETER LIST, pointing at its byte {@code index}. */
    public static Sense invalidParameter(final int index) {
        return new Sense(KEY_ILLEGAL_REQUEST, INVALID_FIELD_IN_PARAMETER_LIST, NO_INFORMATION, index, false);
    }

    public Sense at(final long where) {
        return new Sense(key, code, where, fieldPointer, inCdb);
    }

    /** In the fixed format (SPC-4 section 4.5.3), or as descriptors (4.5.2) when D_SENSE asks for them. */
    public byte[] encode(final boolean asDescriptors) {
        return asDescriptors ? encodeDescriptors() : encodeFixed();
    }

    private byte[] encodeFixed() {
        final ByteBuffer out = ByteBuffer.allocate(FIXED_LENGTH);
        // An LBA that needs more than 32 bits does not fit the fixed format: then the field is left invalid.
        final boolean valid = information != NO_INFORMATION && information >>> 32 == 0;
        out.put(0, (byte) (FIXED_CURRENT | (valid ? INFORMATION_VALID : 0)));
        out.put(2, (byte) key);
        out.putInt(3, valid ? (int) information : 0);
        out.put(7, (byte) (FIXED_LENGTH - 8));
        out.putShort(12, (short) code);
        if (fieldPointer != NO_FIELD) {
            putFieldPointer(out, 15);
        }
        return out.array();
    }

    private byte[] encodeDescriptors() {
        final ByteBuffer out = ByteBuffer.allocate(8 + 12 + 8);
        out.put((byte) DESCRIPTOR_CURRENT)
                .put((byte) key)
                .putShort((short) code)
                .putInt(0);
        if (information != NO_INFORMATION) {
            out.putShort((short) 0x000a)
                    .put((byte) INFORMATION_VALID)
                    .put((byte) 0)
                    .putLong(information);
        }
        if (fieldPointer != NO_FIELD) {
            out.putShort((short) 0x0206).putShort((short) 0);
            putFieldPointer(out, out.position());
            out.position(out.position() + 4);
        }
        out.put(7, (byte) (out.position() - 8));
        final byte[] bytes = new byte[out.position()];
        out.get(0, bytes);
        return bytes;
    }

    private void putFieldPointer(final ByteBuffer out, final int index) {
        out.put(index, (byte) (FIELD_POINTER_VALID | (inCdb ? FIELD_IN_CDB : 0)));
        out.putShort(index + 1, (short) fieldPointer);
    }

    @Override
    public String toString() {
        return String.format("sense %x/%02x/%02x", key, code >> 8, code & 0xff);
    }
}
