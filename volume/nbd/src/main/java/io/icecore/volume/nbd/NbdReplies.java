package io.icecore.volume.nbd;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.GatheringByteChannel;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.agrona.concurrent.ManyToOneConcurrentArrayQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way back to one client. Any thread {@link #offer offers} a request that has ended and is free again at once; the
 * connection's writer encodes what has gathered and sends it. A client that does not read blocks its own writer, and its
 * own connection once its requests in flight are used up, and nobody else.
 *
 * <p>The writer is started with the first request that another thread executes: a client that has one request in flight
 * at a time never needs it.
 */
final class NbdReplies implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(NbdReplies.class);

    private final NbdRequestsInFlight inFlight;
    private final GatheringByteChannel channel;
    private final ManyToOneConcurrentArrayQueue<NbdRequest> ended;
    /** One message after the other: held while a batch goes out. */
    private final ReentrantLock sending = new ReentrantLock();

    private final String writerName;
    private NbdReplyBatch batch;
    private Thread writer;
    private volatile boolean parked;
    private volatile boolean closing;
    private volatile boolean broken;
    private volatile boolean finishing;

    /** @param requestsMax never more than this many are offered and not yet released */
    NbdReplies(
            final NbdRequestsInFlight inFlight,
            final GatheringByteChannel channel,
            final int requestsMax,
            final String writerName) {
        this.inFlight = inFlight;
        this.channel = channel;
        this.ended = new ManyToOneConcurrentArrayQueue<>(Math.max(2, requestsMax));
        this.writerName = writerName;
    }

    /** By the connection's thread, before the first request that may be offered. */
    void startWriter(final NbdReplyBatch writersBatch) {
        assert writer == null;
        batch = writersBatch;
        writer = new Thread(this, writerName);
        writer.setDaemon(true);
        writer.start();
    }

    boolean hasWriter() {
        return writer != null;
    }

    /** Nothing is on its way to the client. Asked by the connection's thread, who alone begins requests. */
    boolean atRest() {
        return inFlight.count() == 0 && (writer == null || parked); // In this order: it may release before it sends.
    }

    /** The client is leaving: what waits for room need not wait any longer. */
    void finish() {
        finishing = true;
    }

    boolean finishing() {
        return finishing;
    }

    /** Takes over a request that has ended. Never blocks. */
    void offer(final NbdRequest request) {
        final boolean offered = ended.offer(request);
        assert offered : "more requests in flight than the queue has places";
        if (parked) {
            LockSupport.unpark(writer);
        }
    }

    @Override
    public void run() {
        try {
            sendWhatEnds();
        } catch (final RuntimeException | Error ex) {
            LOG.error("replies could not be encoded, dropped the client: writer={}", writerName, ex);
            breakOff();
            batch.reset(inFlight);
            sendWhatEnds(); // Which now only releases: what is in flight still has to come home.
        }
    }

    private void sendWhatEnds() {
        while (true) {
            final NbdRequest request = ended.poll();
            if (request != null) {
                if (broken || !batch.add(request)) {
                    inFlight.release(request);
                }
                if (!batch.hasRoom()) {
                    send(batch);
                }
            } else if (!batch.isEmpty()) {
                send(batch);
            } else if (closing) {
                return;
            } else {
                parked = true;
                if (ended.isEmpty() && !closing) {
                    LockSupport.park(this);
                }
                parked = false;
            }
        }
    }

    /** Sends what is in the batch and empties it, also when the client is gone. */
    void send(final NbdReplyBatch full) {
        sending.lock();
        try {
            if (!broken) {
                full.writeTo(channel);
            }
        } catch (final IOException ex) {
            LOG.debug("could not send replies: {}", ex.toString());
            breakOff();
        } finally {
            sending.unlock();
            full.reset(inFlight);
        }
    }

    /**
     * Sends {@code header} and then the data of a long READ piece by piece, with no other reply in between.
     *
     * <p>A failure on the way can be told of a chunk: zeroes to its end, then an error chunk. In a simple reply there is
     * no way left to tell it, and the specification has the connection dropped.
     *
     * @param piece    has been read; the rest of the {@code length} bytes follows through its memory
     * @param readNext reads the piece
     */
    void stream(final NbdReplyBatch header, final NbdRequest piece, final int length, final Runnable readNext) {
        boolean complete = false;
        sending.lock();
        try {
            send(header);
            streamData(piece, piece.offset + length, readNext, header.isStructured());
            if (header.isStructured()) {
                header.addEnd(piece.cookie, piece.error);
                send(header);
            }
            complete = piece.error == null || header.isStructured();
        } finally {
            if (!complete) {
                LOG.warn("dropped a client that had been sent half of a reply: writer={}", writerName);
                breakOff();
            }
            sending.unlock();
        }
    }

    private void streamData(
            final NbdRequest piece, final long end, final Runnable readNext, final boolean zeroesAfterFailure) {
        while (!broken) {
            write(piece.lease.bytes.limit((int) piece.length).position(0));
            piece.offset += piece.length;
            piece.length = Math.min(piece.length, end - piece.offset);
            if (piece.length == 0) {
                return;
            }
            if (piece.error == null) {
                readNext.run();
                if (piece.error != null && !zeroesAfterFailure) {
                    return;
                }
                if (piece.error != null) {
                    piece.lease.view.setMemory(0, piece.lease.length(), (byte) 0);
                }
            }
        }
    }

    private void write(final ByteBuffer data) {
        try {
            while (data.hasRemaining()) {
                channel.write(data);
            }
        } catch (final IOException ex) {
            LOG.debug("could not send replies: {}", ex.toString());
            breakOff();
        }
    }

    /** Nothing is sent any more: what the client has may end in the middle of a message. */
    private void breakOff() {
        broken = true;
        try {
            channel.close(); // Wakes the connection's thread out of its read.
        } catch (final IOException ex) {
            LOG.debug("could not close a connection: {}", ex.toString());
        }
    }

    /** Ends the writer once it has sent everything; all requests must have been released. */
    void close() {
        closing = true;
        if (writer == null) {
            return;
        }
        LockSupport.unpark(writer);
        boolean interrupted = false;
        while (writer.isAlive()) {
            try {
                writer.join();
            } catch (final InterruptedException ex) {
                interrupted = true;
            }
        }
        batch.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
