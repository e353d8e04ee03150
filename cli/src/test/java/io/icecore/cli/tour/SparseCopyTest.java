package io.icecore.cli.tour;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SparseCopyTest {
    @TempDir
    Path folder;

    @Test
    void givesAndKeepsWhatTheDiskHolds() throws IOException {
        final byte[] disk = new byte[3 << 20];
        final Random random = new Random(3);
        for (int i = 0; i < 20; i++) {
            disk[random.nextInt(2 << 20)] = (byte) i; // The last MiB is a hole.
        }
        final Path file = folder.resolve("copy");
        final byte[] read = new byte[disk.length];

        try (SparseCopy copy =
                new SparseCopy(file, (offset, target) -> target.put(disk, (int) offset, target.remaining()))) {
            for (int at = 0; at < disk.length; at += 1 << 19) {
                copy.read(at, ByteBuffer.wrap(read, at, 1 << 19));
            }
        }

        assertThat(read).isEqualTo(disk);
        assertThat(file).hasBinaryContent(disk);
    }
}
