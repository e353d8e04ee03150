package io.icecore.volume.nbd;

import io.icecore.store.device.IoBuffer;
import io.icecore.volume.IoRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.GatheringByteChannel;
import org.agrona.BufferUtil;

/**
 * Replies that go out together with one system call. Headers and short data are staged in one buffer; long data stays
 * where it is and is gathered. Used by one thread at a time.
 *
 * <pre>
 *   staged:   | header data header header | header | ...
 *   vectors:  [ region 0                ] [ data ] [ region 1 ] [ data ] ...
 * </pre>
 */
final class NbdReplyBatch implements AutoCloseable {
    /** Bytes staged at most. */
    static final int LENGTH = 128 << 10;
    /** Data up to this is copied: cheaper than one more entry for the system call to walk. Bytes. */
    private static final int COPIED_LENGTH_MAX = 16 << 10;

    private static final int REFERENCED_COUNT_MAX = 32;

    private final boolean structured;
    private final ByteBuffer staged = ByteBuffer.allocateDirect(LENGTH);
    private final IoBuffer view = new IoBuffer(staged);
    private final ByteBuffer[] regions = new ByteBuffer[REFERENCED_COUNT_MAX + 1];
    private final ByteBuffer[] vectors = new ByteBuffer[2 * REFERENCED_COUNT_MAX + 1];
    private final NbdRequest[] referenced = new NbdRequest[REFERENCED_COUNT_MAX];

    private int referencedCount;
    private int vectorCount;
    private int regionCount;
    private int regionStart;
    private int replyCount;

    /** @param structured structured replies were negotiated */
    NbdReplyBatch(final boolean structured) {
        this.structured = structured;
        for (int i = 0; i < regions.length; i++) {
            regions[i] = staged.duplicate();
        }
    }

    int replyCount() {
        return replyCount;
    }

    /** Bytes staged. */
    int length() {
        return staged.position();
    }

    /** There is room for a reply with {@code dataLength} bytes of data in the batch itself. */
    boolean hasRoom(final int dataLength) {
        return staged.remaining() >= NbdReplyEncoder.HEADER_LENGTH_MAX + dataLength
                && referencedCount < REFERENCED_COUNT_MAX;
    }

    /** There is room for whatever reply {@link #add} may get. */
    boolean hasRoom() {
        return hasRoom(COPIED_LENGTH_MAX);
    }

    /** Where a READ may put its data so that no copy is needed; {@link #addRead} then makes it part of the batch. */
    IoBuffer view() {
        return view;
    }

    /** Index in {@link #view()}. */
    int readDataIndex() {
        return staged.position() + readHeaderLength();
    }

    private int readHeaderLength() {
        return structured ? NbdReplyEncoder.OFFSET_DATA_HEADER_LENGTH : NbdReplyEncoder.SIMPLE_LENGTH;
    }

    /** A successful READ whose data has been put at {@link #readDataIndex()}. */
    void addRead(final NbdRequest request) {
        readHeader(request, true);
        staged.position(staged.position() + (int) request.length);
        replyCount++;
    }

    /** What stands before {@code length} bytes of data that the caller sends itself, right after this batch. */
    void addReadHeader(final NbdRequest request, final int length) {
        if (structured) {
            NbdReplyEncoder.offsetData(staged, request.cookie, false, request.offset, length);
        } else {
            NbdReplyEncoder.simple(staged, request.cookie, 0);
        }
        replyCount++;
    }

    boolean isStructured() {
        return structured;
    }

    /** Ends a reply whose content chunk said nothing of an end. */
    void addEnd(final long cookie, final NbdError errorOrNull) {
        if (errorOrNull == null) {
            NbdReplyEncoder.done(staged, cookie);
        } else {
            NbdReplyEncoder.error(staged, cookie, errorOrNull);
        }
    }

    void addSuccess(final long cookie) {
        NbdReplyEncoder.simple(staged, cookie, 0);
        replyCount++;
    }

    /** A READ of nothing: a content chunk would have to describe at least one byte. */
    void addEmptyRead(final long cookie) {
        if (structured) {
            NbdReplyEncoder.done(staged, cookie);
        } else {
            NbdReplyEncoder.simple(staged, cookie, 0);
        }
        replyCount++;
    }

