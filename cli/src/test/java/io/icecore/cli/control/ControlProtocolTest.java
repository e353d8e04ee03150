package io.icecore.cli.control;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.device.StoreException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class ControlProtocolTest {
    private static final InputStream NO_INPUT = InputStream.nullInputStream();

    @TempDir
    private Path directory;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @Test
    void carriesTheCommandThereAndOutputAndExitCodeBack() throws IOException {
        final AtomicReference<ControlRequest> received = new AtomicReference<>();
        try (ControlServer server = serve((request, streams) -> {
                    received.set(request);
                    write(streams.out(), "to out\n");
                    write(streams.err(), "to err\n");
                    return 5;
                });
                ControlClient client = connect()) {
            final ControlRequest request = new ControlRequest(
                    List.of("volume", "list", "ä€"), "/home/x", "Europe/Berlin", 132, true, false, true);

            assertThat(client.run(request, NO_INPUT, out, err)).isEqualTo(5);

            assertThat(received.get()).isEqualTo(request);
            assertThat(out.toString(UTF_8)).isEqualTo("to out\n");
            assertThat(err.toString(UTF_8)).isEqualTo("to err\n");
            assertThat(server).isNotNull();
        }
    }

    @Test
    void streamsInputAndOutputLargerThanAnyFrame() throws IOException {
        final byte[] input = new byte[3 * Frame.PAYLOAD_LENGTH_MAX + 17];
        new Random(1).nextBytes(input);
        try (ControlServer server = serve((request, streams) -> {
                    copy(streams.in(), streams.out());
                    return 0;
                });
                ControlClient client = connect()) {
            assertThat(client.run(request("x"), new ByteArrayInputStream(input), out, err))
                    .isZero();

            assertThat(out.toByteArray()).isEqualTo(input);
            assertThat(server).isNotNull();
        }
    }

    @Test
    void leavesTheInputOfACommandThatDoesNotReadItAlone() throws IOException {
        try (ControlServer server = serve((request, streams) -> 0);
                ControlClient client = connect()) {
            final ByteArrayInputStream input = new ByteArrayInputStream(new byte[100]);

            client.run(request("x"), input, out, err);

            assertThat(input.available()).isEqualTo(100);
            assertThat(server).isNotNull();
        }
    }

    @Test
    void tellsTheCommandThatItsClientWentAway() throws Exception {
        final CountDownLatch running = new CountDownLatch(1);
        final CountDownLatch abandoned = new CountDownLatch(1);
        try (ControlServer server = serve((request, streams) -> {
            streams.onAbandoned().accept(abandoned::countDown);
            running.countDown();
            await(abandoned);
            return 0;
        })) {
            final SocketChannel channel = rawConnection();
            Frame.write(channel, Frame.Type.REQUEST, request("x").encode());
            running.await();
            channel.close();

            assertThat(abandoned.await(10, TimeUnit.SECONDS)).isTrue();
            assertThat(server).isNotNull();
        }
    }

    @Test
    void doesNotTakeALostClientForTheEndOfItsInput() throws Exception {
        final AtomicReference<Object> outcome = new AtomicReference<>();
        final CountDownLatch done = new CountDownLatch(1);
        try (ControlServer server = serve((request, streams) -> {
            try {
                outcome.set(streams.in().read(new byte[10]));
            } catch (final IOException ex) {
                outcome.set(ex);
            }
            done.countDown();
            return 0;
        })) {
            final SocketChannel channel = rawConnection();
            Frame.write(channel, Frame.Type.REQUEST, request("x").encode());
            assertThat(Frame.read(channel).type()).isEqualTo(Frame.Type.WANT_IN);
            channel.close();

            assertThat(done.await(10, TimeUnit.SECONDS)).isTrue();
            assertThat(outcome.get()).isInstanceOf(IOException.class);
            assertThat(server).isNotNull();
        }
    }

    @Test
    void survivesEveryKindOfGarbageAndServesTheNextClient() throws IOException {
        final byte[][] garbage = {
            {},
            {0, 0},
            {0x7F, 0, 0, 0, 1}, // a frame of 2 GiB
            {-1, -1, -1, -1, 1}, // of a negative length
            {0, 0, 0, 0, 99}, // of an unknown type
            {0, 0, 0, 0, 2}, // input that nobody asked for
            {0, 0, 0, 2, 1, 0, 1}, // a request that ends too early
            {0, 0, 0, 2, 1, 9, 9}, // of another version
            {0, 0, 0, 12, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0x7F, -1, -1, -1}, // with a text of 2 GiB
        };
        try (ControlServer server = serve((request, streams) -> 0)) {
            for (final byte[] bytes : garbage) {
                try (SocketChannel channel = rawConnection()) {
                    channel.write(ByteBuffer.wrap(bytes));
                    channel.shutdownOutput();
                    while (channel.read(ByteBuffer.allocate(1000)) >= 0) {
                        // Until the server has had enough.
                    }
                }
            }
            try (ControlClient client = connect()) {
                assertThat(client.run(request("x"), NO_INPUT, out, err)).isZero();
            }
            assertThat(server).isNotNull();
        }
    }

    @Test
    void refusesInputThatWasNotAskedFor() throws Exception {
        final CountDownLatch abandoned = new CountDownLatch(1);
        try (ControlServer server = serve((request, streams) -> {
                    streams.onAbandoned().accept(abandoned::countDown);
                    await(abandoned);
                    return 0;
                });
                SocketChannel channel = rawConnection()) {
            Frame.write(channel, Frame.Type.REQUEST, request("x").encode());
            Frame.write(channel, Frame.Type.IN, new byte[10]);

            assertThat(abandoned.await(10, TimeUnit.SECONDS)).isTrue();
            assertThat(server).isNotNull();
        }
    }

    @Test
    void refusesMoreClientsThanItHasPlacesAndTakesThemAgainLater() throws Exception {
        final CountDownLatch release = new CountDownLatch(1);
        final CountDownLatch running = new CountDownLatch(ControlServer.CONNECTIONS_MAX);
        final SocketChannel[] channels = new SocketChannel[ControlServer.CONNECTIONS_MAX];
        try (ControlServer server = serve((request, streams) -> {
            running.countDown();
            await(release);
            return 0;
        })) {
            for (int i = 0; i < channels.length; i++) {
                channels[i] = rawConnection();
                Frame.write(channels[i], Frame.Type.REQUEST, request("x").encode());
            }
            running.await();
            try (SocketChannel refused = rawConnection()) {
                assertThat(Frame.read(refused)).isNull();
            }

            release.countDown();
            for (final SocketChannel channel : channels) {
                assertThat(Frame.read(channel).type()).isEqualTo(Frame.Type.EXIT);
                assertThat(Frame.read(channel)).isNull();
                channel.close();
            }
            try (ControlClient client = connect()) {
                assertThat(client.run(request("x"), NO_INPUT, out, err)).isZero();
            }
            assertThat(server).isNotNull();
        }
    }

    @Test
    void closingEndsACommandWhoseClientDoesNotReadItsOutput() throws Exception {
        final CountDownLatch running = new CountDownLatch(1);
        final CountDownLatch ended = new CountDownLatch(1);
        final ControlServer server = serve((request, streams) -> {
            running.countDown();
            try {
                while (true) {
                    streams.out().write(new byte[Frame.PAYLOAD_LENGTH_MAX]);
                }
            } catch (final IOException ex) {
                ended.countDown();
                return 1;
            }
        });
        try (SocketChannel channel = rawConnection()) {
            Frame.write(channel, Frame.Type.REQUEST, request("x").encode());
            running.await();

            server.close();

            assertThat(ended.getCount()).isZero();
            assertThat(channel.isOpen()).isTrue();
        }
    }

    @Test
    void closingWaitsForNobodyWhoHasNotSaidWhatHeWants() throws Exception {
        final ControlServer server = serve((request, streams) -> 0);
        final SocketChannel[] silent = new SocketChannel[20];
        for (int i = 0; i < silent.length; i++) {
            silent[i] = rawConnection();
        }
        final long begin = System.nanoTime();

        server.close();

        assertThat(System.nanoTime() - begin).isLessThan(TimeUnit.SECONDS.toNanos(2));
        for (final SocketChannel channel : silent) {
            channel.close();
        }
    }

    @Test
    void theSocketIsItsOwnersAloneAndGoesWithTheServer() throws IOException {
        final ControlServer server = serve((request, streams) -> 0);

        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())))
                .isEqualTo("rw-------");

        server.close();
        assertThat(socket()).doesNotExist();
        assertThat(ControlClient.connect(socket())).isNull();
    }

    @Test
    void replacesASocketThatAKilledDaemonLeftBehind() throws IOException {
        try (ServerSocketChannel left = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            left.bind(UnixDomainSocketAddress.of(socket()));
        }
        assertThat(ControlClient.connect(socket())).isNull();

        try (ControlServer server = serve((request, streams) -> 0);
                ControlClient client = connect()) {
            assertThat(client.run(request("x"), NO_INPUT, out, err)).isZero();
            assertThat(server).isNotNull();
        }
    }

    @Test
    void leavesAFileThatIsNoSocketAlone() throws IOException {
        Files.writeString(socket(), "precious");

        assertThatThrownBy(() -> serve((request, streams) -> 0))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining(socket().toString());

        assertThat(socket()).hasContent("precious");
    }

    @Test
    void refusesACommandLineThatFitsNoFrame() throws IOException {
        final ControlRequest request = request("x".repeat(Frame.PAYLOAD_LENGTH_MAX));

        assertThatThrownBy(request::encode).isInstanceOf(IOException.class).hasMessageContaining("command line");
    }

    private Path socket() {
        return directory.resolve("s.sock");
    }

    private ControlServer serve(final CommandExecutor executor) {
        return new ControlServer(socket(), executor);
    }

    private ControlClient connect() throws IOException {
        return ControlClient.connect(socket());
    }

    private SocketChannel rawConnection() throws IOException {
        final SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket()));
        return channel;
    }

    private static ControlRequest request(final String... arguments) {
        return new ControlRequest(List.of(arguments), "/", "UTC", 0, false, false, false);
    }

    private static void write(final OutputStream target, final String text) {
        try {
            target.write(text.getBytes(UTF_8));
        } catch (final IOException ex) {
            throw new AssertionError(ex);
        }
    }

    private static void copy(final InputStream source, final OutputStream target) {
        try {
            source.transferTo(target);
        } catch (final IOException ex) {
            throw new AssertionError(ex);
        }
    }

    private static void await(final CountDownLatch latch) {
        try {
            latch.await();
        } catch (final InterruptedException ex) {
            throw new AssertionError(ex);
        }
    }
}
