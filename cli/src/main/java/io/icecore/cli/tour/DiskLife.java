package io.icecore.cli.tour;

import static io.icecore.cli.tour.WriteRecord.CHUNK_LENGTH;

import io.icecore.cli.tour.ext2.Ext2Reader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Clock;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The life of a disk: a thread that keeps a diary and measurements on it over NBD, until it is told to stop or the disk is
 * gone.
 *
 * <p>One write at a time, each of one chunk, each noted in the {@link WriteRecord} before it is sent. A flush every
 * {@value #BEATS_PER_FLUSH} beats, as databases and file systems do.
 */
final class DiskLife {
    static final String MEASUREMENTS_PATH = "home/measurements.dat";

    private static final int BEAT_MILLIS = 20;
    private static final int BEATS_PER_LINE = 5;
    private static final int BEATS_PER_FLUSH = 12;
    private static final int MEASUREMENTS_PER_BEAT = 2;
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss.SSS");

    private final NbdClient disk;
    private final WriteRecord record;
    private final Clock clock;
    private final ZoneId zone;
    private final Diary diary;
    private final int[] measurements;
    private final Random random = new Random(20261123);
    private final ReentrantLock awake = new ReentrantLock();
    private final Condition stopRequested = awake.newCondition();
    private final Thread thread = new Thread(this::live, "life of the disk");
    /** State of the disk from which on the diary has so many lines. */
    private final NavigableMap<Integer, Integer> diaryLines = new TreeMap<>();

    private int lines;
    private boolean stopped;
    private IOException end;

    DiskLife(final NbdClient disk, final WriteRecord record, final Clock clock, final ZoneId zone) throws IOException {
        this.disk = disk;
        this.record = record;
        this.clock = clock;
        this.zone = zone;
        diary = new Diary(disk::read, this::write);
        diaryLines.put(0, 0);
        measurements = new Ext2Reader(disk::read).find(MEASUREMENTS_PATH).blocks();
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** Work that the caller does while the disk holds still: everything sent has been answered. */
    @FunctionalInterface
    interface Quiet<T> {
        T call() throws IOException, InterruptedException;
    }

    <T> T pause(final Quiet<T> work) throws IOException, InterruptedException {
        awake.lock();
        try {
            return work.call();
        } finally {
            awake.unlock();
        }
    }

    /** The accident: somebody empties the diary. */
    void emptyDiary() throws IOException {
        awake.lock();
        try {
            diary.empty(clock.instant());
            diaryLines.put(record.acknowledgedState(), diary.lineCount());
        } finally {
            awake.unlock();
        }
    }

    /** Lines that the diary has now. */
    int diaryLines() {
        awake.lock();
        try {
            return diary.lineCount();
        } finally {
            awake.unlock();
        }
    }

    /** Lines that the diary had in that state of the disk. */
    int diaryLinesAt(final int state) {
        awake.lock();
        try {
            return diaryLines.floorEntry(state).getValue();
        } finally {
            awake.unlock();
        }
    }

    /** Whether it still goes on: not stopped, and the server still there. */
    boolean goesOn() {
        return thread.isAlive();
    }

    /** Waits for the end of a life whose disk was taken away. Returns what ended it, null after {@link #stop}. */
    IOException awaitEnd(final long millis) throws InterruptedException {
        thread.join(millis);
        if (thread.isAlive()) {
            throw new IllegalStateException("the disk is gone, but the NBD client has not noticed");
        }
        return end;
    }

    void stop() throws InterruptedException {
        awake.lock();
        try {
            stopped = true;
            stopRequested.signalAll();
        } finally {
            awake.unlock();
        }
        thread.join();
    }

    private void live() {
        awake.lock();
        try {
            for (int beat = 1; !stopped; beat++) {
                beat(beat);
                stopRequested.await(BEAT_MILLIS, TimeUnit.MILLISECONDS);
            }
        } catch (final IOException ex) {
            end = ex;
        } catch (final InterruptedException ex) {
            end = new IOException("interrupted", ex);
        } finally {
            awake.unlock();
        }
    }

    private void beat(final int beat) throws IOException {
        for (int i = 0; i < MEASUREMENTS_PER_BEAT; i++) {
            measure();
        }
        if (beat % BEATS_PER_LINE == 0) {
            lines++;
            final String time = TIME.format(clock.instant().atZone(zone));
            diary.append(
                    String.format("%s  line %d, after %d writes to this disk", time, lines, record.sent()),
                    clock.instant());
            diaryLines.put(record.acknowledgedState(), diary.lineCount());
        }
        if (beat % BEATS_PER_FLUSH == 0) {
            final int state = record.acknowledgedState();
            disk.flush();
            record.flushed(state);
        }
    }

    private void measure() throws IOException {
        final byte[] content = new byte[CHUNK_LENGTH];
        random.nextBytes(content);
        write(measurements[random.nextInt(measurements.length)], ByteBuffer.wrap(content));
    }

    private void write(final int chunk, final ByteBuffer content) throws IOException {
        record.sending(chunk, content);
        disk.write((long) chunk * CHUNK_LENGTH, content);
        record.acknowledged();
    }
}
