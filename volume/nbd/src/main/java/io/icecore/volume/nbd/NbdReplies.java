package io.icecore.volume.nbd;

import java.io.IOException;
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

    private final NbdTransmission transmission;
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

    /** @param requestsMax never more than this many are offered and not yet released */
    NbdReplies(
            final NbdTransmission transmission,
            final GatheringByteChannel channel,
            final int requestsMax,
            final String writerName) {
        this.transmission = transmission;
        this.channel = channel;
        this.ended = new ManyToOneConcurrentArrayQueue<>(Math.max(2, requestsMax));
        this.writerName = writerName;
    }

    /** By the connection's thread, before the first request that may be offered. */
    void ensureWriter(final NbdReplyBatch writersBatch) {
        assert writer == null;
        batch = writersBatch;
        writer = new Thread(this, writerName);
        writer.setDaemon(true);
        writer.start();
    }

    boolean hasWriter() {
        return writer != null;
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
            broken = true;
            closeChannel();
            batch.reset(transmission);
            sendWhatEnds(); // Which now only releases: what is in flight still has to come home.
        }
    }

    private void sendWhatEnds() {
        while (true) {
            final NbdRequest request = ended.poll();
            if (request != null) {
                if (broken || !batch.add(request)) {
                    transmission.release(request);
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
            broken = true;
            LOG.debug("could not send replies: {}", ex.toString());
            closeChannel();
        } finally {
            sending.unlock();
            full.reset(transmission);
        }
    }

    private void closeChannel() {
        try {
            channel.close(); // Wakes the connection's thread out of its read.
        } catch (final IOException ex) {
            LOG.debug("could not close a connection: {}", ex.toString());
        }
    }

    boolean isBroken() {
        return broken;
    }

    /** Ends the writer once it has sent everything; all requests must have been offered. */
    void close() {
        closing = true;
        if (writer != null) {
            LockSupport.unpark(writer);
            boolean interrupted = false;
            while (writer.isAlive()) {
                try {
                    writer.join();
                } catch (final InterruptedException ex) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
