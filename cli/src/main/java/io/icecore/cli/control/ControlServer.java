package io.icecore.cli.control;

import io.icecore.store.device.StoreException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import jdk.net.ExtendedSocketOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The daemon's end of the control protocol: takes commands from clients of the same user (and of root) and has them
 * executed, each on threads of its own.
 *
 * <p>At most {@value #CONNECTIONS_MAX} at a time; who comes later is refused. A client can stall or break off wherever it
 * likes: it holds up its own command only.
 */
public final class ControlServer implements AutoCloseable {
    static final int CONNECTIONS_MAX = 64;

    private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);
    /** Commands that are abandoned get this long to tell their client so before the connection is cut. */
    private static final long FAREWELL_MILLIS = 2_000;

    private static final long CLOSE_MILLIS_MAX = 60_000;

    private final Path socket;
    private final CommandExecutor executor;
    private final ServerSocketChannel listener;
    private final UserPrincipal owner;
    private final Set<ControlConnection> connections = ConcurrentHashMap.newKeySet();
    private final AtomicInteger ordinal = new AtomicInteger();
    private final Thread acceptor;
    private volatile boolean closed;

    /**
     * Listens. The caller holds the lock of the store that the socket stands for, so that a socket found there is one that
     * nobody listens on any more.
     *
     * @throws StoreException when the socket cannot be made
     */
    public ControlServer(final Path socket, final CommandExecutor executor) {
        this.socket = socket;
        this.executor = executor;
        try {
            removeStale();
            listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                listener.bind(UnixDomainSocketAddress.of(socket));
                // Whoever slipped in before this line is judged by the user that the kernel names: see admits().
                Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
                owner = Files.getOwner(socket);
            } catch (final IOException | RuntimeException ex) {
                listener.close();
                throw ex;
            }
        } catch (final IOException ex) {
            throw new StoreException("control socket cannot be made: " + socket + ": " + ex.getMessage(), ex);
        }
        acceptor = new Thread(this::accept, "control-accept");
        acceptor.setDaemon(true);
        acceptor.start();
    }

    private void removeStale() throws IOException {
        if (Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
            if (!Files.readAttributes(socket, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                    .isOther()) {
                throw new FileAlreadyExistsException(socket.toString(), null, "it exists and is no socket");
            }
            Files.delete(socket);
        }
    }

    private void accept() {
        while (!closed) {
            try {
                welcome(listener.accept());
            } catch (final ClosedChannelException ex) {
                return;
            } catch (final IOException ex) {
                LOG.warn("control connection not accepted: {}", ex.getMessage());
                pauseAfterFailure();
            }
        }
    }

    /** Out of descriptors, for example: asking again at once would only burn a processor. */
    private static void pauseAfterFailure() {
        try {
            Thread.sleep(100);
        } catch (final InterruptedException ex) {
            Thread.currentThread().interrupt();
        }
    }

    private void welcome(final SocketChannel channel) throws IOException {
        if (!admits(channel) || connections.size() >= CONNECTIONS_MAX) {
            LOG.warn("control connection refused: connections={}", connections.size());
            channel.close();
            return;
        }
        final ControlConnection connection =
                new ControlConnection(channel, executor, ordinal.incrementAndGet(), connections::remove);
        connections.add(connection);
        connection.start();
        if (closed) {
            connection.abandon();
        }
    }

    private boolean admits(final SocketChannel channel) throws IOException {
        final String user =
                channel.getOption(ExtendedSocketOptions.SO_PEERCRED).user().getName();
        return user.equals(owner.getName()) || user.equals("root");
    }

    /** Takes no more commands, abandons those that run, and waits until they have come to an end. Removes the socket. */
    @Override
    public void close() {
        closed = true;
        try {
            listener.close();
            Files.deleteIfExists(socket);
        } catch (final IOException ex) {
            LOG.warn("control socket not removed: {}", ex.getMessage());
        }
        connections.forEach(ControlConnection::abandon);
        awaitAll(FAREWELL_MILLIS);
        connections.forEach(ControlConnection::cut);
        awaitAll(CLOSE_MILLIS_MAX);
    }

    private void awaitAll(final long millisMax) {
        final long deadlineNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millisMax);
        connections.forEach(connection -> connection.await(deadlineNanos));
    }
}
