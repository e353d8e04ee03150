package io.icecore.volume.iscsi;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.GatheringByteChannel;
import java.util.zip.CRC32C;

/**
 * Turns replies into bytes: headers and short data in one staging buffer, long data where it lies, all of it handed
 * to the socket in one gathering write. Counts StatSN, so that numbers are in the order of the wire.
 *
 * <p>Not thread-safe: {@link ReplyQueue} lets one thread in at a time.
 */
final class PduEncoder {
    /** The command window as it is at the moment of sending. */
    interface Window {
        int expectedCommandSn();

        int maxCommandSn();
    }

    private static final int STAGING_LENGTH = 128 << 10;
    private static final int SEGMENTS_MAX = 128;
    /** Data up to so many bytes is copied: cheaper than one more element of a gathering write. */
    private static final int COPY_LENGTH_MAX = 4096;

    private static final int ROOM_FOR_ONE = Pdu.HEADER_LENGTH + 2 * PduDecoder.DIGEST_LENGTH + COPY_LENGTH_MAX + 4;

    private final Window window;
    private final ByteBuffer staging = ByteBuffer.allocateDirect(STAGING_LENGTH);
    private final ByteBuffer[] segments = new ByteBuffer[SEGMENTS_MAX];
    private final CRC32C crc = new CRC32C();
    private int segmentCount;
    private int segmentsSent;
    private int runStart;
    private int start;
    private int statSn;
    private boolean headerDigest;
    private boolean dataDigest;

    PduEncoder(final Window window) {
        this.window = window;
    }

    void digests(final boolean header, final boolean data) {
        headerDigest = header;
        dataDigest = data;
    }

    void startStatSn(final int first) {
        statSn = first;
    }

    /** One more PDU fits. */
    boolean hasRoom() {
        return staging.remaining() >= ROOM_FOR_ONE && segmentCount <= SEGMENTS_MAX - 3;
    }

    /** Starts a header: zero but for the opcode, the flags and the command window. */
    PduEncoder begin(final int opcode, final int flags) {
        assert hasRoom() : "no room for a PDU";
        start = staging.position();
        for (int i = 0; i < Pdu.HEADER_LENGTH; i += Long.BYTES) {
            staging.putLong(start + i, 0);
        }
        staging.put(start, (byte) opcode).put(start + 1, (byte) flags);
        return u32(28, window.expectedCommandSn()).u32(32, window.maxCommandSn());
    }

    PduEncoder u8(final int offset, final int value) {
        staging.put(start + offset, (byte) value);
        return this;
    }

    PduEncoder u16(final int offset, final int value) {
        staging.putShort(start + offset, (short) value);
        return this;
    }

    PduEncoder u32(final int offset, final int value) {
        staging.putInt(start + offset, value);
        return this;
    }

    PduEncoder u64(final int offset, final long value) {
        staging.putLong(start + offset, value);
        return this;
    }

    /** Puts StatSN; {@code takes}: this PDU has the number for itself. */
    PduEncoder statSn(final boolean takes) {
        u32(24, statSn);
        if (takes) {
            statSn++;
        }
        return this;
    }

    /** Ends a PDU without data. */
    void end() {
        end(ByteBuffer.allocate(0));
    }

    void end(final byte[] data) {
        end(ByteBuffer.wrap(data));
    }

    /** Ends a PDU with the remaining bytes of {@code data}, which must not change until they are sent. */
    void end(final ByteBuffer data) {
        final int length = data.remaining();
        staging.putInt(start + 4, staging.get(start + 4) << 24 | length);
        staging.position(start + Pdu.HEADER_LENGTH);
        if (headerDigest) {
            staging.putInt(PduDecoder.digest(staging, start, start + Pdu.HEADER_LENGTH));
        }
        if (length == 0) {
            return;
        }
        final int padding = PduDecoder.padded(length) - length;
        final int digest = dataDigest ? digest(data, padding) : 0;
        if (length <= COPY_LENGTH_MAX || !data.isDirect()) {
            copy(data);
        } else {
            closeRun();
            segments[segmentCount++] = data;
        }
        for (int i = 0; i < padding; i++) {
            staging.put((byte) 0);
        }
        if (dataDigest) {
            staging.putInt(digest);
        }
    }

    private void copy(final ByteBuffer data) {
        if (data.remaining() > COPY_LENGTH_MAX) {
            closeRun();
            final ByteBuffer copy = ByteBuffer.allocateDirect(data.remaining());
            segments[segmentCount++] = copy.put(data).flip();
        } else {
            staging.put(data);
        }
    }

    private int digest(final ByteBuffer data, final int padding) {
        crc.reset();
        crc.update(data.duplicate());
        for (int i = 0; i < padding; i++) {
            crc.update(0);
        }
        return Integer.reverseBytes((int) crc.getValue());
    }

    private void closeRun() {
        if (staging.position() > runStart) {
            segments[segmentCount++] = staging.slice(runStart, staging.position() - runStart);
            runStart = staging.position();
        }
    }

    boolean isEmpty() {
        return segmentCount == 0 && staging.position() == 0;
    }

    /** Writes what the channel takes. True when nothing is left: then all buffers handed in are free again. */
    boolean writeTo(final GatheringByteChannel channel) throws IOException {
        closeRun();
        while (segmentsSent < segmentCount) {
            if (channel.write(segments, segmentsSent, segmentCount - segmentsSent) == 0) {
                return false;
            }
            while (segmentsSent < segmentCount && !segments[segmentsSent].hasRemaining()) {
                segments[segmentsSent++] = null;
            }
        }
        segmentCount = 0;
        segmentsSent = 0;
        runStart = 0;
        staging.clear();
        return true;
    }
}
