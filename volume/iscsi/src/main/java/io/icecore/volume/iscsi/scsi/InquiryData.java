package io.icecore.volume.iscsi.scsi;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/** What INQUIRY says of a logical unit: the standard data (SPC-4 section 6.6) and the vital product data (7.8). */
final class InquiryData {
    private static final String VENDOR = "ICECORE ";
    private static final String REVISION = "0.1 ";

    private static final int SUPPORTED_PAGES = 0x00;
    private static final int UNIT_SERIAL_NUMBER = 0x80;
    private static final int DEVICE_IDENTIFICATION = 0x83;
    private static final int EXTENDED_INQUIRY = 0x86;
    private static final int THIRD_PARTY_COPY = 0x8f;
    private static final int BLOCK_LIMITS = 0xb0;
    private static final int BLOCK_DEVICE_CHARACTERISTICS = 0xb1;
    private static final int LOGICAL_BLOCK_PROVISIONING = 0xb2;
    private static final byte[] PAGES = {
        SUPPORTED_PAGES,
        (byte) UNIT_SERIAL_NUMBER,
        (byte) DEVICE_IDENTIFICATION,
        (byte) EXTENDED_INQUIRY,
        (byte) THIRD_PARTY_COPY,
        (byte) BLOCK_LIMITS,
        (byte) BLOCK_DEVICE_CHARACTERISTICS,
        (byte) LOGICAL_BLOCK_PROVISIONING
    };

    private static final int LONG_PAGE_LENGTH = 64;
    private static final int NO_LOGICAL_UNIT = 0x7f;
    private static final int REMOVABLE = 0x80;

    private final Geometry geometry;
    private final boolean removable;
    private final String product;
    private final byte[] identity;
    private final String targetName;

    /**
     * @param exportId   identity that nothing else shares; the serial number and the designators come from it
     * @param targetName of the target that the unit is reached through
     */
    InquiryData(
            final Geometry geometry,
            final boolean removable,
            final boolean snapshot,
            final String exportId,
            final String targetName) {
        this.geometry = geometry;
        this.removable = removable;
        this.product = snapshot ? "SNAPSHOT        " : "VOLUME          ";
        this.identity = sha256(exportId);
        this.targetName = targetName;
    }

    /** Answers for a LUN that does not exist: peripheral qualifier 011b. */
    static byte[] ofNoLogicalUnit() {
        final byte[] data = new byte[36];
        data[0] = NO_LOGICAL_UNIT;
        data[2] = 0x06;
        data[3] = 0x02;
        data[4] = (byte) (data.length - 5);
        return data;
    }

    byte[] standard() {
        final ByteBuffer out = ByteBuffer.allocate(96);
        out.put((byte) 0x00).put((byte) (removable ? REMOVABLE : 0));
        out.put((byte) 0x06); // SPC-4
        out.put((byte) 0x12); // HISUP, response data format 2
        out.put((byte) (96 - 5));
        out.put((byte) 0x08); // 3PC
        out.put((byte) 0x00);
        out.put((byte) 0x02); // CMDQUE
        out.put(ascii(VENDOR)).put(ascii(product)).put(ascii(REVISION));
        out.position(58);
        for (final int standard : new int[] {0x00a0, 0x0960, 0x0460, 0x04c0}) {
            out.putShort((short) standard); // SAM-5, iSCSI, SPC-4, SBC-3
        }
        return out.array();
    }

    /** The page, or null when there is none of that code. */
    byte[] page(final int code) {
        return switch (code) {
            case SUPPORTED_PAGES -> page(code, PAGES);
            case UNIT_SERIAL_NUMBER -> page(code, ascii(serialNumber()));
            case DEVICE_IDENTIFICATION -> page(code, designators());
            case EXTENDED_INQUIRY -> extendedInquiry();
            case THIRD_PARTY_COPY -> page(code, ExtendedCopy.thirdPartyCopyDescriptors());
            case BLOCK_LIMITS -> blockLimits();
            case BLOCK_DEVICE_CHARACTERISTICS -> blockDeviceCharacteristics();
            case LOGICAL_BLOCK_PROVISIONING -> logicalBlockProvisioning();
            default -> null;
        };
    }

