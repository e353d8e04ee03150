package io.icecore.volume.iscsi.scsi;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The mode pages (SPC-4 section 7.5, SBC-3 section 6.5): read-write error recovery, caching, control. Three bits can be
 * changed: WCE, D_SENSE and SWP. Shared by all initiators, lost when the unit is reset.
 */
final class ModePages {
    static final int ERROR_RECOVERY = 0x01;
    static final int CACHING = 0x08;
    static final int CONTROL = 0x0a;
    static final int ALL = 0x3f;

    private static final int CURRENT = 0;
    private static final int CHANGEABLE = 1;
    private static final int SAVED = 3;
    private static final int ALL_SUBPAGES = 0xff;

    private static final int WCE = 0x04;
    private static final int D_SENSE = 0x04;
    private static final int SWP = 0x08;
    private static final int WRITE_PROTECTED = 0x80;
    private static final int DPO_FUA = 0x10;
    private static final int DBD = 0x08;
    private static final int LLBAA = 0x10;
    private static final int PF = 0x10;
    private static final int SP = 0x01;
    private static final int PS_AND_SPF = 0xc0;

    private static final byte[] ERROR_RECOVERY_PAGE = page(ERROR_RECOVERY, 12);
    private static final byte[] CACHING_PAGE = page(CACHING, 20);
    private static final byte[] CONTROL_PAGE = page(CONTROL, 12);

    static {
        ERROR_RECOVERY_PAGE[2] = (byte) 0xc0; // AWRE, ARRE: writing elsewhere is all the store ever does.
        CACHING_PAGE[2] = WCE;
        CONTROL_PAGE[2] = 0x20; // TST 001b: a task set for each I_T nexus.
        CONTROL_PAGE[3] = 0x10; // Commands may be reordered without restriction.
    }

    /** The page as it is now; replaced, never changed in place. */
    private volatile byte[] caching = CACHING_PAGE;

    private volatile byte[] control = CONTROL_PAGE;

    /** Writes are answered before they are durable. */
    boolean writeCacheEnabled() {
        return (caching[2] & WCE) != 0;
    }

    boolean descriptorSense() {
        return (control[2] & D_SENSE) != 0;
    }

    boolean softwareWriteProtected() {
        return (control[4] & SWP) != 0;
    }

    void reset() {
        caching = CACHING_PAGE;
        control = CONTROL_PAGE;
    }

    /**
     * MODE SENSE (SPC-4 sections 6.13, 6.14).
     *
     * @param ten         MODE SENSE (10), whose header is longer
     * @param blockCount  logical blocks of the unit
     * @param blockLength bytes
     */
    byte[] sense(final Cdb cdb, final boolean ten, final boolean readOnly, final long blockCount, final int blockLength)
            throws ScsiException {
        final int control = cdb.u8(2) >> 6;
        final int page = cdb.u8(2) & 0x3f;
        final int subpage = cdb.u8(3);
        if (control == SAVED) {
            throw new ScsiException(Sense.SAVING_NOT_SUPPORTED);
        }
        if (subpage != 0 && subpage != ALL_SUBPAGES) {
            throw new ScsiException(Sense.invalidCdbField(3));
        }
        final boolean withDescriptor = !cdb.bit(1, DBD);
        final boolean longDescriptor = ten && cdb.bit(1, LLBAA);
        final ByteBuffer out = ByteBuffer.allocate(128);
        final int headerLength = ten ? 8 : 4;
        out.position(headerLength);
        if (withDescriptor) {
            putBlockDescriptor(out, longDescriptor, blockCount, blockLength);
        }
        final int descriptorLength = out.position() - headerLength;
        putPages(out, control, page);
        final byte protection = (byte) (DPO_FUA | (readOnly || softwareWriteProtected() ? WRITE_PROTECTED : 0));
        if (ten) {
            out.putShort(0, (short) (out.position() - 2));
            out.put(3, protection).put(4, (byte) (longDescriptor ? 1 : 0)).putShort(6, (short) descriptorLength);
        } else {
            out.put(0, (byte) (out.position() - 1));
            out.put(2, protection).put(3, (byte) descriptorLength);
        }
        return Arrays.copyOf(out.array(), out.position());
    }

    private static void putBlockDescriptor(
            final ByteBuffer out, final boolean longDescriptor, final long blockCount, final int blockLength) {
        if (longDescriptor) {
            out.putLong(blockCount).putInt(0).putInt(blockLength);
        } else {
            out.putInt((int) Math.min(blockCount, 0xffff_ffffL)).putInt(blockLength); // Density 0, then three bytes.
        }
    }

    private void putPages(final ByteBuffer out, final int control, final int page) throws ScsiException {
        final int start = out.position();
        for (final int code : new int[] {ERROR_RECOVERY, CACHING, CONTROL}) {
            if (page == code || page == ALL) {
                out.put(content(code, control));
            }
        }
        if (out.position() == start) {
            throw new ScsiException(Sense.invalidCdbField(2));
        }
    }

