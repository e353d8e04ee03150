package io.icecore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.device.SparseFile;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageFileSourceTest {
    private static final int CHUNK = 4096;
    private static final int KIB = 1 << 10;
    private static final int MIB = 1 << 20;

    @TempDir
    private Path directory;

    private final ByteBuffer buffer = ByteBuffer.allocate(256 * KIB);

    @Test
    void piecesAndTheHolesBetweenThemMakeTheImage() throws IOException {
        final long seed = Long.getLong("image.seed", System.nanoTime());
        final Path image = image(seed, 16 * MIB);
        final byte[] found = new byte[16 * MIB];
        long end = 0;
        try (SparseFile file = SparseFile.open(image)) {
            final ImageFileSource source = new ImageFileSource(file, 16 * MIB);
            long offset = source.read(buffer.clear());
            while (buffer.flip().hasRemaining()) {
                assertThat(offset).as("pieces come in order").isGreaterThanOrEqualTo(end);
                assertThat(offset % CHUNK + buffer.remaining() % CHUNK)
                        .as("whole chunks")
                        .isZero();
                end = offset + buffer.remaining();
                buffer.get(found, (int) offset, buffer.remaining());
                offset = source.read(buffer.clear());
            }
            assertThat(offset).isEqualTo(16 * MIB);
        }
        assertThat(found).as("replay with -Dimage.seed=" + seed).isEqualTo(Files.readAllBytes(image));
    }

    @Test
    void longHolesAreNotRead() throws IOException {
        final Path image = sparse(4 * MIB, MIB, 2 * MIB + 64 * KIB);
        try (SparseFile file = SparseFile.open(image)) {
            final ImageFileSource source = new ImageFileSource(file, 4 * MIB);

            assertPiece(source, MIB, CHUNK);
            assertPiece(source, 2 * MIB + 64 * KIB, CHUNK);
            assertThat(source.read(buffer.clear())).isEqualTo(4 * MIB);
            assertThat(buffer.position()).isZero();
        }
    }

    @Test
    void shortHolesAreReadWithTheDataAroundThem() throws IOException {
        final Path image = sparse(MIB, 128 * KIB, 160 * KIB);
        try (SparseFile file = SparseFile.open(image)) {
            assertPiece(new ImageFileSource(file, MIB), 128 * KIB, 32 * KIB + CHUNK);
        }
    }

    @Test
    void piecesEndWhereTheLengthOfABufferEnds() throws IOException {
        final Path image = Files.write(directory.resolve("full"), new byte[MIB]);
        try (SparseFile file = SparseFile.open(image)) {
            final ImageFileSource source = new ImageFileSource(file, MIB);
            for (int piece = 0; piece < 4; piece++) {
                assertPiece(source, piece * buffer.capacity(), buffer.capacity());
            }
        }
        final Path later = sparse(MIB, 252 * KIB, 256 * KIB);
        try (SparseFile file = SparseFile.open(later)) {
            assertPiece(new ImageFileSource(file, MIB), 252 * KIB, CHUNK);
        }
    }

    @Test
    void aFileThatBecomesShorterEndsThere() throws IOException {
        final Path image = Files.write(directory.resolve("full"), new byte[MIB]);
        try (SparseFile file = SparseFile.open(image);
                RandomAccessFile shortened = new RandomAccessFile(image.toFile(), "rw")) {
            final ImageFileSource source = new ImageFileSource(file, MIB);
            assertPiece(source, 0, buffer.capacity());
            shortened.setLength(300 * KIB);

            assertThat(source.read(buffer.clear())).isEqualTo(300 * KIB);
            assertThat(buffer.position()).isZero();
        }
    }

    @Test
    void aFileThatBecomesLongerEndsBehindTheLengthItHad() throws IOException {
        final Path image = sparse(MIB, 0);
        try (SparseFile file = SparseFile.open(image);
                RandomAccessFile lengthened = new RandomAccessFile(image.toFile(), "rw")) {
            final ImageFileSource source = new ImageFileSource(file, MIB);
            assertPiece(source, 0, CHUNK);
            lengthened.setLength(2 * MIB);

            assertThat(source.read(buffer.clear())).isEqualTo(2 * MIB);
            assertThat(buffer.position()).isZero();
        }
    }

    private void assertPiece(final ImageFileSource source, final long offset, final int length) throws IOException {
        assertThat(source.read(buffer.clear())).isEqualTo(offset);
        assertThat(buffer.position()).isEqualTo(length);
    }

    /** A chunk of data at each offset, else a hole. */
    private Path sparse(final int length, final int... offsets) throws IOException {
        final Path path = directory.resolve("sparse");
        Files.deleteIfExists(path);
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(length);
            for (final int offset : offsets) {
                file.seek(offset);
                file.write(new byte[CHUNK]);
            }
        }
        return path;
    }

    /** Data and holes, all of them of random lengths. */
    private Path image(final long seed, final int length) throws IOException {
        final Random random = new Random(seed);
        final Path path = directory.resolve("image");
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(length);
            for (int at = 0; at < length; ) {
                at += random.nextInt(2) * CHUNK << random.nextInt(8);
                final byte[] data = new byte[Math.max(0, Math.min(length - at, CHUNK << random.nextInt(8)))];
                random.nextBytes(data);
                file.seek(at);
                file.write(data);
                at += data.length;
            }
        }
        return path;
    }
}
