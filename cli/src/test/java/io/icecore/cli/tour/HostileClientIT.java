package io.icecore.cli.tour;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * NBD clients that break the protocol, against the real daemon: the one is refused or dropped, its neighbour on the same
 * volume notices nothing, and no byte is changed. {@code NbdHandshakeTest} and {@code NbdTransmissionTest} try many more.
 */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HostileClientIT {
    private static final long OPTION_MAGIC = 0x49484156454F5054L;
    private static final int REQUEST_MAGIC = 0x25609513;
    private static final int OPTION_GO = 7;
    private static final int REPLY_UNSUPPORTED = (1 << 31) + 1;
    private static final int READ = 0;
    private static final int WRITE = 1;
    private static final int EINVAL = 22;
    private static final int ENOSPC = 28;
    private static final int SIZE = 1 << 20;

    @TempDir
    static Path folder;

    private Icecore icecore;
    private Icecore.Server server;
    private NbdClient neighbour;
    private final byte[] content = new byte[SIZE];

    @BeforeAll
    void serve() throws Exception {
        final Path store = folder.resolve("ice.store");
        icecore = new Icecore(store, folder);
        icecore.run("store", "create", store.toString(), "--size", "64M");
        icecore.run("volume", "create", "vm1", "--size", Integer.toString(SIZE));
        server = icecore.serve(folder.resolve("nbd"), "vm1");
        neighbour = server.connect("vm1");
        new Random(1).nextBytes(content);
        neighbour.write(0, ByteBuffer.wrap(content));
        neighbour.flush();
    }

    /** Whatever was tried. */
    @AfterEach
    void nothingHasChangedAndTheNeighbourGoesOn() throws Exception {
        final ByteBuffer now = ByteBuffer.allocate(SIZE);
        neighbour.read(0, now);
        assertThat(Arrays.equals(now.array(), content)).as("content unchanged").isTrue();
        neighbour.write(4096, ByteBuffer.wrap(content, 4096, 4096));
        neighbour.flush();
        server.connect("vm1").close();
    }

    @AfterAll
    void stop() throws Exception {
        try {
            neighbour.close();
            assertThat(icecore.run("check")).startsWith("consistent");
            assertThat(server.stop()).isZero();
            assertThat(server.log()).doesNotContain("ERROR").doesNotContain("\tat ");
        } finally {
            icecore.close();
        }
    }

    @Test
    void aWrongMagicAmongTheOptionsEndsTheConnection() throws IOException {
        try (SocketChannel client = greeted()) {
            send(client, ByteBuffer.allocate(16).putLong(0x1122334455667788L).putInt(OPTION_GO));
            assertEnds(client);
        }
    }

    @Test
    void whatIsNoNbdAtAllEndsTheConnection() throws IOException {
        try (SocketChannel client = greeted()) {
            send(
                    client,
                    ByteBuffer.wrap("GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes())
                            .position(27));
            assertEnds(client);
        }
    }

    @Test
    void anUnknownOptionIsRefusedAndTheNextOneHeard() throws IOException {
        try (SocketChannel client = greeted()) {
            sendOption(client, 0x7777, new byte[300]);
            final ByteBuffer reply = receive(client, 20);
            assertThat(reply.getInt(12)).isEqualTo(REPLY_UNSUPPORTED);
            receive(client, reply.getInt(16)); // Why, in words.
            open(client);
        }
    }

    @Test
    void anOptionOfFourGigabytesEndsTheConnection() throws IOException {
        try (SocketChannel client = greeted()) {
            send(
                    client,
                    ByteBuffer.allocate(16)
                            .putLong(OPTION_MAGIC)
                            .putInt(OPTION_GO)
                            .putInt(-1));
            assertEnds(client);
        }
    }

    @Test
    void requestsPastTheEndAreRefusedAndTheNextOneServed() throws IOException {
        try (SocketChannel client = opened()) {
            request(client, READ, SIZE - 4095, 4096);
            assertThat(errorOf(client)).isEqualTo(EINVAL);
            request(client, WRITE, SIZE, 4096);
            send(client, ByteBuffer.allocate(4096).position(4096));
            assertThat(errorOf(client)).isEqualTo(ENOSPC);
            request(client, READ, Long.MAX_VALUE - 100, 4096);
            assertThat(errorOf(client)).isEqualTo(EINVAL);
            request(client, READ, -4096, 4096);
            assertThat(errorOf(client)).isEqualTo(EINVAL);
            request(client, READ, 0, 4096);
            assertThat(errorOf(client)).isZero();
            assertThat(receive(client, 4096).array()).isEqualTo(Arrays.copyOf(content, 4096));
        }
    }

    @Test
    void aWriteOfWhichHalfArrivesChangesNothing() throws IOException {
        for (int round = 0; round < 20; round++) {
            try (SocketChannel client = opened()) {
                request(client, WRITE, 0, 1 << 20);
                send(client, ByteBuffer.allocate(500_000).position(500_000));
            }
        }
    }

    @Test
    void aWrongMagicAmongTheRequestsEndsTheConnection() throws IOException {
        try (SocketChannel client = opened()) {
            send(client, ByteBuffer.allocate(28).putInt(0x12345678).position(28));
            assertEnds(client);
        }
    }

    @Test
    void aWriteLongerThanTheServerTakesChangesNothing() throws IOException {
        try (SocketChannel client = opened()) {
            request(client, WRITE, 0, -1);
            final ByteBuffer reply = ByteBuffer.allocate(16);
            client.shutdownOutput();
            while (reply.hasRemaining() && client.read(reply) >= 0) {
                // An error, or the end: either is an answer.
            }
            assertThat(reply.getInt(4)).as("error, unless the connection ended").isIn(0, EINVAL);
        }
    }

    // ----

    private SocketChannel greeted() throws IOException {
        final SocketChannel client = SocketChannel.open(StandardProtocolFamily.UNIX);
        client.connect(UnixDomainSocketAddress.of(folder.resolve("nbd")));
        receive(client, 18);
        send(client, ByteBuffer.allocate(4).putInt(3));
        return client;
    }

    private SocketChannel opened() throws IOException {
        final SocketChannel client = greeted();
        open(client);
        return client;
    }

    private static void open(final SocketChannel client) throws IOException {
        final ByteBuffer name =
                ByteBuffer.allocate(9).putInt(3).put("vm1".getBytes()).putShort((short) 0);
        sendOption(client, OPTION_GO, name.array());
        int type = 0;
        while (type != 1) {
            final ByteBuffer reply = receive(client, 20);
            type = reply.getInt(12);
            assertThat(type).as("reply to GO").isPositive();
            receive(client, reply.getInt(16));
        }
    }

    private static void sendOption(final SocketChannel client, final int option, final byte[] data) throws IOException {
        send(
                client,
                ByteBuffer.allocate(16 + data.length)
                        .putLong(OPTION_MAGIC)
                        .putInt(option)
                        .putInt(data.length)
                        .put(data));
    }

    private static void request(final SocketChannel client, final int type, final long offset, final int length)
            throws IOException {
        send(
                client,
                ByteBuffer.allocate(28)
                        .putInt(REQUEST_MAGIC)
                        .putShort((short) 0)
                        .putShort((short) type)
                        .putLong(1)
                        .putLong(offset)
                        .putInt(length));
    }

    private static int errorOf(final SocketChannel client) throws IOException {
        return receive(client, 16).getInt(4);
    }

    /** Sends what has been put. */
    private static void send(final SocketChannel client, final ByteBuffer source) throws IOException {
        source.flip();
        while (source.hasRemaining()) {
            client.write(source);
        }
    }

    private static ByteBuffer receive(final SocketChannel client, final int length) throws IOException {
        final ByteBuffer target = ByteBuffer.allocate(length);
        while (target.hasRemaining()) {
            assertThat(client.read(target)).as("end of the connection").isNotNegative();
        }
        return target;
    }

    private static void assertEnds(final SocketChannel client) throws IOException {
        final ByteBuffer rest = ByteBuffer.allocate(64 << 10);
        int count = 0;
        try {
            while (count >= 0) {
                count = client.read(rest.clear());
            }
        } catch (final IOException ex) {
            assertThat(ex).hasMessageContaining("reset"); // As good an end as any.
        }
    }
}
