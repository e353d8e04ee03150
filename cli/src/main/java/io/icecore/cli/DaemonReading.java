package io.icecore.cli;

import io.icecore.cli.control.ControlClient;
import io.icecore.cli.control.ControlRequest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the daemon that holds a store to reuse nothing while a command of this process reads it block by block. Without a
 * daemon nothing is promised. See {@link ReadingCommand} for the other end.
 */
final class DaemonReading implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DaemonReading.class);
    private static final int QUESTION = '?';
    private static final int END = -1;

    /** A daemon that hangs is no reason for a check to hang too. */
    private static final int ANSWER_SECONDS_MAX = 5;

    private final BlockingQueue<Integer> questions = new ArrayBlockingQueue<>(2);
    private final BlockingQueue<Integer> answers = new ArrayBlockingQueue<>(2);
    private final ControlClient daemon;
    private boolean ended;

    private DaemonReading(final ControlClient daemon) {
        this.daemon = daemon;
    }

    /** Returns when the daemon has promised, if there is one. */
    static DaemonReading begin(final Console console, final StoreLocation location) {
        final DaemonReading reading = new DaemonReading(connect(location));
        if (reading.daemon == null) {
            reading.ended = true;
        } else {
            final Thread thread =
                    new Thread(() -> reading.run(console.request(List.of(CommandTable.READING))), "reading");
            thread.setDaemon(true);
            thread.start();
            reading.awaitAnswer();
        }
        return reading;
    }

    private static ControlClient connect(final StoreLocation location) {
        try {
            final ControlClient daemon = ControlClient.connect(location.controlSocket());
            return daemon != null ? daemon : ControlClient.connect(location.controlSocketOfTarget());
        } catch (final IOException ex) {
            LOG.debug("no daemon asked: {}", ex.getMessage());
            return null;
        }
    }

    private void run(final ControlRequest request) {
        try (daemon) {
            daemon.run(request, new Questions(), new Answers(), OutputStream.nullOutputStream());
        } catch (final IOException ex) {
            LOG.debug("daemon is gone: {}", ex.getMessage());
        } finally {
            answers.offer(END);
        }
    }

    /** Whether no block has been reused since this began. */
    synchronized boolean undisturbed() {
        if (ended || !questions.offer(QUESTION)) {
            return false;
        }
        return awaitAnswer();
    }

    private boolean awaitAnswer() {
        try {
            final Integer answer = answers.poll(ANSWER_SECONDS_MAX, TimeUnit.SECONDS);
            ended = answer == null || answer != ReadingCommand.UNDISTURBED;
        } catch (final InterruptedException ex) {
            Thread.currentThread().interrupt();
            ended = true;
        }
        return !ended;
    }

    @Override
    public void close() {
        questions.offer(END);
    }

    /** What the daemon reads. */
    private final class Questions extends InputStream {
        @Override
        public int read() throws IOException {
            try {
                return questions.take();
            } catch (final InterruptedException ex) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted", ex);
            }
        }

        @Override
        public int read(final byte[] target, final int index, final int length) throws IOException {
            final int question = read(); // One at a time: each is to be answered.
            if (question == END) {
                return END;
            }
            target[index] = (byte) question;
            return 1;
        }
    }

    private final class Answers extends OutputStream {
        @Override
        public void write(final int answer) {
            answers.offer(answer);
        }
    }
}
