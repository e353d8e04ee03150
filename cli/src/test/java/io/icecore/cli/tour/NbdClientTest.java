package io.icecore.cli.tour;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Against a server of another project where there is one, and against scripts for what a good server never says. */
@Timeout(20)
class NbdClientTest {
    private static final String GREETING = "4e42444d41474943 49484156454F5054 0003";
    private static final String REPLY = "0003e889045565a9 00000007 ";
    private static final String EXPORT_OF_1_MIB = REPLY + "00000003 0000000c 0000 0000000000100000 0003";
    private static final String ACK = REPLY + "00000001 00000000";
    private static final String OPENED = GREETING + EXPORT_OF_1_MIB + ACK;

    @TempDir
    Path folder;

    private Script script;

    @AfterEach
    void endScript() throws Exception {
        if (script != null) {
            script.end();
        }
    }

    @Test
    void readsBackWhatItWroteToAnotherProjectsServer() throws Exception {
        final ExternalTool qemuNbd = ExternalTool.require("qemu-nbd");
        final Path image = folder.resolve("disk.img");
        Files.write(image, new byte[8 << 20]);
        final byte[] content = new byte[3 << 20]; // Several requests on the way back.
        new Random(1).nextBytes(content);

        final Process server = serve(qemuNbd, "-f", "raw", "-t", "-x", "disk", image.toString());
        try (NbdClient client = connect("disk")) {
            assertThat(client.size()).isEqualTo(8 << 20);
            assertThat(client.readOnly()).isFalse();
            for (int at = 0; at < content.length; at += 1 << 20) {
                client.write(4096 + at, ByteBuffer.wrap(content, at, 1 << 20));
            }
            client.flush();
            final ByteBuffer read = ByteBuffer.allocate(content.length);
            client.read(4096, read);
            assertThat(read.array()).isEqualTo(content);
        } finally {
            stop(server);
        }

        assertThat(ByteBuffer.wrap(Files.readAllBytes(image), 4096, content.length))
                .isEqualTo(ByteBuffer.wrap(content));
    }

    @Test
    void isToldWhenAnExportIsReadOnlyAndGoesOnAfterARefusedWrite() throws Exception {
        final ExternalTool qemuNbd = ExternalTool.require("qemu-nbd");
        final Path image = folder.resolve("disk.img");
        Files.write(image, new byte[1 << 20]);

        final Process server = serve(qemuNbd, "-f", "raw", "-r", "-t", "-x", "disk", image.toString());
        try (NbdClient client = connect("disk")) {
            assertThat(client.readOnly()).isTrue();
            assertThatThrownBy(() -> client.write(0, ByteBuffer.allocate(4096)))
                    .isInstanceOf(NbdClient.RefusedException.class);
            client.read(0, ByteBuffer.allocate(4096));
        } finally {
            stop(server);
        }
    }

    @Test
    void saysThatThereIsNoSuchExport() throws Exception {
        final ExternalTool qemuNbd = ExternalTool.require("qemu-nbd");
        final Path image = folder.resolve("disk.img");
        Files.write(image, new byte[1 << 20]);

        final Process server = serve(qemuNbd, "-f", "raw", "-t", "-x", "disk", image.toString());
        try {
            assertThatThrownBy(() -> connect("other"))
                    .isInstanceOf(NbdClient.RefusedException.class)
                    .hasMessageContaining("other");
        } finally {
            stop(server);
        }
    }

    private Process serve(final ExternalTool qemuNbd, final String... arguments) throws Exception {
        final String[] all = new String[arguments.length + 2];
        all[0] = "-k";
        all[1] = socket().toString();
        System.arraycopy(arguments, 0, all, 2, arguments.length);
        final Process server = qemuNbd.start(folder.resolve("server.txt"), all);
        while (!Files.exists(socket())) {
            assertThat(server.isAlive())
                    .as(() -> "server: " + server.exitValue())
                    .isTrue();
            Thread.sleep(10);
        }
        return server;
    }

