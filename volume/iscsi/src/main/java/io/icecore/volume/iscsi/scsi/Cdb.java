package io.icecore.volume.iscsi.scsi;

/**
 * A command descriptor block of at most {@value #LENGTH} bytes (SPC-4 section 4.3). Big-endian; bytes past the end of a
 * shorter CDB are whatever the transport sent and are not looked at.
 */
public final class Cdb {
    public static final int LENGTH = 16;

    private static final int SERVICE_ACTION_MASK = 0x1f;

    private final byte[] bytes;

    /** @param bytes exactly {@value #LENGTH}; kept, not copied */
    public Cdb(final byte[] bytes) {
        if (bytes.length != LENGTH) {
            throw new IllegalArgumentException("CDB length: " + bytes.length + " (expected: " + LENGTH + ")");
        }
        this.bytes = bytes;
    }

    public int operationCode() {
        return u8(0);
    }

    /** Of commands that have one: the low five bits of byte 1. */
    public int serviceAction() {
        return bytes[1] & SERVICE_ACTION_MASK;
    }

    public int u8(final int index) {
        return bytes[index] & 0xff;
    }

    public int u16(final int index) {
        return u8(index) << 8 | u8(index + 1);
    }

    public int u24(final int index) {
        return u8(index) << 16 | u16(index + 1);
    }

    public long u32(final int index) {
        return (long) u16(index) << 16 | u16(index + 2);
    }

    /** Unsigned: compare with {@link Long#compareUnsigned}. */
    public long u64(final int index) {
        return u32(index) << 32 | u32(index + 4);
    }

    public boolean bit(final int index, final int mask) {
        return (bytes[index] & mask) != 0;
    }

    /** The last byte of the CDB, whose length the group code gives (SPC-4 section 4.3.5.1; SAM-5 section 5.2). */
    public int control() {
        return switch (operationCode() >> 5) {
            case 0 -> u8(5);
            case 1, 2 -> u8(9);
            case 5 -> u8(11);
            default -> u8(15);
        };
    }

    @Override
    public String toString() {
        final StringBuilder text = new StringBuilder();
        for (final byte b : bytes) {
            text.append(String.format("%02x", b));
        }
        return text.toString();
    }
}
