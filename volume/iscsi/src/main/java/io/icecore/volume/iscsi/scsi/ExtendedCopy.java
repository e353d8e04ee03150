package io.icecore.volume.iscsi.scsi;

import io.icecore.volume.Export;
import io.icecore.volume.iscsi.scsi.Plan.Sharing;
import io.icecore.volume.iscsi.scsi.Plan.Workspace;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * EXTENDED COPY (LID1) and RECEIVE COPY RESULTS (SPC-4 sections 6.4, 6.18): copies blocks within one logical unit
 * without sending them to the initiator and back. Other units cannot be reached: a target here has but one.
 *
 * <p>A copy is over when the command is answered, so its status is never "in progress".
 */
final class ExtendedCopy {
    private static final int TARGETS_MAX = 2;
    private static final int SEGMENTS_MAX = 256;
    private static final int TARGET_DESCRIPTOR_LENGTH = 32;
    private static final int SEGMENT_DESCRIPTOR_LENGTH = 28;
    private static final int LIST_LENGTH_MAX =
            TARGETS_MAX * TARGET_DESCRIPTOR_LENGTH + SEGMENTS_MAX * SEGMENT_DESCRIPTOR_LENGTH;
    private static final int HEADER_LENGTH = 16;
    private static final int IDENTIFICATION_TARGET = 0xe4;
    private static final int BLOCK_TO_BLOCK = 0x02;
    private static final int SEGMENT_BYTES_MAX = 32 << 20;
    private static final int STATUSES_MAX = 32;
    private static final int COMPLETED = 1;
    private static final int FAILED = 2;
    private static final int UNIT_KIB = 1;

    private record Status(int state, int segments, long bytes) {}

    private final LogicalUnit unit;
    private final Export export;
    private final BlockCommands blocks;
    private final int blockLength;
    private final byte[] naa;

