package io.icecore.store.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SparseFileTest {
    private static final int MIB = 1 << 20;
    private static final int DATA_LENGTH = 64 << 10;

    @TempDir
    private Path directory;

    private Path path;

    /** Data at 1 MiB, holes before and after. */
    @BeforeEach
    void makeFile() throws IOException {
        path = directory.resolve("sparse");
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(3 * MIB);
            file.seek(MIB);
            file.write(new byte[DATA_LENGTH]); // Zeroes that were written are data.
        }
    }

    @Test
    void tellsDataFromHoles() throws IOException {
        try (SparseFile file = SparseFile.open(path)) {
            assertThat(file.size()).isEqualTo(3 * MIB);
            assertThat(file.dataFrom(0, 3 * MIB)).isEqualTo(MIB);
            assertThat(file.dataFrom(MIB + 100, 3 * MIB)).isEqualTo(MIB + 100);
            assertThat(file.holeFrom(MIB, 3 * MIB)).isEqualTo(MIB + DATA_LENGTH);
            assertThat(file.dataFrom(MIB + DATA_LENGTH, 3 * MIB)).isEqualTo(3 * MIB);
        }
    }

    @Test
    void looksNoFurtherThanItWasAskedTo() throws IOException {
        try (SparseFile file = SparseFile.open(path)) {
            assertThat(file.dataFrom(0, 4096)).isEqualTo(4096);
            assertThat(file.holeFrom(MIB, MIB + 4096)).isEqualTo(MIB + 4096);
        }
    }

    @Test
    void aFileThatHasBecomeShorterHasNoDataBehindItsEnd() throws IOException {
        try (SparseFile file = SparseFile.open(path);
                RandomAccessFile shortened = new RandomAccessFile(path.toFile(), "rw")) {
            shortened.setLength(MIB + 4096);

            assertThat(file.dataFrom(2 * MIB, 3 * MIB)).isEqualTo(3 * MIB);
            assertThat(file.holeFrom(2 * MIB, 3 * MIB)).isEqualTo(3 * MIB);
            assertThat(file.dataFrom(0, 3 * MIB)).as("it can still tell").isEqualTo(MIB);
        }
    }

    /** Files of /proc refuse to look for holes. */
    @Test
    void whereNothingTellsHolesAllIsData() throws IOException {
        try (SparseFile file = SparseFile.open(Path.of("/proc/version"))) {
            assertThat(file.dataFrom(5, 100)).isEqualTo(5);
            assertThat(file.holeFrom(5, 100)).isEqualTo(100);
            assertThat(file.dataFrom(0, 100)).isZero();
        }
    }

    @Test
    void closedItSeesNoHolesAndFailsToRead() throws IOException {
        final SparseFile file = SparseFile.open(path);
        file.close();

        assertThat(file.dataFrom(0, MIB)).isZero();
        assertThat(file.holeFrom(0, MIB)).isEqualTo(MIB);
        assertThatThrownBy(() -> file.read(ByteBuffer.allocate(1), 0)).isInstanceOf(ClosedChannelException.class);
    }
}
