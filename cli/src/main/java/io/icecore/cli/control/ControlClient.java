package io.icecore.cli.control;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/** The end of the control protocol that a person sits at. */
public final class ControlClient implements AutoCloseable {
    private final SocketChannel channel;

    private ControlClient(final SocketChannel channel) {
        this.channel = channel;
    }

    /** Connects to the daemon that listens on this socket; null when none does. */
    public static ControlClient connect(final Path socket) throws IOException {
        if (!Files.exists(socket)) {
            return null;
        }
        final SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
            return new ControlClient(channel);
        } catch (final ConnectException ex) {
            channel.close();
            return null; // A socket that a killed daemon left behind.
        } catch (final IOException | RuntimeException ex) {
            channel.close();
            throw ex;
        }
    }

    /** Has the daemon run the command, passes its output on, and returns its exit code. */
    public int run(final ControlRequest request, final InputStream in, final OutputStream out, final OutputStream err)
            throws IOException {
        Frame.write(channel, Frame.Type.REQUEST, request.encode());
        while (true) {
            final Frame frame = Frame.read(channel);
            if (frame == null) {
                throw new IOException("daemon went away before the command was done");
            }
            switch (frame.type()) {
                case OUT -> pass(frame, out);
                case ERR -> pass(frame, err);
                case WANT_IN -> {
                    final byte[] bytes = new byte[Frame.PAYLOAD_LENGTH_MAX];
                    Frame.write(channel, Frame.Type.IN, bytes, 0, Math.max(0, in.read(bytes)));
                }
                case EXIT -> {
                    if (frame.payload().remaining() != Integer.BYTES) {
                        throw new IOException(
                                "control frame: exit code of " + frame.payload().remaining() + " bytes");
                    }
                    return frame.payload().getInt();
                }
                default -> throw new IOException("control frame: " + frame.type() + " from the daemon");
            }
        }
    }

    private static void pass(final Frame frame, final OutputStream target) throws IOException {
        target.write(frame.payload().array(), 0, frame.payload().remaining());
        target.flush();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
