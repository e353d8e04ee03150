package io.icecore.cli.tour;

import io.icecore.cli.tour.ext2.DiskSource;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/**
 * What the disk held at every moment of its life: the image it began as and each write since, in the order they were sent.
 *
 * <p>The proof of the tour rests on this class, and it knows nothing of the store. <i>State</i> n is the disk after writes
 * 1 to n; state 0 is the image. It relies on two things which its writer, {@link DiskLife}, keeps: a write is one whole
 * chunk, so that it is on the disk or is not; and the next one is sent only when the one before has been answered, so that
 * whenever a snapshot is taken it holds a state, and no mixture.
 *
 * <p>Contents live in a file, in memory are 100 bytes a write. Thread-safe.
 */
final class WriteRecord implements Closeable {
    static final int CHUNK_LENGTH = 4096;
    private static final int PIECE_LENGTH = 1 << 20;

    private record Write(int crc, Instant sent) {}

    private final FileChannel image;
    private final FileChannel contents;
    private final Clock clock;
    private final long length;
    private final List<Write> writes = new ArrayList<>();
    private final List<Instant> answers = new ArrayList<>();
    private final Map<Integer, List<Integer>> writesOfChunk = new TreeMap<>();
    private int flushed;

    /**
     * @param image    what the disk holds before the first write; must not change
     * @param contents new file for the content of the writes
     */
    WriteRecord(final Path image, final Path contents, final Clock clock) throws IOException {
        this.image = FileChannel.open(image);
        this.contents = FileChannel.open(
                contents, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
        this.clock = clock;
        this.length = this.image.size();
        assert length % CHUNK_LENGTH == 0 : length;
    }

    /** Bytes of the disk. */
    long length() {
        return length;
    }

    // ---- what the writer tells

    /** Notes a write of the chunk with the rest of {@code content} before it is sent, and returns its number. */
    synchronized int sending(final int chunk, final ByteBuffer content) throws IOException {
        assert content.remaining() == CHUNK_LENGTH : content;
        assert answers.size() == writes.size() : "one write at a time";
        writeFully(content.duplicate(), (long) writes.size() * CHUNK_LENGTH);
        writes.add(new Write(crcOf(content), clock.instant()));
        writesOfChunk.computeIfAbsent(chunk, c -> new ArrayList<>()).add(writes.size());
        return writes.size();
    }

    /** The write sent last was acknowledged. */
    synchronized void acknowledged() {
        answers.add(clock.instant());
        assert answers.size() == writes.size() : "an answer to a write";
    }

    /** A flush that began after write {@code state} was acknowledged has been acknowledged. */
    synchronized void flushed(final int state) {
        flushed = state;
    }

    synchronized int sent() {
        return writes.size();
    }

    synchronized int acknowledgedState() {
        return answers.size();
    }

    /** What must be there after a crash: everything up to this state was acknowledged, and then a flush. */
    synchronized int flushedState() {
        return flushed;
    }

    // ---- what is known of a state

    /** When the disk came to hold it: its last write was sent. */
    synchronized Instant beginOf(final int state) {
        return state == 0 ? Instant.MIN : writes.get(state - 1).sent;
    }

    /** When the disk held it no longer: the write after it was answered. Still to come: {@link Instant#MAX}. */
    synchronized Instant endOf(final int state) {
        return state < answers.size() ? answers.get(state) : Instant.MAX;
    }

    /** Of the whole disk in that state, computed from this record alone. */
    synchronized String sha256(final int state) throws IOException {
        final MessageDigest digest = newSha256();
        final ByteBuffer piece = ByteBuffer.allocate(PIECE_LENGTH);
        for (long at = 0; at < length; at += PIECE_LENGTH) {
            readImage(at, piece);
            final int firstChunk = (int) (at / CHUNK_LENGTH);
            for (int i = 0; i < piece.limit() / CHUNK_LENGTH; i++) {
                final int write = lastWriteTo(firstChunk + i, state);
                if (write > 0) {
                    readContent(write, piece.slice(i * CHUNK_LENGTH, CHUNK_LENGTH));
                }
            }
            digest.update(piece);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private int lastWriteTo(final int chunk, final int state) {
        final List<Integer> numbers = writesOfChunk.getOrDefault(chunk, List.of());
        final int found = Collections.binarySearch(numbers, state);
        final int index = found >= 0 ? found : -found - 2;
        return index < 0 ? 0 : numbers.get(index);
    }

    // ---- comparison

    /**
     * Compares every byte of a disk with every state there was, and says which it holds.
     *
     * @param disk reads the disk, all of {@link #length()}
     */
    synchronized Comparison compare(final DiskSource disk) throws IOException {
        final Comparison.Builder comparison = new Comparison.Builder(writes.size());
        final MessageDigest digest = newSha256();
        final ByteBuffer expected = ByteBuffer.allocate(PIECE_LENGTH);
        final ByteBuffer actual = ByteBuffer.allocate(PIECE_LENGTH);
        for (long at = 0; at < length; at += PIECE_LENGTH) {
            readImage(at, expected);
            disk.read(at, actual.clear().limit(expected.limit()));
            actual.flip();
            digest.update(actual.duplicate());
            final int firstChunk = (int) (at / CHUNK_LENGTH);
            for (int i = 0; i < actual.limit() / CHUNK_LENGTH; i++) {
                final int index = i * CHUNK_LENGTH;
                compareChunk(
                        firstChunk + i,
                        actual.slice(index, CHUNK_LENGTH),
                        expected.slice(index, CHUNK_LENGTH),
                        comparison);
            }
        }
        return comparison.build(HexFormat.of().formatHex(digest.digest()));
    }

    private void compareChunk(
            final int chunk, final ByteBuffer actual, final ByteBuffer inImage, final Comparison.Builder comparison)
            throws IOException {
        final List<Integer> numbers = writesOfChunk.get(chunk);
        if (numbers == null) {
            final int index = actual.mismatch(inImage);
            if (index >= 0) {
                comparison.differs((long) chunk * CHUNK_LENGTH + index, actual.get(index), inImage.get(index));
            }
            return;
        }
        comparison.beginChunk((long) chunk * CHUNK_LENGTH, numbers.size() + 1);
        if (actual.equals(inImage)) {
            comparison.holds(0, numbers.get(0) - 1);
        }
        final int crc = crcOf(actual);
        for (int i = 0; i < numbers.size(); i++) {
            final int number = numbers.get(i);
            if (writes.get(number - 1).crc == crc && actual.equals(contentOf(number))) {
                comparison.holds(number, i + 1 < numbers.size() ? numbers.get(i + 1) - 1 : writes.size());
            }
        }
        comparison.endChunk();
    }

    private ByteBuffer contentOf(final int write) throws IOException {
        final ByteBuffer content = ByteBuffer.allocate(CHUNK_LENGTH);
        readContent(write, content);
        return content.flip();
    }

    // ---- files

    private void readImage(final long position, final ByteBuffer piece) throws IOException {
        piece.clear().limit((int) Math.min(PIECE_LENGTH, length - position));
        readFully(image, position, piece);
        piece.flip();
    }

    private void readContent(final int write, final ByteBuffer target) throws IOException {
        readFully(contents, (long) (write - 1) * CHUNK_LENGTH, target);
    }

    private static void readFully(final FileChannel channel, final long position, final ByteBuffer target)
            throws IOException {
        long at = position;
        while (target.hasRemaining()) {
            final int read = channel.read(target, at);
            if (read < 0) {
                throw new IOException("record of the tour ends at byte " + at);
            }
            at += read;
        }
    }

    private void writeFully(final ByteBuffer content, final long position) throws IOException {
        long at = position;
        while (content.hasRemaining()) {
            at += contents.write(content, at);
        }
    }

    private static int crcOf(final ByteBuffer content) {
        final CRC32C crc = new CRC32C();
        crc.update(content.duplicate());
        return (int) crc.getValue();
    }

    private static MessageDigest newSha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (final NoSuchAlgorithmException ex) {
            throw new AssertionError("every JDK has SHA-256", ex);
        }
    }

    @Override
    public void close() throws IOException {
        image.close();
        contents.close();
    }
}
