package io.icecore.cli.control;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client of the {@link ControlServer}: a thread that listens to it, so that its going away is noticed at once, and a
 * thread that runs its command. Only the second one writes.
 */
final class ControlConnection {
    private static final Logger LOG = LoggerFactory.getLogger(ControlConnection.class);

    /** Stands in the queue of input for a client that is gone. */
    private static final ByteBuffer GONE = ByteBuffer.allocate(0);

    private final SocketChannel channel;
    private final CommandExecutor executor;
    private final Consumer<ControlConnection> onEnd;
    private final Thread listener;
    private final Thread command;
    private final BlockingQueue<ByteBuffer> input = new ArrayBlockingQueue<>(2);
    private final List<Runnable> onAbandoned = new ArrayList<>();
    private ControlRequest request;
    private boolean inputWanted;
    private boolean started;
    private boolean abandoned;

    ControlConnection(
            final SocketChannel channel,
            final CommandExecutor executor,
            final int ordinal,
            final Consumer<ControlConnection> onEnd) {
        this.channel = channel;
        this.executor = executor;
        this.onEnd = onEnd;
        listener = new Thread(this::listen, "control-" + ordinal + "-listen");
        command = new Thread(this::execute, "control-" + ordinal);
        listener.setDaemon(true);
        command.setDaemon(true);
    }

    void start() {
        listener.start();
    }

    // ---- the listening thread

    private void listen() {
        try {
            final Frame first = Frame.read(channel);
            if (first == null) {
                end();
                return;
            }
            request = requestOf(first);
        } catch (final IOException ex) {
            refuse(ex.getMessage());
            end();
            return;
        }
        if (!startCommand()) {
            end();
            return;
        }
        try {
            for (Frame frame = Frame.read(channel); frame != null; frame = Frame.read(channel)) {
                takeInput(frame);
            }
        } catch (final IOException ex) {
            LOG.debug("control client lost: {}", ex.getMessage());
        }
        abandon();
    }

    private synchronized boolean startCommand() {
        if (abandoned) {
            return false;
        }
        command.start();
        started = true;
        return true;
    }

    private static ControlRequest requestOf(final Frame frame) throws IOException {
        if (frame.type() != Frame.Type.REQUEST) {
            throw new IOException("control frame: " + frame.type() + " (expected: " + Frame.Type.REQUEST + ")");
        }
        return ControlRequest.decode(frame.payload());
    }

    private synchronized void takeInput(final Frame frame) throws IOException {
        if (frame.type() != Frame.Type.IN || !inputWanted) {
            throw new IOException("control frame: " + frame.type() + " that was not asked for");
        }
        inputWanted = false;
        input.add(frame.payload());
    }

    private void refuse(final String problem) {
        LOG.warn("control request refused: {}", problem);
        try {
            Frame.write(channel, Frame.Type.ERR, ("icecore: " + problem + "\n").getBytes(StandardCharsets.UTF_8));
            Frame.write(channel, Frame.Type.EXIT, exit(1));
        } catch (final IOException ex) {
            LOG.debug("control client lost: {}", ex.getMessage());
        }
    }

    // ---- the thread of the command

    private void execute() {
        try {
            final ControlStreams streams = new ControlStreams(
                    new ClientInput(),
                    new ClientOutput(Frame.Type.OUT),
                    new ClientOutput(Frame.Type.ERR),
                    this::onAbandoned);
            final int code = executor.execute(request, streams);
            Frame.write(channel, Frame.Type.EXIT, exit(code));
        } catch (final IOException ex) {
            LOG.debug("control client lost: {}", ex.getMessage());
        } catch (final RuntimeException ex) {
            refuse(ex.getMessage()); // A time zone or directory that does not exist here, for example.
        } finally {
            end();
        }
    }

    private static byte[] exit(final int code) {
        return ByteBuffer.allocate(Integer.BYTES).putInt(code).array();
    }

    private void end() {
        cut();
        onEnd.accept(this);
    }

    // ---- any thread

    private void onAbandoned(final Runnable action) {
        synchronized (this) {
            if (!abandoned) {
                onAbandoned.add(action);
                return;
            }
        }
        action.run();
    }

    /** Nobody waits for this command any more. */
    void abandon() {
        final List<Runnable> actions;
        synchronized (this) {
            if (abandoned) {
                return;
            }
            abandoned = true;
            if (!started) {
                cut(); // It has not even said what it wants.
            }
            actions = List.copyOf(onAbandoned);
            input.add(GONE); // Room for one frame that was asked for, and for this.
        }
        actions.forEach(Runnable::run);
    }

    void cut() {
        try {
            channel.close();
        } catch (final IOException ex) {
            LOG.debug("control connection not closed: {}", ex.getMessage());
        }
    }

    /** Waits for both threads until this time of {@link System#nanoTime}. */
    void await(final long deadlineNanos) {
        try {
            TimeUnit.NANOSECONDS.timedJoin(command, deadlineNanos - System.nanoTime());
            TimeUnit.NANOSECONDS.timedJoin(listener, deadlineNanos - System.nanoTime());
        } catch (final InterruptedException ex) {
            Thread.currentThread().interrupt();
        }
    }

    /** The client's standard input, asked for a frame at a time. */
    private final class ClientInput extends InputStream {
        private ByteBuffer current = ByteBuffer.allocate(0);
        private boolean ended;

        @Override
        public int read() throws IOException {
            final byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
        }

        @Override
        public int read(final byte[] target, final int index, final int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            if (!current.hasRemaining() && !next()) {
                return -1;
            }
            final int count = Math.min(length, current.remaining());
            current.get(target, index, count);
            return count;
        }

        private boolean next() throws IOException {
            if (ended) {
                return false;
            }
            synchronized (ControlConnection.this) {
                inputWanted = true;
            }
            Frame.write(channel, Frame.Type.WANT_IN, new byte[0]);
            try {
                current = input.take();
            } catch (final InterruptedException ex) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted", ex);
            }
            if (current == GONE) {
                throw new IOException("interrupted"); // Not an end of input: what was read so far is not all.
            }
            ended = !current.hasRemaining();
            return !ended;
        }
    }

    /** The client's standard output or standard error. */
    private final class ClientOutput extends OutputStream {
        private final Frame.Type type;

        ClientOutput(final Frame.Type type) {
            this.type = type;
        }

        @Override
        public void write(final int oneByte) throws IOException {
            write(new byte[] {(byte) oneByte}, 0, 1);
        }

        @Override
        public void write(final byte[] bytes, final int index, final int length) throws IOException {
            for (int from = 0; from < length; from += Frame.PAYLOAD_LENGTH_MAX) {
                final int count = Math.min(Frame.PAYLOAD_LENGTH_MAX, length - from);
                Frame.write(channel, type, bytes, index + from, count);
            }
        }
    }
}