    /** By port and list identifier; the oldest is forgotten first. */
    private final Map<String, Status> statuses = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(final Map.Entry<String, Status> eldest) {
            return size() > STATUSES_MAX;
        }
    };

    ExtendedCopy(
            final LogicalUnit unit,
            final Export export,
            final BlockCommands blocks,
            final Geometry geometry,
            final byte[] naa) {
        this.unit = unit;
        this.export = export;
        this.blocks = blocks;
        this.blockLength = geometry.blockLength();
        this.naa = naa;
    }

    Plan copy(final Nexus nexus, final Cdb cdb) throws ScsiException {
        final long listLength = cdb.u32(10);
        if (listLength == 0) {
            return Plan.good();
        }
        if (listLength < HEADER_LENGTH || listLength > 2L * (HEADER_LENGTH + LIST_LENGTH_MAX)) {
            throw new ScsiException(Sense.PARAMETER_LIST_LENGTH);
        }
        unit.checkWritable();
        return Plan.work(Sharing.CHANGES, (int) listLength, 0, workspace -> run(nexus, workspace));
    }

    private int run(final Nexus nexus, final Workspace workspace) throws ScsiException {
        final ByteBuffer list = LogicalUnit.parameterList(workspace);
        final int targetsLength = Short.toUnsignedInt(list.getShort(2));
        final long segmentsLength = Integer.toUnsignedLong(list.getInt(8));
        if (targetsLength + segmentsLength > Math.min(LIST_LENGTH_MAX, list.capacity() - HEADER_LENGTH)) {
            throw new ScsiException(Sense.PARAMETER_LIST_LENGTH);
        }
        final int segmentsIndex = HEADER_LENGTH + targetsLength;
        checkTargets(list, targetsLength);
        final int count = checkSegments(list, segmentsIndex, (int) segmentsLength, targetsLength);
        final String id = nexus.port() + '/' + list.get(0);
        long copied = 0;
        for (int i = 0; i < count; i++) {
            final int index = segmentsIndex + i * SEGMENT_DESCRIPTOR_LENGTH;
            try {
                copied += copySegment(list, index, workspace);
            } catch (final RuntimeException ex) {
                remember(id, new Status(FAILED, i, copied));
                throw ex;
            }
        }
        remember(id, new Status(COMPLETED, count, copied));
        return 0;
    }

    private void checkTargets(final ByteBuffer list, final int length) throws ScsiException {
        if (length % TARGET_DESCRIPTOR_LENGTH != 0) {
            throw new ScsiException(Sense.PARAMETER_LIST_LENGTH);
        }
        if (length / TARGET_DESCRIPTOR_LENGTH > TARGETS_MAX) {
            throw new ScsiException(Sense.TOO_MANY_TARGET_DESCRIPTORS);
        }
        for (int index = HEADER_LENGTH; index < HEADER_LENGTH + length; index += TARGET_DESCRIPTOR_LENGTH) {
            if ((list.get(index) & 0xff) != IDENTIFICATION_TARGET) {
                throw new ScsiException(Sense.UNSUPPORTED_TARGET_DESCRIPTOR);
            }
            final int designatorLength = list.get(index + 7) & 0xff;
            if (designatorLength != naa.length
                    || !Arrays.equals(list.array(), index + 8, index + 8 + naa.length, naa, 0, naa.length)) {
                throw new ScsiException(Sense.COPY_TARGET_UNREACHABLE);
            }
        }
    }

    /** Checks all segments before the first is copied. Returns their number. */
    private int checkSegments(final ByteBuffer list, final int start, final int length, final int targetsLength)
            throws ScsiException {
        int count = 0;
        for (int index = start; index < start + length; index += SEGMENT_DESCRIPTOR_LENGTH) {
            if (list.get(index) != BLOCK_TO_BLOCK) {
                throw new ScsiException(Sense.UNSUPPORTED_SEGMENT_DESCRIPTOR);
            }
            if (++count > SEGMENTS_MAX) {
                throw new ScsiException(Sense.TOO_MANY_SEGMENT_DESCRIPTORS);
            }
            if (index + SEGMENT_DESCRIPTOR_LENGTH > start + length) {
                throw new ScsiException(Sense.PARAMETER_LIST_LENGTH);
            }
            final int targets = targetsLength / TARGET_DESCRIPTOR_LENGTH;
            final int source = Short.toUnsignedInt(list.getShort(index + 4));
            final int destination = Short.toUnsignedInt(list.getShort(index + 6));
            if (source >= targets || destination >= targets) {
                throw new ScsiException(Sense.COPY_TARGET_UNREACHABLE);
            }
            final int number = Short.toUnsignedInt(list.getShort(index + 10));
            if (!blocks.isInside(list.getLong(index + 12), number)
                    || !blocks.isInside(list.getLong(index + 20), number)) {
                throw new ScsiException(Sense.COPY_ABORTED);
            }
        }
        return count;
    }

    private long copySegment(final ByteBuffer list, final int index, final Workspace workspace) {
        final long length = (long) Short.toUnsignedInt(list.getShort(index + 10)) * blockLength;
        final long from = blocks.offset(list.getLong(index + 12));
        final long to = blocks.offset(list.getLong(index + 20));
        final boolean backwards = from < to; // As memmove: the two ranges may overlap.
        for (long done = 0; done < length; done += Workspace.SCRATCH_LENGTH) {
            final int part = (int) Math.min(Workspace.SCRATCH_LENGTH, length - done);
            final long at = backwards ? length - done - part : done;
            export.read(from + at, workspace.scratch(), 0, part);
            export.write(to + at, workspace.scratch(), 0, part, unit.writesThrough());
        }
        return length;
    }

    private void remember(final String id, final Status status) {
        synchronized (statuses) {
            statuses.put(id, status);
        }
    }

    Plan status(final Nexus nexus, final Cdb cdb) throws ScsiException {
        final Status status;
        synchronized (statuses) {
            status = statuses.get(nexus.port() + '/' + (byte) cdb.u8(2));
        }
        if (status == null) {
            throw new ScsiException(Sense.invalidCdbField(2));
        }
        final ByteBuffer out = ByteBuffer.allocate(12).putInt(8).put((byte) status.state);
        out.putShort((short) status.segments).put((byte) UNIT_KIB).putInt((int) (status.bytes >> 10));
        return Plan.answer(out.array(), cdb.u32(10));
    }

    static Plan operatingParameters(final Cdb cdb) {
        final ByteBuffer out = ByteBuffer.allocate(46).putInt(42);
        out.putShort(8, (short) TARGETS_MAX).putShort(10, (short) SEGMENTS_MAX);
        out.putInt(12, LIST_LENGTH_MAX).putInt(16, SEGMENT_BYTES_MAX);
        out.putShort(34, (short) 1).put(36, (byte) 1).put(37, (byte) 9);
        out.put(43, (byte) 2).put(44, (byte) BLOCK_TO_BLOCK).put(45, (byte) IDENTIFICATION_TARGET);
        return Plan.answer(out.array(), cdb.u32(10));
    }

    /** Of the VPD page Third-party Copy (SPC-4 section 7.8.17): commands, limits, descriptors. */
    static byte[] thirdPartyCopyDescriptors() {
        final ByteBuffer out = ByteBuffer.allocate(12 + 32 + 8 + 36);
        out.putShort((short) 0x0001).putShort((short) 8).put((byte) 7);
        out.put(new byte[] {(byte) 0x83, 1, 0x00, (byte) 0x84, 2, 0x00, 0x03});
        out.putShort((short) 0x0004).putShort((short) 28).putInt(0);
        out.putShort((short) TARGETS_MAX).putShort((short) SEGMENTS_MAX).putInt(LIST_LENGTH_MAX);
        out.position(out.position() + 16); // No inline data.
        out.putShort((short) 0x0008).putShort((short) 4).put((byte) 2);
        out.put((byte) BLOCK_TO_BLOCK).put((byte) IDENTIFICATION_TARGET).put((byte) 0);
        out.putShort((short) 0x8001)
                .putShort((short) 32)
                .putInt(1)
                .putInt(1)
                .putInt(SEGMENT_BYTES_MAX)
                .put((byte) 9);
        return out.array();
    }
}