    private byte[] content(final int page, final int control) {
        if (control == CHANGEABLE) {
            return changeable(page);
        }
        final boolean now = control == CURRENT;
        return switch (page) {
            case CACHING -> now ? caching : CACHING_PAGE;
            case CONTROL -> now ? this.control : CONTROL_PAGE;
            default -> ERROR_RECOVERY_PAGE;
        };
    }

    private static byte[] changeable(final int page) {
        return switch (page) {
            case CACHING -> {
                final byte[] mask = page(CACHING, CACHING_PAGE.length);
                mask[2] = WCE;
                yield mask;
            }
            case CONTROL -> {
                final byte[] mask = page(CONTROL, CONTROL_PAGE.length);
                mask[2] = D_SENSE;
                mask[4] = SWP;
                yield mask;
            }
            default -> page(ERROR_RECOVERY, ERROR_RECOVERY_PAGE.length);
        };
    }

    static void checkSelect(final Cdb cdb) throws ScsiException {
        if (!cdb.bit(1, PF) || cdb.bit(1, SP)) {
            throw new ScsiException(Sense.invalidCdbField(1));
        }
    }

    /**
     * MODE SELECT (SPC-4 sections 6.11, 6.12): all pages of the list take effect, or none.
     *
     * @return whether anything changed
     */
    synchronized boolean select(final byte[] list, final boolean ten, final long blockCount, final int blockLength)
            throws ScsiException {
        if (list.length == 0) {
            return false;
        }
        final int headerLength = ten ? 8 : 4;
        if (list.length < headerLength) {
            throw new ScsiException(Sense.PARAMETER_LIST_LENGTH);
        }
        final ByteBuffer in = ByteBuffer.wrap(list);
        final int descriptorLength = ten ? Short.toUnsignedInt(in.getShort(6)) : Byte.toUnsignedInt(in.get(3));
        checkBlockDescriptor(in, headerLength, descriptorLength, ten && (in.get(4) & 1) != 0, blockCount, blockLength);
        byte[] newCaching = caching;
        byte[] newControl = control;
        int index = headerLength + descriptorLength;
        while (index < list.length) {
            final byte[] selected = selectedPage(list, index);
            if (selected[0] == CACHING) {
                newCaching = selected;
            } else if (selected[0] == CONTROL) {
                newControl = selected;
            }
            index += selected.length;
        }
        final boolean changed = !Arrays.equals(newCaching, caching) || !Arrays.equals(newControl, control);
        caching = newCaching;
        control = newControl;
        return changed;
    }

    private static void checkBlockDescriptor(
            final ByteBuffer in,
            final int index,
            final int length,
            final boolean longDescriptor,
            final long blockCount,
            final int blockLength)
            throws ScsiException {
        if (length == 0) {
            return;
        }
        if (length != (longDescriptor ? 16 : 8) || index + length > in.capacity()) {
            throw new ScsiException(Sense.PARAMETER_LIST_LENGTH);
        }
        final long count = longDescriptor ? in.getLong(index) : Integer.toUnsignedLong(in.getInt(index));
        final int bytes = longDescriptor ? in.getInt(index + 12) : in.getInt(index + 4) & 0xff_ffff;
        final boolean sameCount = count == 0 || count == blockCount || !longDescriptor && count == 0xffff_ffffL;
        if (!sameCount || bytes != blockLength) {
            throw new ScsiException(Sense.invalidParameter(index));
        }
    }

    private byte[] selectedPage(final byte[] list, final int index) throws ScsiException {
        final int code = list[index] & 0xff;
        if ((code & PS_AND_SPF) != 0 || code != CACHING && code != CONTROL && code != ERROR_RECOVERY) {
            throw new ScsiException(Sense.invalidParameter(index));
        }
        final byte[] now = content(code, CURRENT);
        if (index + 2 > list.length || (list[index + 1] & 0xff) != now.length - 2) {
            throw new ScsiException(Sense.invalidParameter(index + 1));
        }
        if (index + now.length > list.length) {
            throw new ScsiException(Sense.PARAMETER_LIST_LENGTH);
        }
        final byte[] selected = Arrays.copyOfRange(list, index, index + now.length);
        final byte[] mask = changeable(code);
        for (int i = 2; i < now.length; i++) {
            if (((selected[i] ^ now[i]) & ~mask[i]) != 0) {
                throw new ScsiException(Sense.invalidParameter(index + i));
            }
        }
        return selected;
    }

    private static byte[] page(final int code, final int length) {
        final byte[] page = new byte[length];
        page[0] = (byte) code;
        page[1] = (byte) (length - 2);
        return page;
    }
}
