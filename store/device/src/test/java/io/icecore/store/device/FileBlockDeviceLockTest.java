package io.icecore.store.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One writer at a time, whatever else happens to the file. */
class FileBlockDeviceLockTest {
    @TempDir
    private Path directory;

    private Path path;

    @BeforeEach
    void createDevice() {
        path = directory.resolve("store");
        FileBlockDevice.create(path, 1 << 20, false).close();
    }

    @Test
    void refusesASecondWriterInThisProcess() {
        try (FileBlockDevice first = FileBlockDevice.open(path)) {
            assertThatThrownBy(() -> FileBlockDevice.open(path))
                    .isInstanceOf(DeviceOpenException.class)
                    .hasMessage("store in use by another process: " + path)
                    .extracting(ex -> ((DeviceOpenException) ex).reason())
                    .isEqualTo(DeviceOpenException.Reason.IN_USE);
            assertThat(first.readOnly()).isFalse();
        }
    }

    @Test
    void refusesASecondWriterUnderAnotherName() throws IOException {
        final Path link = Files.createLink(directory.resolve("link"), path);
        try (FileBlockDevice first = FileBlockDevice.open(path)) {
            assertThatThrownBy(() -> FileBlockDevice.open(link)).hasMessageContaining("in use");
            assertThat(first.readOnly()).isFalse();
        }
    }

    @Test
    void keepsASecondProcessOutEvenAfterOtherDescriptorsWereClosed() throws Exception {
        try (FileBlockDevice first = FileBlockDevice.open(path)) {
            // Each of these would drop a POSIX lock.
            Files.readAllBytes(path);
            FileBlockDevice.openReadOnly(path).close();
            assertThatThrownBy(() -> FileBlockDevice.open(path)).isInstanceOf(StoreException.class);
            FileChannel.open(path, StandardOpenOption.WRITE).close();

            assertThat(resultOfSecondProcess()).isEqualTo("store in use by another process: " + path);
            assertThat(first.readOnly()).isFalse();
        }
        assertThat(resultOfSecondProcess()).isEqualTo(SecondProcess.OPENED);
    }

    @Test
    void findsTheDeviceFreeAgainWhenItsWriterWasKilled() throws Exception {
        try (SecondProcess second = SecondProcess.opening(path)) {
            assertThat(second.result()).isEqualTo(SecondProcess.OPENED);
            assertThatThrownBy(() -> FileBlockDevice.open(path)).hasMessage("store in use by another process: " + path);

            second.kill();

            FileBlockDevice.open(path).close();
        }
    }

    @Test
    void isNotOpenedWhereAnInterruptWouldCloseItForEverybody() throws Exception {
        try (SecondProcess second = SecondProcess.openingWithoutFlags(path)) {
            assertThat(second.result())
                    .startsWith("this Java runtime does not open sun.nio.ch: start it with --add-exports=java.base");
        }
    }

    @Test
    void readsBesideAWriter() {
        try (FileBlockDevice writer = FileBlockDevice.open(path);
                FileBlockDevice reader = FileBlockDevice.openReadOnly(path)) {
            assertThat(reader.readOnly()).isTrue();
            assertThat(reader.length()).isEqualTo(writer.length());
        }
    }

    @Test
    void conflictsWithTheLocksOfOtherPrograms() throws IOException {
        try (FileChannel other = FileChannel.open(path, StandardOpenOption.WRITE);
                FileLock held = other.lock()) {
            assertThat(held.isValid()).isTrue();
            assertThatThrownBy(() -> FileBlockDevice.open(path)).hasMessageContaining("in use");
        }
    }

    @Test
    void leavesNothingOpenWhenTheLockIsTaken() {
        try (FileBlockDevice first = FileBlockDevice.open(path)) {
            final long before = openDescriptors();
            for (int attempt = 0; attempt < 10; attempt++) {
                assertThatThrownBy(() -> FileBlockDevice.open(path)).hasMessageContaining("in use");
            }
            assertThat(openDescriptors()).isEqualTo(before);
            assertThat(first.readOnly()).isFalse();
        }
    }

    private long openDescriptors() {
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors.filter(this::leadsToDevice).count();
        } catch (final IOException ex) {
            throw new AssertionError(ex);
        }
    }

    private boolean leadsToDevice(final Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).equals(path);
        } catch (final IOException ex) {
            return false; // The descriptor of the listing itself is gone by now.
        }
    }

    private String resultOfSecondProcess() throws Exception {
        try (SecondProcess second = SecondProcess.opening(path)) {
            return second.result();
        }
    }
}
