package io.icecore.cli;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.format.Checksum;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Stores that cannot be made or opened: what is wrong is said in one line, and nothing is changed. */
class BadStoreTest {
    private static final int BLOCK = 4096;
    private static final int FORMAT_VERSION_OFFSET = 8;
    private static final int CHECKSUM_OFFSET = 12;
    private static final int INCOMPATIBLE_OFFSET = 48;

    @TempDir
    private Path directory;

    @BeforeEach
    void makeAStore() {
        assertThat(run("store create ice.store --size 16M").code()).isZero();
        assertThat(run("volume create vm1 --size 1M").code()).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "--size 0, size: 0",
        "--size -1M, size: -1M",
        "--size 15M, store size: 15M (expected: at least 16M)",
        "--size 5000, store size: 4.88K (expected: at least 16M)",
        "--size 9E, size: 9E (expected: less than 8E)",
        "--size nonsense, size: nonsense",
        "--size 64M --label a/b, label: a/b",
        "--size 64M --label x123456789012345678901234567890123, label: x123456789012345678901234567890123",
        "--size 16777217, expected: a positive multiple of 512",
    })
    void noStoreOfSuchASizeOrLabelIsMade(final String options, final String problem) throws IOException {
        assertFails(run("store create new.store " + options), ExitCode.USAGE, problem);
        assertThat(directory.resolve("new.store")).doesNotExist();

        Files.writeString(directory.resolve("old.store"), "precious");
        assertFails(run("store create old.store --force " + options), ExitCode.USAGE, problem);
        assertThat(directory.resolve("old.store")).hasContent("precious");
    }

    @Test
    void aStoreBeyondWhatTheFileSystemCanHoldLeavesNoFile() {
        final CommandRun run = run("store create new.store --size 8191P");

        assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.FAILED);
        assertThat(run.err()).startsWith("icecore: ").contains("new.store");
        assertThat(directory.resolve("new.store")).doesNotExist();
    }

    @Test
    void aFileNameLongerThanALabelMayBeIsCut() {
        assertThat(run("store create the-disks-of-the-virtual-machines.of.our.house.store --size 16M")
                        .out())
                .endsWith("created: 16M, label the-disks-of-the-virtual-machine\n");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3000, 10_000})
    void whatIsLeftOfAStoreIsNoStore(final int length) throws IOException {
        truncate(length);
        for (final String command : List.of("volume list", "volume create vm2 --size 1M", "serve")) {
            final CommandRun run = run(command);
            assertThat(run.code()).as(command + run.err()).isNotZero();
            assertThat(run.err()).startsWith("icecore: ").contains(store().toString());
        }
        assertThat(Files.size(store())).isEqualTo(length);
    }

    @Test
    void aTruncatedStoreIsNotWrittenAndReadOnlyWithAWarning() throws IOException {
        truncate(5 << 20);
        final byte[] before = Files.readAllBytes(store());

        assertFails(run("volume create vm2 --size 1M"), ExitCode.DAMAGE, "truncated: " + store());
        assertFails(run("serve"), ExitCode.DAMAGE, "truncated: " + store());

        assertThat(run("check").code()).isEqualTo(ExitCode.DAMAGE);
        assertThat(run("volume list").out()).contains("vm1");
        assertThat(store()).hasBinaryContent(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"volume list", "volume create vm2 --size 1M", "store info", "check", "serve"})
    void aStoreOfANewerFormatIsNamedAsSuch(final String command) throws IOException {
        patchSuperblocks(image -> image.putInt(FORMAT_VERSION_OFFSET, 4, LITTLE_ENDIAN));
        assertRefused(command, "format version 4 (expected: 3");
    }

    @ParameterizedTest
    @ValueSource(strings = {"volume list", "volume create vm2 --size 1M", "store info", "check", "serve"})
    void aFeatureThatThisProgramDoesNotKnowIsNamed(final String command) throws IOException {
        patchSuperblocks(image -> image.putLong(INCOMPATIBLE_OFFSET, 8, LITTLE_ENDIAN));
        assertRefused(command, "unknown incompatible features 0x8");
    }

    private void assertRefused(final String command, final String problem) throws IOException {
        final byte[] before = Files.readAllBytes(store());
        assertFails(run(command), ExitCode.FAILED, problem);
        assertThat(store()).hasBinaryContent(before);
    }

    @ParameterizedTest
    @CsvSource({
        "/dev/null, 1, neither a file nor a block device",
        "ice.store/x, 3, no such file or device",
        "., 1, directory"
    })
    void whatCannotHoldAStoreIsNoStore(final String path, final int code, final String problem) {
        for (final String command : List.of("volume list", "volume create vm2 --size 1M", "check", "serve")) {
            assertFails(run(command + " -s " + path), code, problem);
        }
    }

    private static void assertFails(final CommandRun run, final int code, final String problem) {
        assertThat(run.err()).matches("icecore: .*\\R(hint: .*\\R)?").contains(problem);
        assertThat(run.code()).as(run.err()).isEqualTo(code);
        assertThat(run.out()).isEmpty();
    }

    private void truncate(final long length) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(store().toFile(), "rw")) {
            file.setLength(length);
        }
    }

    private interface Patch {
        void apply(UnsafeBuffer superblock);
    }

    /** In every slot, and puts the checksums right. 16 MiB have 4 groups of 4 slots, 4 MiB apart. */
    private void patchSuperblocks(final Patch patch) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(store().toFile(), "rw")) {
            for (int slot = 0; slot < 16; slot++) {
                final long position = (slot / 4 * 1024L + slot % 4) * BLOCK;
                final byte[] bytes = new byte[BLOCK];
                file.seek(position);
                file.readFully(bytes);
                final UnsafeBuffer image = new UnsafeBuffer(bytes);
                if (image.getLong(0) != 0) {
                    patch.apply(image);
                    image.putInt(CHECKSUM_OFFSET, Checksum.around(image, 0, BLOCK, CHECKSUM_OFFSET), LITTLE_ENDIAN);
                    file.seek(position);
                    file.write(bytes);
                }
            }
        }
    }

    private Path store() {
        return directory.resolve("ice.store");
    }

    private CommandRun run(final String line) {
        return CommandRun.in(directory, store().toString(), List.of(line.split(" ")), new byte[0]);
    }
}
