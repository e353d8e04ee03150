package io.icecore.volume.iscsi.scsi;

import io.icecore.volume.Export;
import io.icecore.volume.IoRequest;
import io.icecore.volume.iscsi.scsi.Plan.Sharing;
import io.icecore.volume.iscsi.scsi.Plan.Workspace;
import java.nio.ByteBuffer;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * Decodes the commands that read, write and unmap logical blocks (SBC-3 section 5) and says what each needs.
 *
 * <p>What is atomic, and what is not: COMPARE AND WRITE is, towards everyone who changes the volume by whatever protocol
 * and through a power loss ({@link Export#compareAndWrite}). ORWRITE and WRITE AND VERIFY are towards all sessions of
 * this target ({@link Plan.Sharing#EXCLUSIVE}), and not towards clients of other servers. A READ beside a longer write
 * may see some chunks before and some after; when power fails in the middle of one, each chunk of 4 KiB holds its old
 * or its new content.
 */
final class BlockCommands {
    private static final int FUA = 0x08;
    private static final int ANCHOR = 0x10;
    private static final int UNMAP = 0x08;
    private static final int NDOB = 0x01;
    private static final int OBSOLETE_LBDATA_PBDATA = 0x06;
    private static final int PROTECT_SHIFT = 5;
    private static final int BYTE_CHECK_NONE = 0;
    private static final int BYTE_CHECK_ALL = 1;
    private static final int BYTE_CHECK_ONE_BLOCK = 3;
    private static final int UNMAP_HEADER_LENGTH = 8;
    private static final int UNMAP_DESCRIPTOR_LENGTH = 16;
    private static final int LBA_STATUS_HEADER_LENGTH = 8;
    private static final int LBA_STATUS_DESCRIPTOR_LENGTH = 16;
    private static final int LBA_STATUS_LENGTH_MAX = 64 << 10;
    private static final int DEALLOCATED = 1;

    private final LogicalUnit unit;
    private final Export export;
    private final Geometry geometry;
    private final int blockLength;

    BlockCommands(final LogicalUnit unit, final Export export, final Geometry geometry) {
        this.unit = unit;
        this.export = export;
        this.geometry = geometry;
        this.blockLength = geometry.blockLength();
    }

    /** Where the logical block address and the number of blocks stand in a CDB, and what they are. */
    record Range(long lba, long blocks, int lengthIndex) {}

    /** The layouts that the READ, WRITE and VERIFY families share (SBC-3 sections 5.11 to 5.14). */
    static Range range(final Cdb cdb) {
        return switch (cdb.operationCode() >> 5) {
            case 0 -> new Range(cdb.u24(1) & 0x1f_ffff, cdb.u8(4) == 0 ? 256 : cdb.u8(4), 4);
            case 1, 2 -> new Range(cdb.u32(2), cdb.u16(7), 7);
            case 5 -> new Range(cdb.u32(2), cdb.u32(6), 6);
            default -> new Range(cdb.u64(2), cdb.u32(10), 10);
        };
    }

    Plan read(final Cdb cdb, final boolean six) throws ScsiException {
        checkUnprotected(cdb, six);
        final Range range = checkedRange(range(cdb), Geometry.TRANSFER_LENGTH_MAX);
        final int length = bytes(range.blocks);
        if (length == 0) {
            return Plan.good();
        }
        final long offset = offset(range.lba);
        if (!six && cdb.bit(1, FUA)) {
            // From the medium: so what is in the volatile cache has to get there first.
            return Plan.work(Sharing.NONE, 0, length, workspace -> {
                export.flush();
                export.read(offset, workspace.data(), 0, length);
                return length;
            });
        }
        return Plan.read(offset, length);
    }

    Plan write(final Cdb cdb, final boolean six) throws ScsiException {
        checkUnprotected(cdb, six);
        final Range range = checkedRange(range(cdb), Geometry.TRANSFER_LENGTH_MAX);
        unit.checkWritable();
        if (range.blocks == 0) {
            return Plan.good();
        }
        final boolean durable = !six && cdb.bit(1, FUA) || unit.writesThrough();
        return Plan.write(offset(range.lba), bytes(range.blocks), durable, blockLength);
    }

    Plan synchronizeCache(final Cdb cdb) throws ScsiException {
        checkedRange(range(cdb), Long.MAX_VALUE);
        return Plan.request(IoRequest.Op.FLUSH, 0, 0);
    }

    Plan prefetch(final Cdb cdb) throws ScsiException {
        final Range range = checkedRange(range(cdb), Long.MAX_VALUE);
        final long blocks = range.blocks == 0 ? unit.blockCount() - range.lba : range.blocks;
        return blocks == 0 ? Plan.good() : Plan.request(IoRequest.Op.CACHE, offset(range.lba), blocks * blockLength);
    }

    // Comparing

    Plan verify(final Cdb cdb) throws ScsiException {
        checkUnprotected(cdb, false);
        final int byteCheck = cdb.u8(1) >> 1 & 3;
        if (byteCheck == 2) {
            throw new ScsiException(Sense.invalidCdbField(1));
        }
        final Range range = checkedRange(range(cdb), Geometry.TRANSFER_LENGTH_MAX);
        if (range.blocks == 0) {
            return Plan.good();
        }
        final int length = bytes(range.blocks);
        final long offset = offset(range.lba);
        return switch (byteCheck) {
            case BYTE_CHECK_NONE -> Plan.work(Sharing.NONE, 0, 0, workspace -> readThrough(offset, length, workspace));
            case BYTE_CHECK_ALL ->
                Plan.blockWork(
                        Sharing.NONE,
                        length,
                        blockLength,
                        workspace -> compare(offset, workspace.dataOutLength(), Integer.MAX_VALUE, workspace));
            default ->
                Plan.work(Sharing.NONE, blockLength, 0, workspace -> compare(offset, length, blockLength, workspace));
        };
    }

    Plan writeAndVerify(final Cdb cdb) throws ScsiException {
        checkUnprotected(cdb, false);
        final int byteCheck = cdb.u8(1) >> 1 & 3;
        if (byteCheck > BYTE_CHECK_ALL) {
            throw new ScsiException(Sense.invalidCdbField(1));
        }
        final Range range = checkedRange(range(cdb), Geometry.TRANSFER_LENGTH_MAX);
        unit.checkWritable();
        if (range.blocks == 0) {
            return Plan.good();
        }
        final long offset = offset(range.lba);
        // Exclusive, or a write in between would look like a medium that does not keep what it was given.
        return Plan.blockWork(Sharing.EXCLUSIVE, bytes(range.blocks), blockLength, workspace -> {
            final int length = workspace.dataOutLength();
            export.write(offset, workspace.data(), 0, length, true);
            return byteCheck == BYTE_CHECK_ALL
                    ? compare(offset, length, Integer.MAX_VALUE, workspace)
                    : readThrough(offset, length, workspace);
        });
    }

    private int readThrough(final long offset, final int length, final Workspace workspace) {
        for (int done = 0; done < length; done += Workspace.SCRATCH_LENGTH) {
            final int part = Math.min(Workspace.SCRATCH_LENGTH, length - done);
            export.read(offset + done, workspace.scratch(), 0, part); // Checksums are verified on the way.
        }
        return 0;
    }

    /** @param period the data is compared again from its start after so many bytes */
    private int compare(final long offset, final int length, final int period, final Workspace workspace)
            throws ScsiException {
        final int part = Math.min(Workspace.SCRATCH_LENGTH, period);
        for (int done = 0; done < length; done += part) {
            final int now = Math.min(part, length - done);
            export.read(offset + done, workspace.scratch(), 0, now);
            final int at = mismatch(workspace.scratch(), 0, workspace.data(), period == part ? 0 : done, now);
            if (at >= 0) {
                throw new ScsiException(Sense.MISCOMPARE.at((offset + done + at) / blockLength));
            }
        }
        return 0;
    }

    /** Index of the first byte that differs, or -1. */
    private static int mismatch(
            final DirectBuffer left,
            final int leftIndex,
            final DirectBuffer right,
            final int rightIndex,
            final int length) {
        int i = 0;
        while (i + Long.BYTES <= length && left.getLong(leftIndex + i) == right.getLong(rightIndex + i)) {
            i += Long.BYTES;
        }
        while (i < length && left.getByte(leftIndex + i) == right.getByte(rightIndex + i)) {
            i++;
        }
        return i == length ? -1 : i;
    }

    // Reading, deciding, writing

    /** COMPARE AND WRITE (SBC-3 section 5.2). */
    Plan compareAndWrite(final Cdb cdb) throws ScsiException {
        checkUnprotected(cdb, false);
        final Range range = new Range(cdb.u64(2), cdb.u8(13), 13);
        if (range.blocks > geometry.compareAndWriteBlocksMax()) {
            throw new ScsiException(Sense.invalidCdbField(13));
        }
        checkedRange(range, Geometry.TRANSFER_LENGTH_MAX);
        unit.checkWritable();
        final long offset = offset(range.lba);
        final int length = bytes(range.blocks);
        final boolean durable = cdb.bit(1, FUA) || unit.writesThrough();
        final Sense unlessExact = Sense.invalidCdbField(range.lengthIndex);
        if (range.blocks == 0) {
            return Plan.exactWork(Sharing.NONE, 0, unlessExact, workspace -> 0);
        }
        return Plan.exactWork(Sharing.CHANGES, 2 * length, unlessExact, workspace -> {
            final int at = export.compareAndWrite(offset, workspace.data(), 0, length, durable);
            if (at >= 0) {
                throw new ScsiException(Sense.MISCOMPARE.at(at)); // Here a byte, and not a block.
            }
            return 0;
        });
    }

    /** ORWRITE (16) (SBC-3 section 5.9). */
    Plan orWrite(final Cdb cdb) throws ScsiException {
        checkUnprotected(cdb, false);
        final Range range = checkedRange(range(cdb), Geometry.TRANSFER_LENGTH_MAX);
        unit.checkWritable();
        if (range.blocks == 0) {
            return Plan.good();
        }
        final long offset = offset(range.lba);
        final boolean durable = cdb.bit(1, FUA) || unit.writesThrough();
        return Plan.blockWork(Sharing.EXCLUSIVE, bytes(range.blocks), blockLength, workspace -> {
            final int length = workspace.dataOutLength();
            final MutableDirectBuffer data = workspace.data();
            final MutableDirectBuffer scratch = workspace.scratch();
            for (int done = 0; done < length; done += Workspace.SCRATCH_LENGTH) {
                final int part = Math.min(Workspace.SCRATCH_LENGTH, length - done);
                export.read(offset + done, scratch, 0, part);
                for (int i = 0; i < part; i += Long.BYTES) {
                    data.putLong(done + i, data.getLong(done + i) | scratch.getLong(i));
                }
            }
            export.write(offset, data, 0, length, durable); // All was read: a failing read leaves all as it was.
            return 0;
        });
    }

    // Zeroing and unmapping

    /** WRITE SAME (SBC-3 sections 5.50, 5.51). */
    Plan writeSame(final Cdb cdb, final boolean sixteen) throws ScsiException {
        checkUnprotected(cdb, false);
        if (cdb.bit(1, ANCHOR | OBSOLETE_LBDATA_PBDATA) || !sixteen && cdb.bit(1, NDOB)) {
            throw new ScsiException(Sense.invalidCdbField(1));
        }
        final Range range = range(cdb);
        if (range.blocks == 0) {
            throw new ScsiException(Sense.invalidCdbField(range.lengthIndex)); // WSNZ
        }
        checkedRange(range, Geometry.WRITE_SAME_LENGTH_MAX);
        unit.checkWritable();
        final long offset = offset(range.lba);
        final long length = range.blocks * blockLength;
        final boolean unmaps = cdb.bit(1, UNMAP);
        if (cdb.bit(1, NDOB)) {
            return Plan.work(Sharing.CHANGES, 0, 0, workspace -> zero(offset, length, !unmaps));
        }
        return Plan.exactWork(Sharing.CHANGES, blockLength, Sense.INVALID_INFORMATION_UNIT, workspace -> {
            if (isZero(workspace.data(), blockLength)) {
                return zero(offset, length, !unmaps);
            }
            return repeat(offset, length, workspace);
        });
    }

    private int zero(final long offset, final long length, final boolean allocate) {
        export.zero(offset, length, allocate, unit.writesThrough());
        return 0;
    }

    private int repeat(final long offset, final long length, final Workspace workspace) {
        final MutableDirectBuffer scratch = workspace.scratch();
        for (int i = 0; i < Math.min(Workspace.SCRATCH_LENGTH, length); i += blockLength) {
            scratch.putBytes(i, workspace.data(), 0, blockLength);
        }
        for (long done = 0; done < length; done += Workspace.SCRATCH_LENGTH) {
            final int part = (int) Math.min(Workspace.SCRATCH_LENGTH, length - done);
            export.write(offset + done, scratch, 0, part, unit.writesThrough());
        }
        return 0;
    }

    private static boolean isZero(final DirectBuffer data, final int length) {
        for (int i = 0; i < length; i += Long.BYTES) {
            if (data.getLong(i) != 0) {
                return false;
            }
        }
        return true;
    }

    /**
     * UNMAP (SBC-3 section 5.28). Every block named reads as zeroes afterwards, parts of a chunk included: LBPRZ says
     * so, and a range that is sometimes cleared and sometimes not is of use to nobody.
     */
    Plan unmap(final Cdb cdb) throws ScsiException {
        if (cdb.bit(1, 0x01)) {
            throw new ScsiException(Sense.invalidCdbField(1)); // ANCHOR
        }
        unit.checkWritable();
        final int listLength = cdb.u16(7);
        if (listLength == 0) {
            return Plan.good();
        }
        if (listLength < UNMAP_HEADER_LENGTH) {
            throw new ScsiException(Sense.PARAMETER_LIST_LENGTH);
        }
        return Plan.work(Sharing.CHANGES, listLength, 0, workspace -> {
            final ByteBuffer list = LogicalUnit.parameterList(workspace);
            final int count = descriptorCount(list);
            long blocks = 0;
            for (int i = 0; i < count; i++) {
                final int index = UNMAP_HEADER_LENGTH + i * UNMAP_DESCRIPTOR_LENGTH;
                blocks += Integer.toUnsignedLong(list.getInt(index + 8));
                checkInside(list.getLong(index), Integer.toUnsignedLong(list.getInt(index + 8)));
            }
            if (blocks > geometry.blocks(Geometry.UNMAP_LENGTH_MAX)) {
                throw new ScsiException(Sense.invalidParameter(UNMAP_HEADER_LENGTH + 8));
            }
            for (int i = 0; i < count; i++) {
                final int index = UNMAP_HEADER_LENGTH + i * UNMAP_DESCRIPTOR_LENGTH;
                final long length = Integer.toUnsignedLong(list.getInt(index + 8)) * blockLength;
                if (length != 0) {
                    zero(offset(list.getLong(index)), length, false);
                }
            }
            return 0;
        });
    }

    private static int descriptorCount(final ByteBuffer list) throws ScsiException {
        final int described = Short.toUnsignedInt(list.getShort(2));
        final int count = Math.min(described, list.capacity() - UNMAP_HEADER_LENGTH) / UNMAP_DESCRIPTOR_LENGTH;
        if (count > Geometry.UNMAP_DESCRIPTORS_MAX) {
            throw new ScsiException(Sense.invalidParameter(2));
        }
        return count;
    }

    /** GET LBA STATUS (SBC-3 section 5.4): what the volume maps, from the block asked for on, as far as it fits. */
    Plan getLbaStatus(final Cdb cdb) throws ScsiException {
        final long lba = cdb.u64(2);
        final long allocationLength = cdb.u32(10);
        if (Long.compareUnsigned(lba, unit.blockCount()) >= 0) {
            throw new ScsiException(Sense.LBA_OUT_OF_RANGE);
        }
        final int room = (int) Math.min(allocationLength, LBA_STATUS_LENGTH_MAX) - LBA_STATUS_HEADER_LENGTH;
        final int descriptors = Math.max(1, room / LBA_STATUS_DESCRIPTOR_LENGTH);
        final int answerLength = LBA_STATUS_HEADER_LENGTH + descriptors * LBA_STATUS_DESCRIPTOR_LENGTH;
        return Plan.work(Sharing.NONE, 0, answerLength, workspace -> {
            final ByteBuffer out = ByteBuffer.allocate(answerLength).position(LBA_STATUS_HEADER_LENGTH);
            final long offset = offset(lba);
            final LbaStatusWriter writer = new LbaStatusWriter(out);
            export.extents(offset, unit.blockCount() * blockLength - offset, writer);
            writer.end();
            out.putInt(0, out.position() - 4);
            final int length = (int) Math.min(out.position(), allocationLength);
            workspace.data().putBytes(0, out.array(), 0, length);
            return length;
        });
    }

    /** Joins neighbours of one kind, and ends the walk when the answer is full. */
    private final class LbaStatusWriter implements Export.ExtentVisitor {
        private static final long COUNT_MAX = 0xffff_ffffL;
        private final ByteBuffer out;
        private long start = -1;
        private long length;
        private boolean zero;

        LbaStatusWriter(final ByteBuffer out) {
            this.out = out;
        }

        @Override
        public boolean extent(final long offset, final long extentLength, final boolean isZero) {
            if (start >= 0 && isZero == zero) {
                length += extentLength;
            } else {
                end();
                start = offset;
                length = extentLength;
                zero = isZero;
            }
            return out.remaining() >= LBA_STATUS_DESCRIPTOR_LENGTH && length / blockLength < COUNT_MAX;
        }

        void end() {
            if (start >= 0 && out.remaining() >= LBA_STATUS_DESCRIPTOR_LENGTH) {
                out.putLong(start / blockLength).putInt((int) Math.min(length / blockLength, COUNT_MAX));
                out.putInt(zero ? DEALLOCATED << 24 : 0);
            }
            start = -1;
        }
    }

    // Ranges

    private static void checkUnprotected(final Cdb cdb, final boolean six) throws ScsiException {
        if (!six && cdb.u8(1) >> PROTECT_SHIFT != 0) {
            throw new ScsiException(Sense.invalidCdbField(1)); // There is no protection information.
        }
    }

    private Range checkedRange(final Range range, final long lengthMax) throws ScsiException {
        checkInside(range.lba, range.blocks);
        if (range.blocks > lengthMax / blockLength) {
            throw new ScsiException(Sense.invalidCdbField(range.lengthIndex));
        }
        return range;
    }

    private void checkInside(final long lba, final long blocks) throws ScsiException {
        if (!isInside(lba, blocks)) {
            throw new ScsiException(Sense.LBA_OUT_OF_RANGE);
        }
    }

    boolean isInside(final long lba, final long blocks) {
        final long count = unit.blockCount();
        return Long.compareUnsigned(lba, count) <= 0 && blocks <= count - lba;
    }

    long offset(final long lba) {
        return lba * blockLength;
    }

    private int bytes(final long blocks) {
        return (int) (blocks * blockLength);
    }
}
