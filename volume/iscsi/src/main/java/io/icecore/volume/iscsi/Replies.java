package io.icecore.volume.iscsi;

import io.icecore.volume.iscsi.scsi.ScsiStatus;

/** The PDUs of the full feature phase that a target sends (RFC 7143 section 11), other than data. */
final class Replies {
    static final int ASYNC_LOGOUT_REQUESTED = 1;
    static final int ASYNC_SESSION_DROPPED = 3;

    private static final int RESIDUAL_OVERFLOW = 0x04;
    private static final int RESIDUAL_UNDERFLOW = 0x02;
    private static final long NO_LUN = 0;

    private Replies() {}

    private static Reply once(final java.util.function.Consumer<PduEncoder> encoding, final Runnable released) {
        return new Reply() {
            @Override
            public boolean encode(final PduEncoder encoder) {
                encoding.accept(encoder);
                return true;
            }

            @Override
            public void released() {
                released.run();
            }
        };
    }

    private static Reply once(final java.util.function.Consumer<PduEncoder> encoding) {
        return once(encoding, () -> {});
    }

    /** Of residuals: flags in byte 1 of SCSI Response and of Data-In that carries the status. */
    static int residualFlags(final long residual) {
        return residual > 0 ? RESIDUAL_OVERFLOW : residual < 0 ? RESIDUAL_UNDERFLOW : 0;
    }

    static int residualCount(final long residual) {
        return (int) Math.min(Math.abs(residual), 0xffff_ffffL);
    }

    /**
     * SCSI Response (section 11.4).
     *
     * @param sense encoded, or empty
     */
    static void scsiResponse(
            final PduEncoder encoder, final int tag, final int status, final byte[] sense, final long residual) {
        final byte[] data = new byte[sense.length == 0 ? 0 : 2 + sense.length];
        if (sense.length > 0) {
            data[1] = (byte) sense.length;
            System.arraycopy(sense, 0, data, 2, sense.length);
        }
        encoder.begin(Opcode.SCSI_RESPONSE, Opcode.FINAL | residualFlags(residual))
                .u8(3, status)
                .u32(16, tag)
                .statSn(true)
                .u32(44, residualCount(residual))
                .end(data);
    }

    /** TASK SET FULL: the initiator sends more immediate commands than there is room for. */
    static Reply taskSetFull(final int tag) {
        return once(encoder -> scsiResponse(encoder, tag, ScsiStatus.TASK_SET_FULL, new byte[0], 0));
    }

    /** Ready To Transfer (section 11.8). */
    static Reply r2t(final long lun, final int tag, final DataOutTransfer.Request request) {
        return once(encoder -> encoder.begin(Opcode.R2T, Opcode.FINAL)
                .u64(8, lun)
                .u32(16, tag)
                .u32(20, request.tag())
                .statSn(false)
                .u32(36, request.number())
                .u32(40, request.offset())
                .u32(44, request.length())
                .end());
    }

    static Reply taskManagement(final int tag, final int response, final Runnable released) {
        return once(
                encoder -> encoder.begin(Opcode.TASK_MANAGEMENT_RESPONSE, Opcode.FINAL)
                        .u8(2, response)
                        .u32(16, tag)
                        .statSn(true)
                        .end(),
                released);
    }

    /** Answers a ping of the initiator (section 11.19). */
    static Reply pong(final long lun, final int tag, final byte[] data) {
        return once(encoder -> encoder.begin(Opcode.NOP_IN, Opcode.FINAL)
                .u64(8, lun)
                .u32(16, tag)
                .u32(20, Opcode.NO_TAG)
                .statSn(true)
                .end(data));
    }

    /** Asks the initiator whether it is there. */
    static Reply ping(final int transferTag) {
        return once(encoder -> encoder.begin(Opcode.NOP_IN, Opcode.FINAL)
                .u64(8, NO_LUN)
                .u32(16, Opcode.NO_TAG)
                .u32(20, transferTag)
                .statSn(false)
                .end());
    }

    /** @param transferTag where more text follows, otherwise {@link Opcode#NO_TAG} */
    static Reply text(final int tag, final int transferTag, final byte[] text) {
        final int flags = transferTag == Opcode.NO_TAG ? Opcode.FINAL : Opcode.CONTINUE;
        return once(encoder -> encoder.begin(Opcode.TEXT_RESPONSE, flags)
                .u32(16, tag)
                .u32(20, transferTag)
                .statSn(true)
                .end(text));
    }

    static Reply logout(final int tag, final int response, final Runnable released) {
        return once(
                encoder -> encoder.begin(Opcode.LOGOUT_RESPONSE, Opcode.FINAL)
                        .u8(2, response)
                        .u32(16, tag)
                        .statSn(true)
                        .end(),
                released);
    }

    /** @param header of the PDU that is rejected */
    static Reply reject(final int reason, final byte[] header) {
        return once(encoder -> encoder.begin(Opcode.REJECT, Opcode.FINAL)
                .u8(2, reason)
                .u32(16, Opcode.NO_TAG)
                .statSn(true)
                .end(header));
    }

    /** Asynchronous message (section 11.9). {@code third}: seconds within which a logout is expected. */
    static Reply async(final int event, final int third) {
        return once(encoder -> encoder.begin(Opcode.ASYNC_MESSAGE, Opcode.FINAL)
                .u64(8, NO_LUN)
                .u32(16, Opcode.NO_TAG)
                .statSn(true)
                .u8(36, event)
                .u16(42, third)
                .end());
    }
}
