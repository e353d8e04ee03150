package io.icecore.cli.tour;

import static io.icecore.cli.tour.WriteRecord.CHUNK_LENGTH;
import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.cli.tour.ext2.DiskSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The record must recognise every state the disk was in and nothing else: the proof of the tour has to be able to fail. */
class WriteRecordTest {
    private static final int CHUNKS = 300; // More than a piece of 256, and no multiple of it.
    private static final int WRITES = 30;

    @TempDir
    Path folder;

    private final Random random = new Random(7);
    /** The disk after each write, whole: what the record is held against. */
    private final List<byte[]> states = new ArrayList<>();

    private WriteRecord record;

    @BeforeEach
    void live() throws IOException {
        final byte[] disk = new byte[CHUNKS * CHUNK_LENGTH];
        random.nextBytes(disk);
        final Path image = folder.resolve("image");
        Files.write(image, disk);
        record = new WriteRecord(image, folder.resolve("writes"), Clock.fixed(Instant.EPOCH, ZoneOffset.UTC));
        states.add(disk);
        for (int i = 0; i < WRITES; i++) {
            write(random.nextInt(10) * 29, randomChunk());
        }
    }

    @AfterEach
    void close() throws IOException {
        record.close();
    }

    private byte[] randomChunk() {
        final byte[] content = new byte[CHUNK_LENGTH];
        random.nextBytes(content);
        return content;
    }

    private void write(final int chunk, final byte[] content) throws IOException {
        record.sending(chunk, ByteBuffer.wrap(content));
        record.acknowledged();
        final byte[] next = last().clone();
        System.arraycopy(content, 0, next, chunk * CHUNK_LENGTH, CHUNK_LENGTH);
        states.add(next);
    }

    private byte[] last() {
        return states.get(states.size() - 1);
    }

    private static DiskSource sourceOf(final byte[] disk) {
        return (offset, target) -> target.put(disk, (int) offset, target.remaining());
    }

    @Test
    void recognisesEveryStateItWentThrough() throws IOException {
        for (int state = 0; state < states.size(); state++) {
            final Comparison comparison = record.compare(sourceOf(states.get(state)));

            assertThat(comparison.difference()).isNull();
            assertThat(comparison.firstState()).isEqualTo(state);
            assertThat(comparison.lastState()).isEqualTo(state);
        }
    }

    @Test
    void knowsTheChecksumOfEveryState() throws Exception {
        for (int state = 0; state < states.size(); state++) {
            final byte[] sha256 = MessageDigest.getInstance("SHA-256").digest(states.get(state));

            assertThat(record.sha256(state)).isEqualTo(HexFormat.of().formatHex(sha256));
            assertThat(record.compare(sourceOf(states.get(state))).sha256()).isEqualTo(record.sha256(state));
        }
    }

    @Test
    void findsASingleWrongBitAnywhere() throws IOException {
        for (int i = 0; i < 50; i++) {
            final byte[] damaged = states.get(random.nextInt(states.size())).clone();
            damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));

            assertThat(record.compare(sourceOf(damaged)).matches()).isFalse();
        }
    }

    @Test
    void namesTheByteThatWasNeverWrittenAndDiffers() throws IOException {
        final byte[] damaged = states.get(10).clone();
        damaged[CHUNK_LENGTH + 5] ^= 1;

        final String expected = String.format("byte 4,101 is 0x%02x", damaged[CHUNK_LENGTH + 5]);
        assertThat(record.compare(sourceOf(damaged)).difference()).startsWith(expected);
    }

    @Test
    void namesTheChunkThatWasNeverSo() throws IOException {
        final byte[] damaged = states.get(WRITES).clone();
        damaged[29 * CHUNK_LENGTH + 5] ^= 1;

        assertThat(record.compare(sourceOf(damaged)).difference()).contains("4096 bytes at 118,784 are none of the");
    }

    @Test
    void findsAMixtureOfTwoStates() throws IOException {
        write(0, randomChunk());
        write(29, randomChunk());
        final byte[] mixture = states.get(WRITES).clone();
        System.arraycopy(
                last(), 29 * CHUNK_LENGTH, mixture, 29 * CHUNK_LENGTH, CHUNK_LENGTH); // The second, not the first.

        final Comparison comparison = record.compare(sourceOf(mixture));
        assertThat(comparison.matches()).isFalse();
        assertThat(comparison.difference()).contains("a mixture of moments");
    }

    @Test
    void findsAnOverwrittenContentComingBack() throws IOException {
        final byte[] first = randomChunk();
        write(0, first);
        write(0, randomChunk());
        write(29, randomChunk());
        final byte[] stale = last().clone();
        System.arraycopy(first, 0, stale, 0, CHUNK_LENGTH);

        assertThat(record.compare(sourceOf(stale)).matches()).isFalse();
    }

    @Test
    void offersEveryStateThatLooksAlike() throws IOException {
        final byte[] same = Arrays.copyOf(last(), CHUNK_LENGTH);
        write(0, same); // Changes nothing.
        write(0, randomChunk());
        write(0, same); // Back again.

        final Comparison comparison = record.compare(sourceOf(last()));
        assertThat(comparison.states().stream()).containsExactly(WRITES, WRITES + 1, WRITES + 3);
    }

    @Test
    void countsAWriteWithoutAnswerAsPossible() throws IOException {
        final byte[] content = randomChunk();
        record.sending(0, ByteBuffer.wrap(content));
        final byte[] written = last().clone();
        System.arraycopy(content, 0, written, 0, CHUNK_LENGTH);

        assertThat(record.acknowledgedState()).isEqualTo(WRITES);
        assertThat(record.sent()).isEqualTo(WRITES + 1);
        assertThat(record.compare(sourceOf(last())).lastState()).isEqualTo(WRITES);
        assertThat(record.compare(sourceOf(written)).firstState()).isEqualTo(WRITES + 1);
    }
}
