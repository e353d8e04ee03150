package io.icecore.cli.tour;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A past moment is the same for ever: exported before and after two hundred more snapshots and a hundred deletions, over
 * NBD, by a daemon, after its death, and without one. {@code -Dmoment.seed=N} repeats the writes.
 */
class SameMomentIT {
    private static final long SEED = Long.getLong("moment.seed", System.nanoTime() & 0xFFFF_FFFFL);
    private static final int CHUNK = 4096;
    private static final int VOLUME_BYTES = 32 << 20;
    private static final int SNAPSHOTS = 200;
    private static final int WRITES_PER_SNAPSHOT = 40;

    @TempDir
    Path folder;

    private final Random random = new Random(SEED);
    private int exports;

    @Test
    @Timeout(300)
    void aPastMomentStaysWhatItWas() throws Exception {
        System.out.println("SameMomentIT -Dmoment.seed=" + SEED);
        final Path store = folder.resolve("moment.icecore");
        try (Icecore icecore = new Icecore(store, folder)) {
            icecore.run("store", "create", store.toString(), "--size", "512M");
            icecore.run("volume", "import", "vm1", image().toString());
            final Icecore.Server server = icecore.serve(folder.resolve("nbd"), "vm1");
            final Commands commands = Commands.of(store);
            try (NbdClient disk = server.connect("vm1")) {
                write(disk);
                commands.run("snapshot", "create", "vm1", "--name", "moment");
                final Path before = export(icecore);

                for (int i = 1; i <= SNAPSHOTS; i++) {
                    write(disk);
                    commands.run("snapshot", "create", "vm1", "--name", "s" + i);
                    if (i % 4 == 0) { // Two of the last four go: a hundred in all, while others are taken.
                        commands.run("snapshot", "delete", "vm1@s" + (i - 3) + "..s" + (i - 2));
                    }
                }
                commands.run("snapshot", "delete", "vm1@latest", "--wait");

                assertSame(before, export(icecore));
                assertThat(overNbd(server)).hasSameBinaryContentAs(before);
                assertThat(commands.run("snapshot", "list", "vm1").lines())
                        .as("a line each, the moment and the title")
                        .hasSize(SNAPSHOTS / 2 - 1 + 2);
            }
            final Path before = folder.resolve("export-1.img");
            server.kill();
            assertSame(before, export(icecore)); // Beside nobody: the command opens the store itself.
            final Icecore.Server next = icecore.serve(folder.resolve("nbd"), "vm1");
            assertSame(before, export(icecore));
            assertThat(next.stop()).isZero();
            assertThat(icecore.run("check")).startsWith("consistent");
        }
    }

    private Path export(final Icecore icecore) throws Exception {
        final Path image = folder.resolve("export-" + ++exports + ".img");
        icecore.run("volume", "export", "vm1@moment", image.toString());
        return image;
    }

    private static void assertSame(final Path one, final Path other) throws IOException {
        assertThat(Files.mismatch(one, other)).as("first byte that differs").isEqualTo(-1);
    }

    private Path overNbd(final Icecore.Server server) throws IOException {
        final ByteBuffer content = ByteBuffer.allocate(VOLUME_BYTES);
        try (NbdClient moment = server.connect("vm1@moment")) {
            moment.read(0, content);
        }
        return Files.write(folder.resolve("nbd.img"), content.array());
    }

    private void write(final NbdClient disk) throws IOException {
        for (int i = 0; i < WRITES_PER_SNAPSHOT; i++) {
            final byte[] bytes = new byte[CHUNK * (1 + random.nextInt(4))];
            random.nextBytes(bytes);
            disk.write((long) random.nextInt(VOLUME_BYTES / CHUNK - 4) * CHUNK, ByteBuffer.wrap(bytes));
        }
        disk.flush();
    }

    /** Half data, half holes. */
    private Path image() throws IOException {
        final Path image = folder.resolve("image.img");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(VOLUME_BYTES);
            final byte[] noise = new byte[1 << 20];
            for (int position = 0; position < VOLUME_BYTES; position += 2 << 20) {
                random.nextBytes(noise);
                file.seek(position);
                file.write(noise);
            }
        }
        return image;
    }
}
