package io.icecore.volume.nbd;

import io.icecore.volume.ExportTable;
import io.icecore.volume.VolumeWorkers;
import java.io.EOFException;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.time.Instant;
import org.agrona.concurrent.NanoClock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One client from accepting it to its end: handshake, transmission, and giving back all it had. */
final class NbdConnection implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(NbdConnection.class);

    private final SocketChannel channel;
    private final String peer;
    private final Instant since;
    private final long sinceNanos;
    private final ExportTable exports;
    private final VolumeWorkers workers;
    private final NbdServerOptions options;
    private final NbdBufferPool pool;
    private final NanoClock clock;

    private volatile NbdTransmission transmission;
    private volatile boolean stopping;

    NbdConnection(
            final SocketChannel channel,
            final String peer,
            final Instant since,
            final ExportTable exports,
            final VolumeWorkers workers,
            final NbdServerOptions options,
            final NbdBufferPool pool,
            final NanoClock clock) {
        this.channel = channel;
        this.peer = peer;
        this.since = since;
        this.sinceNanos = clock.nanoTime();
        this.exports = exports;
        this.workers = workers;
        this.options = options;
        this.pool = pool;
        this.clock = clock;
    }

    @Override
    public void run() {
        try (channel;
                NbdInput input = new NbdInput(channel, new AwakeReader(channel, clock))) {
            final NbdSession session = handshake(input);
            if (session != null) {
                transmit(session, input);
            }
        } catch (final NbdProtocolException ex) {
            LOG.warn("dropped a client: peer={} problem={}", peer, ex.getMessage());
        } catch (final EOFException ex) {
            LOG.info("lost a client: peer={} problem={}", peer, ex.getMessage());
        } catch (final ClosedChannelException ex) {
            LOG.debug("connection closed by the server: peer={}", peer);
        } catch (final IOException ex) {
            LOG.info("lost a client: peer={} problem={}", peer, ex.toString());
        } catch (final RuntimeException | Error ex) {
            LOG.error("dropped a client because of a bug: peer={}", peer, ex);
        }
    }

    private NbdSession handshake(final NbdInput input) throws IOException {
        try (NbdOptionReplies replies = new NbdOptionReplies(channel)) {
            return new NbdHandshake(exports, options.listedSnapshotsMax(), input, replies).run();
        }
    }

    private void transmit(final NbdSession session, final NbdInput input) throws IOException {
        try (session) {
            final NbdTransmission begun = new NbdTransmission(
                    session,
                    workers,
                    input,
                    channel,
                    pool.share(options.bytesInFlightMax()),
                    options.requestsInFlightMax(),
                    clock,
                    peer);
            transmission = begun;
            LOG.info(
                    "client connected: peer={} export={}",
                    peer,
                    session.export().name());
            try {
                begun.run();
            } finally {
                begun.finish();
                final NbdClient facts = facts();
                LOG.info(
                        "client disconnected: peer={} export={} requests={} bytesRead={} bytesWritten={}",
                        peer,
                        facts.export(),
                        facts.requests(),
                        facts.bytesRead(),
                        facts.bytesWritten());
            }
        }
    }

    /** Takes no more requests; those in flight are finished and answered. */
    void stop() {
        stopping = true;
        try {
            channel.shutdownInput();
        } catch (final IOException ex) {
            LOG.debug("connection was gone already: peer={} problem={}", peer, ex.toString());
        }
    }

    /** Ends it now, whatever is in flight. */
    void drop(final String reason) {
        if (!stopping) {
            LOG.warn("dropped a client: peer={} reason={}", peer, reason);
        }
        try {
            channel.close();
        } catch (final IOException ex) {
            LOG.debug("connection was gone already: peer={} problem={}", peer, ex.toString());
        }
    }

    /** Has not chosen an export for so long. */
    boolean haggledLongerThan(final long nanos) {
        return transmission == null && clock.nanoTime() - sinceNanos > nanos;
    }

    NbdClient facts() {
        final NbdTransmission current = transmission;
        return current == null ? new NbdClient(peer, null, 0, 0, 0, 0, since) : current.facts(since);
    }
}
