package io.icecore.volume.iscsi;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** An address that a target listens on. All portals belong to portal group 1. */
public final class IscsiPortal implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(IscsiPortal.class);
    private static final int ACCEPT_RETRY_MILLIS = 100;

    /** For a thread inside accept, which keeps the socket listening until it is out: some microseconds. */
    private static final int CLOSE_MILLIS_MAX = 200;

    private final IscsiTarget target;
    private final ServerSocketChannel server;
    private final InetSocketAddress address;
    private final Thread thread;

    IscsiPortal(final IscsiTarget target, final InetSocketAddress requested) throws IOException {
        this.target = target;
        server = ServerSocketChannel.open();
        try {
            server.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            server.bind(requested);
            address = (InetSocketAddress) server.getLocalAddress();
        } catch (final IOException | RuntimeException ex) {
            server.close();
            throw ex;
        }
        thread = new Thread(this::accept, "iscsi-portal-" + address.getPort());
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** The address bound, with the port that was chosen when 0 was asked for. */
    public InetSocketAddress address() {
        return address;
    }

    private void accept() {
        while (server.isOpen()) {
            try {
                final SocketChannel channel = server.accept();
                target.serve(channel);
            } catch (final ClosedChannelException ex) {
                return;
            } catch (final IOException ex) {
                LOG.warn("accept failed: address={} problem={}", address, ex.getMessage());
                if (!pause()) {
                    return; // Out of descriptors, most likely: do not spin.
                }
            }
        }
    }

    private static boolean pause() {
        try {
            Thread.sleep(ACCEPT_RETRY_MILLIS);
            return true;
        } catch (final InterruptedException ex) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Stops listening: who connects after this is refused. Sessions go on. Idempotent. */
    @Override
    public void close() {
        try {
            server.close();
        } catch (final IOException ex) {
            LOG.warn("closing a portal failed: address={} problem={}", address, ex.getMessage());
        }
        try {
            thread.join(CLOSE_MILLIS_MAX);
        } catch (final InterruptedException ex) {
            Thread.currentThread().interrupt();
        }
    }
}
