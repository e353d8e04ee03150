package io.icecore.volume.iscsi;

import io.icecore.volume.iscsi.scsi.LogicalUnit;
import io.icecore.volume.iscsi.scsi.ScsiStatus;
import io.icecore.volume.iscsi.scsi.Sense;
import java.nio.ByteBuffer;

/**
 * The end of a command: its data in Data-In PDUs, the status with the last of them when it is GOOD, otherwise in a SCSI
 * Response (RFC 7143 sections 11.4, 11.7).
 */
final class ScsiReply implements Reply {
    private static final int STATUS = 0x01;

    private final ScsiTask task;
    private final LogicalUnit unit;
    private final ByteBuffer data;
    private final int dataLengthMax;
    private final int burstLengthMax;
    private final Runnable released;
    private int dataSn;
    private int burst;

    /** @param released gives the task's memory back */
    ScsiReply(
            final ScsiTask task, final LogicalUnit unit, final SessionParameters parameters, final Runnable released) {
        this.task = task;
        this.unit = unit;
        this.dataLengthMax = parameters.initiatorDataLengthMax;
        this.burstLengthMax = parameters.maxBurstLength;
        this.released = released;
        this.data = dataOf(task);
    }

    private static ByteBuffer dataOf(final ScsiTask task) {
        final int room = task.reads() ? task.expectedLength : 0;
        if (task.failure != null || task.answerLength == 0 || room == 0) {
            return ByteBuffer.allocate(0);
        }
        // An expected length above 2 GiB is negative here and sets no limit.
        final int length = room < 0 ? task.answerLength : Math.min(room, task.answerLength);
        return task.answer != null ? ByteBuffer.wrap(task.answer, 0, length) : task.memory.bytes.slice(0, length);
    }

    int dataLength() {
        return data.remaining();
    }

    @Override
    public boolean encode(final PduEncoder encoder) {
        if (!data.hasRemaining() && dataSn == 0) {
            encodeStatus(encoder);
            return true;
        }
        while (data.hasRemaining() && encoder.hasRoom()) {
            encodeData(encoder);
        }
        return !data.hasRemaining();
    }

    private void encodeStatus(final PduEncoder encoder) {
        if (task.failure == null) {
            Replies.scsiResponse(encoder, task.tag, ScsiStatus.GOOD, new byte[0], task.residual());
            return;
        }
        final Sense sense = task.failure.sense();
        final byte[] encoded = sense == null ? new byte[0] : unit.encode(sense);
        Replies.scsiResponse(encoder, task.tag, task.failure.status(), encoded, task.residual());
    }

    private void encodeData(final PduEncoder encoder) {
        final int offset = data.position();
        final int length = Math.min(Math.min(dataLengthMax, data.remaining()), burstLengthMax - burst);
        final boolean last = length == data.remaining();
        burst += length;
        final boolean endsBurst = last || burst == burstLengthMax;
        burst = endsBurst ? 0 : burst;
        final long residual = last ? task.residual() : 0;
        final int flags = (endsBurst ? Opcode.FINAL : 0) | (last ? STATUS | Replies.residualFlags(residual) : 0);
        encoder.begin(Opcode.DATA_IN, flags).u32(16, task.tag).u32(20, Opcode.NO_TAG);
        if (last) {
            encoder.statSn(true).u8(3, ScsiStatus.GOOD).u32(44, Replies.residualCount(residual));
        }
        encoder.u32(36, dataSn++).u32(40, offset).end(data.slice(offset, length));
        data.position(offset + length);
    }

    @Override
    public void released() {
        released.run();
    }
}
