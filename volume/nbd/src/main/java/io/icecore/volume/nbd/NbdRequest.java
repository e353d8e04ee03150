package io.icecore.volume.nbd;

import io.icecore.volume.IoRequest;
import java.nio.ByteOrder;

/**
 * One request of a connection, or one piece of a long one, on its way through the store and back. Reused.
 *
 * <pre>
 *   idle --begin--> in flight --completed--> answered --release--> idle
 * </pre>
 */
final class NbdRequest extends IoRequest {
    /** A long request that travels in pieces. Touched only by the thread that encodes the replies, after its making. */
    static final class Pieces {
        int left;
        NbdError error;

        Pieces(final int count) {
            left = count;
        }
    }

    private static final int DESCRIPTORS_LENGTH_MAX = 64 << 10;

    private final NbdReplies replies;
    private final NbdFailureLog failures;

    long cookie;
    /** Own memory for the data; null when the data is in the receive buffer or there is none. */
    NbdBufferPool.Lease lease;
    /** Shared by the pieces of one long request; null when this is all of it. */
    Pieces pieces;
    /** The connection's thread executes it and waits: nobody need be told of its end. */
    boolean inline;
    /** Has been completed. */
    boolean ended;

    NbdError error;
    /** Of EXTENTS: the most to report. */
    int descriptorCountMax;

    int descriptorCount;
    private long describedTo;
    private int lastStatus;

    NbdRequest(final NbdReplies replies, final NbdFailureLog failures) {
        this.replies = replies;
        this.failures = failures;
    }

    void begin(final Op op, final NbdRequestDecoder header) {
        begin(op, header.cookie(), header.offset(), header.length());
        fua = header.has(Nbd.CMD_FLAG_FUA);
        allocate = header.has(Nbd.CMD_FLAG_NO_HOLE);
    }

    void begin(final Op op, final long cookie, final long offset, final long length) {
        this.op = op;
        this.cookie = cookie;
        this.offset = offset;
        this.length = length;
        fua = false;
        allocate = false;
        pieces = null;
        error = null;
        inline = false;
        ended = false;
    }

    void beginExtents(final boolean one) {
        descriptorCountMax = one ? 1 : DESCRIPTORS_LENGTH_MAX / NbdReplyEncoder.DESCRIPTOR_LENGTH;
        descriptorCount = 0;
        describedTo = offset;
    }

    /** Bytes of memory for {@link #beginExtents}. */
    static int descriptorsLength(final boolean one) {
        return one ? NbdReplyEncoder.DESCRIPTOR_LENGTH : DESCRIPTORS_LENGTH_MAX;
    }

    /** The connection's thread waits for an inline one, and its data may be in the receive buffer. */
    @Override
    protected boolean mayWait() {
        return !inline;
    }

    @Override
    protected boolean abandoned() {
        return replies.finishing();
    }

    /** Executed inline it found the store full: it may be submitted, and wait for room. */
    boolean foundStoreFull() {
        return inline && error == NbdError.NO_SPACE;
    }

    /** As if it had not been executed yet. */
    void again() {
        inline = false;
        ended = false;
        error = null;
    }

    @Override
    protected void completed(final Throwable failureOrNull) {
        ended = true;
        if (failureOrNull != null) {
            error = NbdError.of(failureOrNull);
            if (!foundStoreFull()) {
                failures.failed(this, failureOrNull);
            }
        }
        if (!inline) {
            replies.offer(this);
        }
    }

    /**
     * Appends a descriptor (length, status), big-endian, or lengthens the last one. A full list ends the walk: the client
     * asks again from there.
     */
    @Override
    protected boolean extent(final long extentOffset, final long extentLength, final boolean zero) {
        assert extentOffset == describedTo : "extent at " + extentOffset + " (expected: " + describedTo + ")";
        final int status = zero ? Nbd.STATE_HOLE | Nbd.STATE_ZERO : 0;
        final long extentEnd = Math.min(extentOffset + extentLength, offset + length);
        if (extentEnd <= describedTo) {
            return true;
        }
        final int added = (int) (extentEnd - describedTo);
        if (descriptorCount > 0 && status == lastStatus) {
            final int index = (descriptorCount - 1) * NbdReplyEncoder.DESCRIPTOR_LENGTH;
            lease.view.putInt(index, lease.view.getInt(index, ByteOrder.BIG_ENDIAN) + added, ByteOrder.BIG_ENDIAN);
        } else if (descriptorCount == descriptorCountMax) {
            return false;
        } else {
            final int index = descriptorCount++ * NbdReplyEncoder.DESCRIPTOR_LENGTH;
            lease.view.putInt(index, added, ByteOrder.BIG_ENDIAN);
            lease.view.putInt(index + Integer.BYTES, status, ByteOrder.BIG_ENDIAN);
            lastStatus = status;
        }
        describedTo = extentEnd;
        return true;
    }
}