    void addError(final long cookie, final NbdError error) {
        if (structured) {
            NbdReplyEncoder.error(staged, cookie, error);
        } else {
            NbdReplyEncoder.simple(staged, cookie, error.value);
        }
        replyCount++;
    }

    /**
     * The reply to a request that has ended; of a long one the chunk for this piece, if it takes one. There must be
     * {@link #hasRoom() room}. True when the request's memory is needed until the batch has been sent.
     */
    boolean add(final NbdRequest request) {
        if (request.pieces != null) {
            return addPiece(request, request.pieces);
        }
        if (request.error != null) {
            addError(request.cookie, request.error);
            return false;
        }
        if (request.op == IoRequest.Op.READ) {
            readHeader(request, true);
            replyCount++;
            return data(request, (int) request.length);
        }
        if (request.op == IoRequest.Op.EXTENTS) {
            return addBlockStatus(request);
        }
        addSuccess(request.cookie);
        return false;
    }

    /** A long request is answered with its last piece; its reads are sent as they come. */
    private boolean addPiece(final NbdRequest piece, final NbdRequest.Pieces pieces) {
        final boolean last = --pieces.left == 0;
        if (piece.error != null && pieces.error == null) {
            pieces.error = piece.error;
        }
        final boolean hasData = piece.op == IoRequest.Op.READ && piece.error == null;
        boolean referencing = false;
        if (hasData) {
            readHeader(piece, last && pieces.error == null);
            referencing = data(piece, (int) piece.length);
        }
        if (last && pieces.error != null) {
            addError(piece.cookie, pieces.error);
        } else if (last && !hasData) {
            addSuccess(piece.cookie);
        }
        return referencing;
    }

    private boolean addBlockStatus(final NbdRequest request) {
        final int count = request.descriptorCount;
        if (count == 0) { // Nobody knows: "data" is always a right answer.
            NbdReplyEncoder.blockStatus(staged, request.cookie, NbdHandshake.ALLOCATION_CONTEXT_ID, 1);
            staged.putInt((int) request.length).putInt(0);
            replyCount++;
            return false;
        }
        NbdReplyEncoder.blockStatus(staged, request.cookie, NbdHandshake.ALLOCATION_CONTEXT_ID, count);
        replyCount++;
        return data(request, count * NbdReplyEncoder.DESCRIPTOR_LENGTH);
    }

    private void readHeader(final NbdRequest request, final boolean done) {
        if (structured) {
            NbdReplyEncoder.offsetData(staged, request.cookie, done, request.offset, (int) request.length);
        } else {
            NbdReplyEncoder.simple(staged, request.cookie, 0);
        }
    }

    /** Appends what is at the front of the request's memory. True when by reference. */
    private boolean data(final NbdRequest request, final int length) {
        final ByteBuffer bytes = request.lease.bytes;
        if (length <= COPIED_LENGTH_MAX) {
            staged.put(staged.position(), bytes, 0, length);
            staged.position(staged.position() + length);
            return false;
        }
        endRegion();
        bytes.limit(length).position(0);
        vectors[vectorCount++] = bytes;
        referenced[referencedCount++] = request;
        return true;
    }

    private void endRegion() {
        if (staged.position() > regionStart) {
            vectors[vectorCount++] =
                    regions[regionCount++].limit(staged.position()).position(regionStart);
            regionStart = staged.position();
        }
    }

    /** Writes all of it, however long the client takes to read. */
    void writeTo(final GatheringByteChannel channel) throws IOException {
        endRegion();
        int first = 0;
        while (first < vectorCount) {
            if (vectorCount - first == 1) {
                channel.write(vectors[first]);
            } else {
                channel.write(vectors, first, vectorCount - first);
            }
            while (first < vectorCount && !vectors[first].hasRemaining()) {
                first++;
            }
        }
    }

    /** Empties the batch, sent or not, and hands back the requests whose memory it referred to. */
    void reset(final NbdRequestsInFlight inFlight) {
        for (int i = 0; i < referencedCount; i++) {
            inFlight.release(referenced[i]);
            referenced[i] = null;
        }
        staged.clear();
        referencedCount = 0;
        vectorCount = 0;
        regionCount = 0;
        regionStart = 0;
        replyCount = 0;
    }

    boolean isEmpty() {
        return staged.position() == 0;
    }

    /** Frees the buffer; nothing may use it any more. */
    @Override
    public void close() {
        BufferUtil.free(staged);
    }
}
