package io.icecore.volume.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class AwakeReaderTest {
    private static final long TICK_NANOS = 1_000;

    @TempDir
    private Path directory;

    /** Each look takes a microsecond, so that what is said here does not depend on how fast the machine is. */
    private final AtomicLong now = new AtomicLong();

    private SocketChannel client;
    private SocketChannel server;
    private AwakeReader reader;

    @BeforeEach
    void connect() throws IOException {
        final UnixDomainSocketAddress address = UnixDomainSocketAddress.of(directory.resolve("socket"));
        try (ServerSocketChannel listening = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listening.bind(address);
            client = SocketChannel.open(address);
            server = listening.accept();
        }
        reader = new AwakeReader(server, () -> now.getAndAdd(TICK_NANOS));
    }

    @AfterEach
    void close() throws IOException {
        client.close();
        reader.close();
    }

    @Test
    void readsWhatComesWhetherAwakeOrAsleep() throws IOException {
        for (int i = 1; i <= 100; i++) {
            send(i);
            assertThat(receive()).isEqualTo(i);
        }
        assertThat(server.isBlocking()).isTrue();
    }

    @Test
    void sleepsWhenTheClientTakesLongerThanUsual() throws Exception {
        becomeAttentive();
        final Thread late = new Thread(() -> {
            try {
                Thread.sleep(200); // Several thousand looks.
                send(7);
            } catch (final IOException | InterruptedException ex) {
                throw new IllegalStateException(ex);
            }
        });
        late.start();
        final long before = now.get();

        assertThat(receive()).isEqualTo(7);

        late.join();
        assertThat(now.get() - before).as("looks, in nanoseconds").isLessThan(1000 * TICK_NANOS);
        assertThat(server.isBlocking()).isTrue();
    }

    @Test
    void findsTheEnd() throws IOException {
        becomeAttentive();
        client.close();

        assertThat(reader.read(ByteBuffer.allocate(1))).isEqualTo(-1);
    }

    @Test
    void isWokenOutOfItsReadWhenItIsClosed() throws Exception {
        becomeAttentive();
        final Thread closing = new Thread(() -> {
            try {
                Thread.sleep(50);
                server.close();
            } catch (final IOException | InterruptedException ex) {
                throw new IllegalStateException(ex);
            }
        });
        closing.start();

        assertThatThrownBy(() -> reader.read(ByteBuffer.allocate(1))).isInstanceOf(ClosedChannelException.class);

        closing.join();
    }

    private void becomeAttentive() throws IOException {
        for (int i = 0; i < 50; i++) {
            send(i);
            assertThat(receive()).isEqualTo(i);
        }
    }

    private void send(final int value) throws IOException {
        client.write(ByteBuffer.wrap(new byte[] {(byte) value}));
    }

    private int receive() throws IOException {
        final ByteBuffer target = ByteBuffer.allocate(1);
        assertThat(reader.read(target)).isEqualTo(1);
        return target.get(0);
    }
}
