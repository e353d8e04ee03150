package io.icecore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VolumeImageTest {
    private static final int MIB = 1 << 20;

    @TempDir
    private Path directory;

    @Test
    void whatIsExportedIsWhatWasImported() throws IOException {
        final long seed = Long.getLong("image.seed", System.nanoTime());
        final Path image = image(seed, 40);
        run("store", "create", "a.store", "--size", "64M");

        assertThat(run("volume", "import", "vm1", "image").err()).isEmpty();
        assertThat(run("volume", "export", "vm1", "copy").err()).isEmpty();

        assertThat(Files.mismatch(image, directory.resolve("copy")))
                .as("replay with -Dimage.seed=" + seed)
                .isEqualTo(-1);
        assertThat(run("check").code()).isZero();
    }

    @Test
    void anImageThatDoesNotFitLeavesNothing() throws IOException {
        image(1, 200);
        run("store", "create", "a.store", "--size", "64M");

        final CommandRun failed = run("volume", "import", "vm1", "image");

        assertThat(failed.code()).isEqualTo(ExitCode.NO_SPACE);
        assertThat(failed.err()).contains("store full");
        assertThat(run("volume", "list", "--json").out()).doesNotContain("vm1");
        assertThat(run("check").code()).isZero();
    }

    /** Half of it random data, half holes, in pieces of random lengths. */
    private Path image(final long seed, final int mib) throws IOException {
        final Random random = new Random(seed);
        final Path path = directory.resolve("image");
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength((long) mib * MIB);
            for (long at = 0; at < file.length(); at += (1 + random.nextInt(512)) * 4096L) {
                final byte[] data = new byte[(int) Math.min(file.length() - at, (1 + random.nextInt(512)) * 4096L)];
                random.nextBytes(data);
                file.seek(at);
                file.write(data);
                at += data.length;
            }
        }
        return path;
    }

    private CommandRun run(final String... words) {
        return CommandRun.in(directory, "a.store", List.of(words), new byte[0]);
    }
}
