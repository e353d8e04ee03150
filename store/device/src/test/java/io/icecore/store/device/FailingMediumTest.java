package io.icecore.store.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.device.Privileged.Attached;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real failures of a real kernel: file systems that are full, and a device over one of them whose write-back fails. */
class FailingMediumTest {
    private static final int LENGTH = 8 << 20;
    private static final int BLOCK = BlockDevice.BLOCK_LENGTH;

    @TempDir
    private Path directory;

    @Test
    void tellsAFullFileSystemFromOtherFailuresAndStaysUsable() throws IOException {
        try (Attached small = Privileged.mount(directory.resolve("small"), "tmpfs", "size=1m");
                FileBlockDevice device = FileBlockDevice.create(small.path().resolve("store"), LENGTH, false)) {
            final UnsafeBuffer block = filled(7);
            device.write(0, block, 0, BLOCK);

            assertThatThrownBy(() -> fill(device, block))
                    .isInstanceOf(NoSpaceException.class)
                    .hasMessageStartingWith("write of 4096 bytes at position ")
                    .hasMessageEndingWith(device.name() + ": No space left on device");

            device.discard(4 * BLOCK, LENGTH / 2);
            device.write(4 * BLOCK, block, 0, BLOCK);
            device.flush();
            assertThat(firstByte(device, 0)).isEqualTo(7);
        }
    }

    /**
     * What the rest of the store takes for granted of Linux, and what this device makes of it: the page whose write-back
     * failed is still served, the medium does not have it, and the next fsync knows nothing of all that.
     */
    @Test
    void remembersAFailedFlushAndReadsTheMediumPastThePageCache() throws IOException {
        try (Attached small = Privileged.mount(directory.resolve("small"), "tmpfs", "size=1m")) {
            final Path backing = small.path().resolve("backing");
            try (RandomAccessFile file = new RandomAccessFile(backing.toFile(), "rw")) {
                file.setLength(LENGTH);
            }
            try (Attached loop = Privileged.loopDevice(backing);
                    FileBlockDevice device = FileBlockDevice.open(loop.path())) {
                fill(device, filled(7));

                assertThatThrownBy(device::flush)
                        .isInstanceOf(StoreException.class)
                        .isNotInstanceOf(NoSpaceException.class)
                        .hasMessage("flush failed: " + loop.path() + ": Input/output error");

                assertThat(firstByte(device, LENGTH - BLOCK)).isEqualTo(7);
                assertThat(firstByteOfMedium(device, LENGTH - BLOCK)).isZero();
                try (FileChannel other = FileChannel.open(loop.path(), StandardOpenOption.WRITE)) {
                    other.force(false); // Linux has forgotten.
                }
                assertThatThrownBy(device::flush)
                        .isInstanceOf(StoreException.class)
                        .hasMessageContaining("an earlier flush failed");
            }
        }
    }

    @Test
    void readsTheMediumWhereTheFileSystemRefusesDirectAccess() throws IOException {
        try (Attached memory = Privileged.mount(directory.resolve("memory"), "ramfs", "mode=0700");
                FileBlockDevice device = FileBlockDevice.create(memory.path().resolve("store"), LENGTH, false)) {
            device.write(BLOCK, filled(7), 0, BLOCK);

            assertThat(device.bypassesPageCache()).isFalse();
            assertThat(firstByteOfMedium(device, BLOCK)).isEqualTo(7);
            device.discard(BLOCK, BLOCK); // Refused there, which nobody notices.
            device.discard(BLOCK, BLOCK);
            assertThat(firstByte(device, BLOCK)).isEqualTo(7);
        }
    }

    private static void fill(final BlockDevice device, final UnsafeBuffer block) {
        for (long position = 0; position < LENGTH; position += BLOCK) {
            device.write(position, block, 0, BLOCK);
        }
    }

    private static UnsafeBuffer filled(final int value) {
        final UnsafeBuffer buffer = new UnsafeBuffer(new byte[BLOCK]);
        buffer.setMemory(0, BLOCK, (byte) value);
        return buffer;
    }

    private static int firstByte(final BlockDevice device, final long position) {
        final UnsafeBuffer block = filled(-1);
        device.read(position, block, 0, BLOCK);
        return block.getByte(0);
    }

    private static int firstByteOfMedium(final BlockDevice device, final long position) {
        final UnsafeBuffer block = filled(-1);
        device.readMedium(position, block, 0, BLOCK);
        return block.getByte(0);
    }
}
