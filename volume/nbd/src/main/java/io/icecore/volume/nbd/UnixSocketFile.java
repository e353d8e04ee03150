package io.icecore.volume.nbd;

import java.io.IOException;
import java.net.BindException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file of a listening Unix-domain socket, which the system leaves to us: it is made for everybody to connect to, it
 * outlives its socket, and it is in the way of the next one.
 *
 * <p>The socket is bound inside a directory of its own that nobody else can enter, gets mode 0600 there and is then moved
 * to its place. So there is no moment at which somebody else could connect, nor one at which the path is missing.
 */
final class UnixSocketFile implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(UnixSocketFile.class);

    private static final int NAME_LENGTH = 4;

    private final Path path;
    private final Object fileKey;

    private UnixSocketFile(final Path path, final Object fileKey) {
        this.path = path;
        this.fileKey = fileKey;
    }

    /**
     * Binds {@code channel} to {@code path}. A file left by a socket that nobody listens on any more is replaced.
     *
     * @throws BindException when somebody listens there, or when what is there is no socket
     */
    static UnixSocketFile bind(final ServerSocketChannel channel, final Path path) throws IOException {
        refuseUnlessStale(path);
        final Path parent = path.toAbsolutePath().getParent();
        final Path directory = Files.createDirectory(
                parent.resolve("." + UUID.randomUUID().toString().substring(0, NAME_LENGTH)),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        final Path bound = directory.resolve("s");
        try {
            channel.bind(UnixDomainSocketAddress.of(bound));
            Files.setPosixFilePermissions(bound, PosixFilePermissions.fromString("rw-------"));
            final Object fileKey = fileKey(bound);
            Files.move(bound, path, StandardCopyOption.ATOMIC_MOVE);
            return new UnixSocketFile(path, fileKey);
        } finally {
            Files.deleteIfExists(bound);
            Files.delete(directory);
        }
    }

    private static void refuseUnlessStale(final Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (!Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .isOther()) {
            throw new BindException("not a socket: " + path);
        }
        if (isListenedOn(path)) {
            throw new BindException("another server listens there: " + path);
        }
        LOG.info("replaced a socket file that nobody listens on: path={}", path);
    }

    private static boolean isListenedOn(final Path path) {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.configureBlocking(false); // A full backlog would block, and is an answer as well.
            channel.connect(UnixDomainSocketAddress.of(path));
            return true;
        } catch (final IOException ex) {
            LOG.debug("nobody listens: path={} problem={}", path, ex.toString());
            return false;
        }
    }

    private static Object fileKey(final Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .fileKey();
    }

    Path path() {
        return path;
    }

    /** Removes the file, unless somebody else's stands there now. */
    @Override
    public void close() {
        try {
            if (Files.exists(path, LinkOption.NOFOLLOW_LINKS) && fileKey.equals(fileKey(path))) {
                Files.delete(path);
            }
        } catch (final IOException ex) {
            LOG.warn("could not remove a socket file: path={} problem={}", path, ex.toString());
        }
    }
}