    /** What was flushed is in the file, however the server ends. */
    private static void stop(final Process server) throws InterruptedException {
        server.destroyForcibly().waitFor();
    }

    private Path socket() {
        return folder.resolve("nbd.sock");
    }

    private NbdClient connect(final String export) throws IOException {
        return NbdClient.connect(UnixDomainSocketAddress.of(socket()), export);
    }

    // ---- servers that misbehave

    @Test
    void opensAnExportAsTheSpecificationHasIt() throws Exception {
        serveScript(OPENED);
        try (NbdClient client = connect("a")) {
            assertThat(client.size()).isEqualTo(1 << 20);
            assertThat(client.readOnly()).isTrue();
            assertThat(script.received(4 + 16 + 7))
                    .isEqualTo(hex("00000003 49484156454F5054 00000007 00000007 00000001 61 0000"));
        }
    }

    @Test
    void refusesWhatIsNoServer() throws Exception {
        assertConnectFails("5353482d322e302d 4f70656e5353485f 3937", "server magic");
    }

    @Test
    void refusesAServerThatKnowsOnlyTheOldHandshake() throws Exception {
        assertConnectFails("4e42444d41474943 49484156454F5054 0000", "old handshake");
    }

    @Test
    void refusesAnOptionReplyBeyondItsLimitBeforeTakingMemory() throws Exception {
        assertConnectFails(GREETING + REPLY + "00000003 7fffffff", "length: 2147483647");
    }

    @Test
    void refusesAnExportWithoutSize() throws Exception {
        assertConnectFails(GREETING + ACK, "size");
    }

    @Test
    void givesTheReasonOfARefusal() throws Exception {
        assertConnectFails(GREETING + REPLY + "80000006 00000003 676f6e", "gon");
    }

    @Test
    void refusesAReplyToAnotherRequest() throws Exception {
        serveScript(OPENED + "67446698 00000000 0000000000000002");
        try (NbdClient client = connect("a")) {
            assertThatThrownBy(() -> client.read(0, ByteBuffer.allocate(512)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("cookie");
        }
    }

    @Test
    void failsWhenTheServerGoesAway() throws Exception {
        serveScript(OPENED + "67446698 00000000 0000000000000001 0102");
        try (NbdClient client = connect("a")) {
            script.hangUp();
            assertThatThrownBy(() -> client.read(0, ByteBuffer.allocate(512))).isInstanceOf(EOFException.class);
        }
    }

    private void assertConnectFails(final String lines, final String message) throws Exception {
        serveScript(lines);
        assertThatThrownBy(() -> connect("a")).isInstanceOf(IOException.class).hasMessageContaining(message);
    }

    private void serveScript(final String lines) throws IOException {
        script = new Script(hex(lines));
    }

    private static byte[] hex(final String text) {
        return HexFormat.of().parseHex(text.replace(" ", ""));
    }

    /** Says its lines to the first client, whatever that says. */
    private final class Script {
        private final ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        private final Thread thread;
        private volatile SocketChannel client;

        Script(final byte[] lines) throws IOException {
            server.bind(UnixDomainSocketAddress.of(socket()));
            thread = new Thread(() -> say(lines), "script");
            thread.start();
        }

        private void say(final byte[] lines) {
            try {
                final SocketChannel accepted = server.accept();
                accepted.write(ByteBuffer.wrap(lines));
                client = accepted;
            } catch (final IOException ex) {
                throw new UncheckedIOException(ex);
            }
        }

        byte[] received(final int length) throws IOException, InterruptedException {
            thread.join();
            final ByteBuffer bytes = ByteBuffer.allocate(length);
            while (bytes.hasRemaining() && client.read(bytes) >= 0) {
                // Until all of it is there.
            }
            return bytes.array();
        }

        void hangUp() throws IOException, InterruptedException {
            thread.join();
            client.shutdownOutput();
        }

        void end() throws IOException, InterruptedException {
            thread.join();
            client.close();
            server.close();
        }
    }
}
