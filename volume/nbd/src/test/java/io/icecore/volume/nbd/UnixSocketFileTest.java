package io.icecore.volume.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.BindException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnixSocketFileTest {
    @TempDir
    private Path directory;

    @Test
    void makesASocketForItsOwnerAlone() throws IOException {
        final Path path = directory.resolve("s");
        try (ServerSocketChannel channel = open();
                UnixSocketFile file = UnixSocketFile.bind(channel, path)) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file.path())))
                    .isEqualTo("rw-------");
            assertThat(canConnect(path)).isTrue();
            assertThat(entries()).as("nothing else is left").isEqualTo(1);
        }
        assertThat(path).doesNotExist();
    }

    @Test
    void replacesWhatADeadServerLeft() throws IOException {
        final Path path = directory.resolve("s");
        try (ServerSocketChannel dead = open()) {
            dead.bind(UnixDomainSocketAddress.of(path));
        }
        assertThat(Files.exists(path)).isTrue();

        try (ServerSocketChannel channel = open();
                UnixSocketFile file = UnixSocketFile.bind(channel, path)) {
            assertThat(canConnect(file.path())).isTrue();
        }
    }

    @Test
    void refusesToPushOutALiveServer() throws IOException {
        final Path path = directory.resolve("s");
        try (ServerSocketChannel live = open();
                UnixSocketFile file = UnixSocketFile.bind(live, path);
                ServerSocketChannel second = open()) {
            assertThatThrownBy(() -> UnixSocketFile.bind(second, file.path()))
                    .isInstanceOf(BindException.class)
                    .hasMessage("another server listens there: " + path);
            assertThat(canConnect(path)).isTrue();
        }
    }

    @Test
    void refusesToReplaceWhatIsNoSocket() throws IOException {
        final Path path = Files.writeString(directory.resolve("s"), "precious");
        try (ServerSocketChannel channel = open()) {
            assertThatThrownBy(() -> UnixSocketFile.bind(channel, path))
                    .isInstanceOf(BindException.class)
                    .hasMessage("not a socket: " + path);
        }
        assertThat(path).hasContent("precious");
    }

    @Test
    void leavesASocketAloneThatHasTakenItsPlace() throws IOException {
        final Path path = directory.resolve("s");
        try (ServerSocketChannel first = open();
                ServerSocketChannel second = open()) {
            final UnixSocketFile old = UnixSocketFile.bind(first, path);
            Files.delete(path);
            try (UnixSocketFile current = UnixSocketFile.bind(second, path)) {
                old.close();
                assertThat(canConnect(current.path())).isTrue();
            }
        }
    }

    private static ServerSocketChannel open() throws IOException {
        return ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    }

    private static boolean canConnect(final Path path) throws IOException {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            return channel.isConnected();
        }
    }

    private long entries() throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.count();
        }
    }
}
