package io.icecore.volume.iscsi;

import java.io.IOException;
import java.nio.channels.GatheringByteChannel;
import java.util.ArrayDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Replies on their way to the socket. Any thread may add one; whoever calls {@link #flush} first sends for all, so that
 * replies which finish together leave together. No thread ever waits for a slow peer: when the socket is full, its own
 * thread goes on once there is room.
 */
final class ReplyQueue {
    private final PduEncoder encoder;
    private final GatheringByteChannel channel;
    private final Runnable socketFull;
    private final ConcurrentLinkedQueue<Reply> replies = new ConcurrentLinkedQueue<>();
    private final AtomicInteger length = new AtomicInteger();
    private final AtomicInteger flushes = new AtomicInteger();
    private final ArrayDeque<Reply> encoded = new ArrayDeque<>();
    private volatile boolean closed;
    private volatile IOException failure;

    /**
     * @param channel    non-blocking
     * @param socketFull asks for {@link #flush} to be called once the channel takes bytes again; any thread
     */
    ReplyQueue(final PduEncoder encoder, final GatheringByteChannel channel, final Runnable socketFull) {
        this.encoder = encoder;
        this.channel = channel;
        this.socketFull = socketFull;
    }

    void offer(final Reply reply) {
        length.incrementAndGet();
        replies.add(reply);
        if (closed) {
            flush(); // Nobody else may come by to release it.
        }
    }

    /** Replies that have not been encoded yet. */
    int length() {
        return length.get();
    }

    IOException failure() {
        return failure;
    }

    /** Nothing more is sent; what is queued is released, and what will be. */
    void close() {
        closed = true;
        flush();
    }

    /** Sends what is queued, unless another thread is at it: then that one does. Returns without waiting. */
    void flush() {
        if (flushes.getAndIncrement() != 0) {
            return;
        }
        int seen = 1;
        while (seen != 0) {
            if (closed) {
                releaseAll();
            } else {
                send();
            }
            seen = flushes.addAndGet(-seen);
        }
    }

    private void send() {
        try {
            while (true) {
                if (!encoder.isEmpty() && !encoder.writeTo(channel)) {
                    socketFull.run();
                    return;
                }
                release();
                if (replies.isEmpty()) {
                    return;
                }
                encode();
            }
        } catch (final IOException ex) {
            failure = ex;
            closed = true;
            releaseAll();
        }
    }

    private void encode() {
        for (Reply reply = replies.peek(); reply != null && encoder.hasRoom(); reply = replies.peek()) {
            if (reply.encode(encoder)) {
                replies.remove();
                length.decrementAndGet();
                encoded.add(reply);
            }
        }
    }

    private void release() {
        for (Reply reply = encoded.poll(); reply != null; reply = encoded.poll()) {
            reply.released();
        }
    }

    private void releaseAll() {
        release();
        for (Reply reply = replies.poll(); reply != null; reply = replies.poll()) {
            length.decrementAndGet();
            reply.released();
        }
    }
}
