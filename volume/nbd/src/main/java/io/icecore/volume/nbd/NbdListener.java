package io.icecore.volume.nbd;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One listening socket and the thread that accepts its clients. */
final class NbdListener implements Runnable, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NbdListener.class);

    private static final int BACKLOG = 128;
    /** The kernel allows less by default and rounds down; more means fewer switches in long replies. Bytes. */
    private static final int UNIX_SEND_BUFFER_LENGTH = 1 << 20;
    /** When the process has no descriptor left, accepting fails at once, again and again. */
    private static final long PAUSE_AFTER_FAILURE_NANOS = 100_000_000;
    /** For a thread inside accept, which keeps the socket listening until it is out: some microseconds. */
    private static final int CLOSE_MILLIS_MAX = 200;

    private final ServerSocketChannel channel;
    private final UnixSocketFile file;
    private final SocketAddress address;
    private final Semaphore places;
    private final BiConsumer<SocketChannel, String> accepted;
    private final Thread thread;

    /**
     * @param places   one for each connection the server may still accept
     * @param accepted takes over the channel, the place and the name of the peer
     */
    NbdListener(final SocketAddress requested, final Semaphore places, final BiConsumer<SocketChannel, String> accepted)
            throws IOException {
        if (requested instanceof InetSocketAddress inet && inet.isUnresolved()) {
            throw new UnknownHostException(inet.getHostString());
        }
        this.places = places;
        this.accepted = accepted;
        final boolean unix = requested instanceof UnixDomainSocketAddress;
        channel = unix ? ServerSocketChannel.open(StandardProtocolFamily.UNIX) : ServerSocketChannel.open();
        boolean bound = false;
        try {
            if (unix) {
                file = UnixSocketFile.bind(channel, ((UnixDomainSocketAddress) requested).getPath());
                address = requested;
            } else {
                file = null;
                channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
                channel.bind(requested, BACKLOG);
                address = channel.getLocalAddress();
            }
            bound = true;
        } finally {
            if (!bound) {
                channel.close();
            }
        }
        thread = new Thread(this, "nbd-accept-" + address);
        thread.setDaemon(true);
    }

    /** Where clients connect: the port that was chosen when 0 was asked for. */
    SocketAddress address() {
        return address;
    }

    void start() {
        thread.start();
    }

    @Override
    public void run() {
        while (channel.isOpen()) {
            waitForPlace();
            boolean takenOver = false;
            try {
                final SocketChannel client = channel.accept();
                try {
                    configure(client);
                    accepted.accept(client, peerOf(client));
                    takenOver = true;
                } finally {
                    if (!takenOver) {
                        client.close();
                    }
                }
            } catch (final ClosedChannelException ex) {
                return;
            } catch (final IOException | RuntimeException | OutOfMemoryError ex) {
                LOG.warn("could not accept a client: address={}", address, ex);
                LockSupport.parkNanos(PAUSE_AFTER_FAILURE_NANOS);
            } finally {
                if (!takenOver) {
                    places.release();
                }
            }
        }
    }

    private void waitForPlace() {
        if (!places.tryAcquire()) {
            LOG.warn("as many connections as allowed; further clients wait: address={}", address);
            places.acquireUninterruptibly();
        }
    }

    private void configure(final SocketChannel client) throws IOException {
        if (file == null) {
            client.setOption(StandardSocketOptions.TCP_NODELAY, true);
            client.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
        } else {
            client.setOption(StandardSocketOptions.SO_SNDBUF, UNIX_SEND_BUFFER_LENGTH);
        }
    }

    private String peerOf(final SocketChannel client) throws IOException {
        if (file != null) {
            return "unix:" + file.path();
        }
        final InetSocketAddress remote = (InetSocketAddress) client.getRemoteAddress();
        return remote.getAddress().getHostAddress() + ":" + remote.getPort();
    }

    /** Accepts nobody from now on: who connects after this is refused. */
    @Override
    public void close() {
        try {
            channel.close();
        } catch (final IOException ex) {
            LOG.warn("could not close a listening socket: address={} problem={}", address, ex.toString());
        }
        try {
            thread.join(CLOSE_MILLIS_MAX); // No longer than that for one that waits for a place.
        } catch (final InterruptedException ex) {
            Thread.currentThread().interrupt();
        }
        if (file != null) {
            file.close();
        }
    }
}
