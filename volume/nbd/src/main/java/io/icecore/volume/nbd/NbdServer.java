package io.icecore.volume.nbd;

import io.icecore.volume.ExportTable;
import io.icecore.volume.VolumeWorkers;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.channels.SocketChannel;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.agrona.concurrent.EpochClock;
import org.agrona.concurrent.NanoClock;
import org.agrona.concurrent.SystemEpochClock;
import org.agrona.concurrent.SystemNanoClock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Offers what an {@link ExportTable} has to NBD clients, on any number of Unix-domain and TCP sockets.
 *
 * <p>Fixed newstyle negotiation, structured replies, block status ({@code base:allocation}); no TLS: TCP is for networks
 * that may be trusted. One thread a connection; what that costs is bounded by {@link NbdServerOptions}.
 */
public final class NbdServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NbdServer.class);

    private static final long WATCH_INTERVAL_MILLIS = 1000;
    /** After connections have been cut off, for their threads to notice. */
    private static final long CUT_OFF_MILLIS = 1000;

    private final ExportTable exports;
    private final VolumeWorkers workers;
    private final NbdServerOptions options;
    private final EpochClock epochClock;
    private final NanoClock nanoClock;
    private final NbdBufferPool pool;
    private final Semaphore places;
    private final AtomicLong connectionOrdinal = new AtomicLong();
    private final Map<NbdConnection, Thread> connections = new ConcurrentHashMap<>();
    private final List<NbdListener> listeners = new ArrayList<>();
    private final Thread watch = new Thread(this::watch, "nbd-watch");
    private final Object closeSignal = new Object();
    private volatile boolean closed;

    public NbdServer(final ExportTable exports, final VolumeWorkers workers, final NbdServerOptions options) {
        this(exports, workers, options, SystemEpochClock.INSTANCE, SystemNanoClock.INSTANCE);
    }

    NbdServer(
            final ExportTable exports,
            final VolumeWorkers workers,
            final NbdServerOptions options,
            final EpochClock epochClock,
            final NanoClock nanoClock) {
        this.exports = exports;
        this.workers = workers;
        this.options = options;
        this.epochClock = epochClock;
        this.nanoClock = nanoClock;
        pool = new NbdBufferPool(options.bufferBytesMax());
        places = new Semaphore(options.connectionsMax(), true);
        watch.setDaemon(true);
        watch.start();
    }

    /**
     * Accepts clients on this address too, an {@code InetSocketAddress} or a {@code UnixDomainSocketAddress}; the file of
     * the latter is for its owner alone (mode 0600) and goes when the server is closed.
     *
     * @return the address with the port that was chosen if 0 was asked for
     * @throws IOException when the address is taken; a socket file that nobody listens on is replaced
     */
    public synchronized SocketAddress listen(final SocketAddress address) throws IOException {
        if (closed) {
            throw new IOException("the NBD server is closed");
        }
        final NbdListener listener = new NbdListener(address, places, this::accepted);
        listeners.add(listener);
        listener.start();
        LOG.info("listening for NBD clients: address={}", listener.address());
        return listener.address();
    }

    private void accepted(final SocketChannel channel, final String peer) {
        final NbdConnection connection = new NbdConnection(
                channel, peer, Instant.ofEpochMilli(epochClock.time()), exports, workers, options, pool, nanoClock);
        final Thread thread = new Thread(
                () -> {
                    try {
                        connection.run();
                    } finally {
                        connections.remove(connection);
                        places.release();
                    }
                },
                "nbd-" + connectionOrdinal.incrementAndGet());
        thread.setDaemon(true);
        connections.put(connection, thread);
        boolean started = false;
        try {
            thread.start();
            started = true;
        } finally {
            if (!started) {
                connections.remove(connection);
            }
        }
        if (closed) {
            connection.stop(); // Accepted while close() was already stopping the others.
        }
    }

    /** Who is connected now, in no order. */
    public List<NbdClient> clients() {
        return connections.keySet().stream().map(NbdConnection::facts).toList();
    }

    /**
     * Exports go away: disconnects their clients once the requests in flight are answered. The caller sees to it that
     * they do not come back.
     *
     * @param exportNames tells whether an export, by its name, is meant
     */
    public void withdraw(final Predicate<String> exportNames) {
        end(connections.entrySet().stream()
                .filter(entry -> {
                    final String export = entry.getKey().facts().export();
                    return export != null && exportNames.test(export);
                })
                .toList());
    }

    /** Drops those who take a place and choose no export. */
    private void watch() {
        final long limitNanos = TimeUnit.SECONDS.toNanos(options.handshakeSecondsMax());
        synchronized (closeSignal) {
            while (!closed) {
                for (final NbdConnection connection : connections.keySet()) {
                    if (connection.haggledLongerThan(limitNanos)) {
                        connection.drop("no export chosen within " + options.handshakeSecondsMax() + " s");
                    }
                }
                try {
                    closeSignal.wait(WATCH_INTERVAL_MILLIS);
                } catch (final InterruptedException ex) {
                    LOG.debug("interrupted, which means nothing here"); // close() ends this thread.
                }
            }
        }
    }

    /**
     * Accepts nobody any more, finishes and answers the requests in flight for up to
     * {@link NbdServerOptions#closeSecondsMax()}, and closes all connections and exports. Idempotent.
     */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        synchronized (closeSignal) {
            closed = true;
            closeSignal.notifyAll();
        }
        listeners.forEach(NbdListener::close);
        end(List.copyOf(connections.entrySet()));
        pool.close();
        LOG.info("NBD server closed: stillOpen={}", connections.size());
    }

    private void end(final List<Map.Entry<NbdConnection, Thread>> open) {
        open.forEach(entry -> entry.getKey().stop());
        awaitEnd(open, TimeUnit.SECONDS.toMillis(options.closeSecondsMax()));
        final List<NbdConnection> left = open.stream()
                .map(Map.Entry::getKey)
                .filter(connections::containsKey)
                .toList();
        if (!left.isEmpty()) {
            LOG.warn("cut off clients with requests in flight: connections={}", left.size());
            left.forEach(connection -> connection.drop("server closed"));
            awaitEnd(open, CUT_OFF_MILLIS);
        }
    }

    private void awaitEnd(final List<Map.Entry<NbdConnection, Thread>> open, final long millisMax) {
        final long deadline = nanoClock.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millisMax);
        boolean interrupted = false;
        for (final Map.Entry<NbdConnection, Thread> entry : open) {
            final long left = deadline - nanoClock.nanoTime();
            try {
                if (left > 0 && !interrupted) {
                    TimeUnit.NANOSECONDS.timedJoin(entry.getValue(), left);
                }
            } catch (final InterruptedException ex) {
                interrupted = true; // Whoever interrupts a close wants it to be quick.
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
