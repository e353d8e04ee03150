package io.icecore.volume.nbd;

import io.icecore.volume.Export;
import io.icecore.volume.IoRequest.Op;
import io.icecore.volume.VolumeWorkers;
import io.icecore.volume.WriteBatch;
import java.io.IOException;
import java.nio.channels.GatheringByteChannel;
import java.time.Instant;
import org.agrona.concurrent.NanoClock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The transmission phase of one connection (specification, "Transmission"): takes requests until the client leaves.
 *
 * <p>{@link #run} is the connection's thread. It decodes what has been received, executes or hands over each request as
 * {@link NbdDispatchPolicy} says, and sends the replies to what it executed before it waits for anything. Replies to what
 * it handed over go out through {@link NbdReplies}, in the order in which they end.
 *
 * <p>Writes that have been received one after the other are gathered and carried out together when nothing more is
 * there to be decoded: many short writes become one long one.
 *
 * <p>Bounds: requests in flight and their bytes. At a bound the thread waits and reads nothing meanwhile, which is how the
 * client comes to wait.
 */
final class NbdTransmission {
    private static final Logger LOG = LoggerFactory.getLogger(NbdTransmission.class);

    /** Reads and writes longer than this travel through the store in pieces of it. Bytes. */
    private static final int PIECE_LENGTH = NbdBufferPool.RESERVE_LENGTH;
    /** Up to this a READ is executed into the batch of replies and a WRITE out of the receive buffer. Bytes. */
    private static final int STAGED_LENGTH_MAX = 64 << 10;
    /** Replies sent at once, so that the client has something to do while the rest is executed. */
    private static final int REPLIES_SENT_AT_ONCE = 16;

    /** Writes carried out at once, for the same reason. */
    private static final int WRITES_GATHERED_MAX = 32;

    private final NbdSession session;
    private final Export export;
    private final VolumeWorkers workers;
    private final NbdInput input;
    private final NanoClock clock;
    private final String peer;

    private final NbdRequestDecoder header = new NbdRequestDecoder();
    private final NbdDispatchPolicy policy = new NbdDispatchPolicy();
    private final NbdTraffic traffic = new NbdTraffic();
    private final NbdRequestsInFlight inFlight;
    private final NbdReplyBatch batch;
    private final NbdReplies replies;
    /** Executed by the connection's thread, without memory of its own. */
    private final NbdRequest staged;
    /** Writes whose data stands in the receive buffer, not carried out yet. */
    private final WriteBatch gathered = new WriteBatch();

    private final long[] gatheredCookies = new long[WriteBatch.CHUNKS_MAX];
    private final NbdFlushForecast forecast = new NbdFlushForecast();

    NbdTransmission(
            final NbdSession session,
            final VolumeWorkers workers,
            final NbdInput input,
            final GatheringByteChannel output,
            final NbdBufferPool.Share memory,
            final int requestsMax,
            final NanoClock clock,
            final String peer) {
        this.session = session;
        this.export = session.export();
        this.workers = workers;
        this.input = input;
        this.clock = clock;
        this.peer = peer;
        batch = new NbdReplyBatch(session.structuredReplies());
        inFlight = new NbdRequestsInFlight(requestsMax, memory, traffic);
        final String writerName = Thread.currentThread().getName() + "-writer";
        replies = new NbdReplies(inFlight, output, requestsMax, writerName);
        final NbdFailureLog failures = new NbdFailureLog(clock, peer);
        inFlight.fill(() -> new NbdRequest(replies, failures));
        staged = new NbdRequest(replies, failures);
        input.beforeWait(this::beforeWait);
    }

    /** Serves until the client says goodbye or its stream ends; requests in flight may then still be so. */
    void run() throws IOException {
        do {
            while (header.decode(input.received())) {
                if (header.type() == Nbd.CMD_DISC) {
                    return;
                }
                serve();
                if (batch.replyCount() >= REPLIES_SENT_AT_ONCE) {
                    send();
                }
            }
        } while (input.fill());
    }

    /** Waits for the requests in flight, sends their replies if the client is still there, and frees the memory. */
    void finish() {
        beforeWait();
        replies.finish();
        inFlight.awaitAll();
        replies.close();
        batch.close();
    }

    private void serve() throws IOException {
        traffic.request();
        final NbdError violation = NbdRequestRules.violationOf(header, export.size(), export.readOnly(), session);
        if (violation != null) {
            input.skip(header.payloadLength());
            makeRoom(0);
            batch.addError(header.cookie(), violation);
            return;
        }
        switch (header.type()) {
            case Nbd.CMD_READ -> read();
            case Nbd.CMD_WRITE -> write();
            case Nbd.CMD_FLUSH -> flush();
            case Nbd.CMD_TRIM -> change(Op.TRIM);
            case Nbd.CMD_WRITE_ZEROES -> change(Op.WRITE_ZEROES);
            case Nbd.CMD_CACHE -> change(Op.CACHE);
            case Nbd.CMD_BLOCK_STATUS -> blockStatus();
            default -> throw new AssertionError("unknown command passed the rules: " + header.type());
        }
    }

    private void read() throws IOException {
        final long length = header.length();
        if (length == 0) {
            makeRoom(0);
            batch.addEmptyRead(header.cookie());
        } else if (length > PIECE_LENGTH && session.structuredReplies() && !header.has(Nbd.CMD_FLAG_DF)) {
            readInPieces((int) length);
        } else if (length > PIECE_LENGTH) {
            readUndivided((int) length);
        } else {
            final boolean inline = policy.inline(Op.READ, false, length, alone());
            if (inline && length <= STAGED_LENGTH_MAX) {
                readStaged((int) length);
            } else {
                dispatch(begin(Op.READ, (int) length), inline);
            }
        }
    }

    /** Straight into the batch of replies. */
    private void readStaged(final int length) throws IOException {
        makeRoom(length);
        staged.begin(Op.READ, header);
        staged.export = export;
        staged.buffer = batch.view();
        staged.index = batch.readDataIndex();
        execute(staged);
        if (staged.error == null) {
            traffic.read(length);
            batch.addRead(staged);
        } else {
            batch.addError(staged.cookie, staged.error);
        }
    }

    /** Chunks of one reply, each sent when it is there: no client makes the server hold 32 MiB at once. */
    private void readInPieces(final int length) throws IOException {
        final NbdRequest.Pieces pieces = new NbdRequest.Pieces(pieceCount(length));
        for (int from = 0; from < length; from += PIECE_LENGTH) {
            final NbdRequest piece = begin(Op.READ, Math.min(PIECE_LENGTH, length - from));
            piece.pieces = pieces;
            piece.offset += from;
            dispatch(piece, false);
        }
    }

    /**
     * A long READ whose reply is one message: a simple reply, or a chunk that must not be fragmented. Without memory for
     * all of it now, it is streamed through the connection's reserve; so no request ever waits for other clients.
     */
    private void readUndivided(final int length) throws IOException {
        final NbdBufferPool.Lease lease = inFlight.tryTakeMemory(length);
        if (lease != null) {
            dispatch(begin(Op.READ, lease, length), false);
            return;
        }
        send();
        final NbdRequest piece = begin(Op.READ, inFlight.takeMemory(PIECE_LENGTH), PIECE_LENGTH);
        try {
            stream(piece, length);
        } finally {
            inFlight.release(piece);
        }
    }

    /** The first piece is read before anything is said, so that most failures can still be told as an error. */
    private void stream(final NbdRequest piece, final int length) throws IOException {
        execute(piece);
        if (piece.error != null) {
            makeRoom(0);
            batch.addError(piece.cookie, piece.error);
            return;
        }
        batch.addReadHeader(piece, length);
        replies.stream(batch, piece, length, () -> execute(piece));
        if (piece.error == null) {
            traffic.read(length);
        }
    }

    private void write() throws IOException {
        final int length = header.payloadLength();
        if (length == 0) {
            makeRoom(0);
            batch.addSuccess(header.cookie());
        } else if (length > PIECE_LENGTH) {
            writeInPieces(length);
        } else if (length > STAGED_LENGTH_MAX) {
            final boolean inline = policy.inlineLongWrite(inFlight.count() > 0);
            final NbdRequest request = begin(Op.WRITE, length);
            receive(request, length);
            dispatch(request, inline);
        } else {
            writeStaged(length);
        }
    }

    /** Straight out of the receive buffer, if this thread executes it. */
    private void writeStaged(final int length) throws IOException {
        input.require(length);
        final boolean last = input.remaining() < length + NbdRequestDecoder.HEADER_LENGTH;
        final boolean alone = last && gathered.isEmpty() && inFlight.count() == 0;
        if (!alone && !header.has(Nbd.CMD_FLAG_FUA) && WriteBatch.wholeChunks(header.offset(), length)) {
            gather(length);
        } else if (policy.inline(Op.WRITE, header.has(Nbd.CMD_FLAG_FUA), length, alone)) {
            staged.begin(Op.WRITE, header);
            staged.export = export;
            staged.buffer = input.view();
            staged.index = input.received().position();
            execute(staged);
            if (staged.foundStoreFull()) {
                submitCopy(length);
                return;
            }
            input.consume(length);
            if (staged.error == null) {
                traffic.written(length);
                forecast.written();
            }
            answerStaged();
        } else {
            final NbdRequest request = begin(Op.WRITE, length);
            receive(request, length);
            dispatch(request, false);
        }
    }

    private void gather(final int length) throws IOException {
        if (!gathered.takes(header.offset(), length)) {
            writeGathered();
            send();
        }
        gatheredCookies[gathered.writeCount()] = header.cookie();
        gathered.add(header.offset(), input.view(), input.received().position(), length);
        input.consume(length);
        if (gathered.writeCount() == WRITES_GATHERED_MAX) {
            writeGathered();
            send();
        }
    }

    /** Before the receive buffer is filled anew, and before a flush, which would have nothing to cover otherwise. */
    private void writeGathered() {
        if (gathered.isEmpty()) {
            return;
        }
        boolean done = false;
        try {
            export.write(gathered);
            done = true;
        } catch (final RuntimeException ex) {
            LOG.debug("a batch of writes failed, trying them singly: peer={}", peer, ex);
        }
        for (int write = 0; write < gathered.writeCount(); write++) {
            answerGathered(write, done);
        }
        gathered.clear();
    }

    private void answerGathered(final int write, final boolean done) {
        staged.begin(Op.WRITE, gatheredCookies[write], gathered.offset(write), gathered.length(write));
        if (!done) {
            staged.export = export;
            staged.buffer = input.view();
            staged.index = gathered.index(write);
            execute(staged);
        }
        if (staged.foundStoreFull()) {
            submitGathered(write);
            return;
        }
        if (staged.error == null) {
            traffic.written(gathered.length(write));
        }
        answerStaged();
    }

    /** As {@link #submitCopy}. */
    private void submitGathered(final int write) {
        final int length = gathered.length(write);
        final NbdRequest request = begin(Op.WRITE, length);
        request.begin(Op.WRITE, gatheredCookies[write], gathered.offset(write), length);
        request.lease.view.putBytes(0, input.view(), gathered.index(write), length);
        submit(request);
    }

    /** Of what is in the receive buffer: it may have to wait for room, and the connection goes on. */
    private void submitCopy(final int length) throws IOException {
        final NbdRequest request = begin(Op.WRITE, length);
        receive(request, length);
        submit(request);
    }

    /** The store works on one piece while the next is received. */
    private void writeInPieces(final int length) throws IOException {
        final NbdRequest.Pieces pieces = new NbdRequest.Pieces(pieceCount(length));
        for (int from = 0; from < length; from += PIECE_LENGTH) {
            final NbdRequest piece = begin(Op.WRITE, Math.min(PIECE_LENGTH, length - from));
            piece.pieces = pieces;
            piece.offset += from;
            receive(piece, (int) piece.length);
            dispatch(piece, false);
        }
    }

    private static int pieceCount(final int length) {
        return (length + PIECE_LENGTH - 1) / PIECE_LENGTH;
    }

    private void receive(final NbdRequest request, final int length) throws IOException {
        boolean received = false;
        try {
            input.readFully(request.lease.bytes.limit(length).position(0));
            received = true;
        } finally {
            if (!received) {
                inFlight.release(request); // The client is gone, and what it did not send whole is not written.
            }
        }
    }

    /** Nothing of a snapshot can be unwritten. */
    private void flush() throws IOException {
        if (export.readOnly()) {
            makeRoom(0);
            batch.addSuccess(header.cookie());
        } else {
            forecast.flushed();
            effect(Op.FLUSH);
        }
    }

    private void change(final Op op) throws IOException {
        if (header.length() == 0) {
            makeRoom(0);
            batch.addSuccess(header.cookie());
        } else {
            effect(op);
        }
    }

    /** A request without data either way. */
    private void effect(final Op op) throws IOException {
        writeGathered();
        if (policy.inline(op, header.has(Nbd.CMD_FLAG_FUA), header.length(), alone())) {
            staged.begin(op, header);
            staged.export = export;
            execute(staged);
            if (!staged.foundStoreFull()) {
                answerStaged();
                return;
            }
        }
        dispatch(begin(op, 0), false);
    }

    private void blockStatus() throws IOException {
        final boolean one = header.has(Nbd.CMD_FLAG_REQ_ONE);
        final boolean inline = policy.inline(Op.EXTENTS, false, header.length(), alone());
        final NbdRequest request = begin(Op.EXTENTS, NbdRequest.descriptorsLength(one));
        request.length = header.length();
        request.beginExtents(one);
        dispatch(request, inline);
    }

    private void answerStaged() {
        makeRoom(0);
        if (staged.error == null) {
            batch.addSuccess(staged.cookie);
        } else {
            batch.addError(staged.cookie, staged.error);
        }
    }

    /** This is the only request there is: none in flight, none received. */
    private boolean alone() {
        return inFlight.count() == 0 && input.remaining() < NbdRequestDecoder.HEADER_LENGTH;
    }

    /** Takes a request and memory for it; waits until there are both. */
    private NbdRequest begin(final Op op, final int memoryLength) {
        NbdBufferPool.Lease lease = null;
        if (memoryLength > 0) {
            lease = inFlight.tryTakeMemory(memoryLength);
            if (lease == null) {
                send();
                lease = inFlight.takeMemory(memoryLength);
            }
        }
        return begin(op, lease, memoryLength);
    }

    private NbdRequest begin(final Op op, final NbdBufferPool.Lease lease, final int length) {
        if (!inFlight.tryTakeSlot()) {
            send();
            inFlight.takeSlot();
        }
        final NbdRequest request = inFlight.begin(op, header);
        request.export = export;
        request.lease = lease;
        request.buffer = lease == null ? null : lease.view;
        request.index = 0;
        request.length = lease == null ? header.length() : length;
        return request;
    }

    private void dispatch(final NbdRequest request, final boolean inline) throws IOException {
        if (!inline) {
            submit(request);
            return;
        }
        boolean referenced = false;
        boolean again = false;
        try {
            makeRoom(STAGED_LENGTH_MAX / 2);
            execute(request);
            again = request.foundStoreFull();
            referenced = !again && batch.add(request);
        } finally {
            if (!referenced && !again) {
                inFlight.release(request);
            }
        }
        if (again) {
            request.again();
            submit(request); // It may have to wait for room, and the connection goes on.
        }
        if (referenced) {
            send(); // Its memory is wanted back before the next request asks for some.
        }
    }

    private void submit(final NbdRequest request) {
        boolean submitted = false;
        try {
            if (!replies.hasWriter()) {
                replies.startWriter(new NbdReplyBatch(session.structuredReplies()));
            }
            workers.submit(request);
            submitted = true;
        } finally {
            if (!submitted && !request.ended) {
                inFlight.release(request); // The workers are closed, or there is no thread left: nobody else will.
            }
        }
    }

    private void execute(final NbdRequest request) {
        request.inline = true;
        if (policy.measures(request.op, request.fua, request.length)) {
            final long begin = clock.nanoTime();
            workers.execute(request);
            policy.executed(request.op, clock.nanoTime() - begin);
        } else {
            workers.execute(request);
        }
    }

    /** Makes sure that the batch takes one more reply with so many bytes of data. */
    private void makeRoom(final int dataLength) {
        if (!batch.hasRoom(dataLength)) {
            send();
        }
    }

    /** Returns whether nothing will be sent until there is another request. */
    private boolean beforeWait() {
        writeGathered();
        send();
        if (inFlight.count() == 0 && forecast.takeDue()) {
            flushAhead();
        }
        return replies.atRest();
    }

    /** The client is about to ask for it. Should it fail, the store refuses the client's own flush as well. */
    private void flushAhead() {
        try {
            export.flushAhead();
        } catch (final RuntimeException ex) {
            LOG.debug("a foretold flush failed: peer={}", peer, ex);
        }
    }

    private void send() {
        if (!batch.isEmpty()) {
            replies.send(batch);
        }
    }

    /** As of now; any thread. */
    NbdClient facts(final Instant since) {
        return new NbdClient(
                peer,
                export.name(),
                traffic.requests(),
                traffic.bytesRead(),
                traffic.bytesWritten(),
                inFlight.count(),
                since);
    }
}