    private String serialNumber() {
        return HexFormat.of().formatHex(identity, 0, 16);
    }

    /** Locally assigned NAA identifier (SPC-4 section 7.8.6.6.4): 60 bits of the hashed identity. */
    byte[] naa() {
        final byte[] naa = Arrays.copyOf(identity, 8);
        naa[0] = (byte) (naa[0] & 0x0f | 0x30);
        return naa;
    }

    private byte[] designators() {
        final ByteBuffer out = ByteBuffer.allocate(512);
        putDesignator(out, 0x01, 0x03, naa());
        putDesignator(out, 0x02, 0x01, ascii(VENDOR + serialNumber()));
        putDesignator(out, 0x51, 0x94, new byte[] {0, 0, 0, 1}); // Relative target port 1, iSCSI.
        putDesignator(out, 0x53, 0x98, scsiName(targetName + ",t,0x0001"));
        putDesignator(out, 0x53, 0xa8, scsiName(targetName));
        return Arrays.copyOf(out.array(), out.position());
    }

    private static void putDesignator(
            final ByteBuffer out, final int first, final int second, final byte[] designator) {
        out.put((byte) first)
                .put((byte) second)
                .put((byte) 0)
                .put((byte) designator.length)
                .put(designator);
    }

    /** UTF-8, with at least one zero byte, to a multiple of 4 (SPC-4 section 7.8.6.11). */
    private static byte[] scsiName(final String name) {
        final byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        final int cut = Math.min(bytes.length, 247);
        return Arrays.copyOf(Arrays.copyOf(bytes, cut), cut + 4 & ~3);
    }

    private static byte[] extendedInquiry() {
        final byte[] page = longPage(EXTENDED_INQUIRY);
        page[5] = 0x07; // HEADSUP, ORDSUP, SIMPSUP
        page[6] = 0x01; // V_SUP: there is a volatile cache.
        page[7] = 0x01; // LUICLR: a unit attention is cleared for the nexus that was told.
        return page;
    }

    private byte[] blockLimits() {
        final byte[] page = longPage(BLOCK_LIMITS);
        final ByteBuffer out = ByteBuffer.wrap(page);
        out.put(4, (byte) 0x01); // WSNZ: WRITE SAME of 0 blocks is refused.
        out.put(5, (byte) geometry.compareAndWriteBlocksMax());
        out.putShort(6, (short) geometry.blocksPerPhysical());
        out.putInt(8, geometry.blocks(Geometry.TRANSFER_LENGTH_MAX));
        out.putInt(12, geometry.optimalTransferBlocks());
        out.putInt(20, geometry.blocks(Geometry.UNMAP_LENGTH_MAX));
        out.putInt(24, Geometry.UNMAP_DESCRIPTORS_MAX);
        out.putInt(28, geometry.blocksPerPhysical());
        out.putInt(32, 0x8000_0000); // UGAVALID, alignment 0
        out.putLong(36, geometry.blocks(Geometry.WRITE_SAME_LENGTH_MAX));
        return page;
    }

    private static byte[] blockDeviceCharacteristics() {
        final byte[] page = longPage(BLOCK_DEVICE_CHARACTERISTICS);
        page[5] = 0x01; // Does not rotate.
        return page;
    }

    private static byte[] logicalBlockProvisioning() {
        final byte[] page = page(LOGICAL_BLOCK_PROVISIONING, new byte[4]);
        page[5] = (byte) 0xe4; // LBPU, LBPWS, LBPWS10, LBPRZ 001b: what is unmapped reads as zeroes.
        page[6] = 0x02; // Thin.
        return page;
    }

    private static byte[] longPage(final int code) {
        return page(code, new byte[LONG_PAGE_LENGTH - 4]);
    }

    private static byte[] page(final int code, final byte[] content) {
        return ByteBuffer.allocate(4 + content.length)
                .put((byte) 0x00)
                .put((byte) code)
                .putShort((short) content.length)
                .put(content)
                .array();
    }

    private static byte[] ascii(final String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] sha256(final String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (final NoSuchAlgorithmException ex) {
            throw new AssertionError("every Java platform has SHA-256", ex);
        }
    }
}
