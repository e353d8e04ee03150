package io.icecore.store.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.device.DeviceOpenException.Reason;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A real block device of the kernel: a loop device over a file. Needs root; skipped elsewhere, but a failure where
 * {@code CI=true} says that everything is there.
 */
class RawBlockDeviceTest {
    private static final int LENGTH = 8 << 20;

    @TempDir
    private Path directory;

    private Path backing;
    private Privileged.Attached loop;
    private Path path;

    @BeforeEach
    void attachLoopDevice() throws Exception {
        backing = directory.resolve("backing");
        try (RandomAccessFile file = new RandomAccessFile(backing.toFile(), "rw")) {
            file.setLength(LENGTH);
        }
        loop = Privileged.loopDevice(backing);
        path = loop.path();
    }

    @AfterEach
    void detachLoopDevice() throws Exception {
        if (loop != null) {
            loop.close();
        }
    }

    @Test
    void takesAllOfAnEmptyDevice() {
        try (FileBlockDevice device = FileBlockDevice.create(path, LENGTH / 2, false)) {
            assertThat(device.length()).isEqualTo(LENGTH);
            assertThat(device.name()).isEqualTo(path.toString());
        }
    }

    @Test
    void refusesToCreateOnADeviceThatHoldsSomething() throws IOException {
        try (FileBlockDevice device = FileBlockDevice.open(path)) {
            device.write((1 << 20) - 512, filled(1, 512), 0, 512);
        }

        assertThatThrownBy(() -> FileBlockDevice.create(path, LENGTH, false))
                .hasMessage("block device holds something: " + path)
                .extracting(ex -> ((DeviceOpenException) ex).reason())
                .isEqualTo(Reason.NOT_EMPTY);

        FileBlockDevice.create(path, LENGTH, true).close();
    }

    @Test
    void refusesToCreateOnADeviceThatIsTooSmall() {
        assertThatThrownBy(() -> FileBlockDevice.create(path, 2L * LENGTH, true))
                .hasMessage("block device is too small: " + path + ": 8388608 bytes (expected: at least 16777216)")
                .extracting(ex -> ((DeviceOpenException) ex).reason())
                .isEqualTo(Reason.TOO_SMALL);
    }

    @Test
    void readsBackWhatItWrote() {
        try (FileBlockDevice device = FileBlockDevice.open(path);
                FileBlockDevice reader = FileBlockDevice.openReadOnly(path)) {
            final UnsafeBuffer source = noise(3, 1 << 20);
            device.write(512, source, 0, 1 << 20);
            device.flush();
            final UnsafeBuffer target = new UnsafeBuffer(new byte[1 << 20]);

            device.read(512, target, 0, 1 << 20);
            assertThat(target.byteArray()).isEqualTo(source.byteArray());
            reader.readMedium(512, target, 0, 1 << 20);
            assertThat(target.byteArray()).isEqualTo(source.byteArray());
            assertThat(reader.bypassesPageCache()).isTrue();
            reader.readMedium(LENGTH - 512, target, 0, 512);
            assertThat(target.getByte(0)).isZero();
        }
    }

    @Test
    void keepsASecondProcessOut() throws Exception {
        try (FileBlockDevice device = FileBlockDevice.open(path)) {
            FileBlockDevice.openReadOnly(path).close();
            assertThatThrownBy(() -> FileBlockDevice.open(path)).hasMessage("store in use by another process: " + path);
            try (SecondProcess second = SecondProcess.opening(path)) {
                assertThat(second.result()).isEqualTo("store in use by another process: " + path);
            }
            assertThat(device.readOnly()).isFalse();
        }
        FileBlockDevice.open(path).close();
    }

    @Test
    void findsTheSameDeviceInUseUnderAnotherNode() throws Exception {
        final String numbers =
                Privileged.run("stat", "--format", "%Hr %Lr", path.toString()).output();
        final Path node = directory.resolve("node");
        assertThat(Privileged.run("mknod", node.toString(), "b", numbers.split(" ")[0], numbers.split(" ")[1])
                        .exitCode())
                .isZero();
        try (FileBlockDevice device = FileBlockDevice.open(path)) {
            assertThatThrownBy(() -> FileBlockDevice.open(node))
                    .hasMessage("block device is mounted or claimed by another program: " + node);
            assertThat(device.readOnly()).isFalse();
        }
    }

    @Test
    void refusesADeviceThatIsMounted() throws Exception {
        assertThat(Privileged.run("mkfs.ext4", "-q", path.toString()).exitCode())
                .isZero();
        final Path mount = Files.createDirectory(directory.resolve("mount"));
        assertThat(Privileged.run("mount", path.toString(), mount.toString()).exitCode())
                .isZero();
        try {
            assertThatThrownBy(() -> FileBlockDevice.create(path, LENGTH, true))
                    .hasMessage("block device is mounted or claimed by another program: " + path)
                    .extracting(ex -> ((DeviceOpenException) ex).reason())
                    .isEqualTo(Reason.IN_USE);
        } finally {
            Privileged.run("umount", mount.toString());
        }
    }

    @Test
    void discardsWholeBlocks() throws Exception {
        try (FileBlockDevice device = FileBlockDevice.open(path)) {
            device.write(0, noise(5, 4 << 20), 0, 4 << 20);
            device.flush();
            final long before = allocatedBytes();

            device.discard(1 << 20, 2 << 20);
            device.flush();

            assertThat(before - allocatedBytes()).isEqualTo(2 << 20);
            final UnsafeBuffer target = new UnsafeBuffer(new byte[1 << 20]);
            device.read(3 << 20, target, 0, 1 << 20);
            final UnsafeBuffer expected = noise(5, 4 << 20);
            assertThat(target).isEqualTo(new UnsafeBuffer(expected, 3 << 20, 1 << 20));

            device.discard(512, 4096 + 512); // Touches no whole block but one.
            device.read(0, target, 0, 4096);
            assertThat(new UnsafeBuffer(target, 0, 4096)).isEqualTo(new UnsafeBuffer(expected, 0, 4096));
        }
    }

    @Test
    void growsOnceTheDeviceHas() throws Exception {
        try (FileBlockDevice device = FileBlockDevice.open(path)) {
            assertThatThrownBy(() -> device.grow(2L * LENGTH))
                    .isInstanceOf(StoreException.class)
                    .hasMessage("cannot grow: " + path + ": the block device has 8388608 bytes (expected: 16777216)");

            try (RandomAccessFile file = new RandomAccessFile(backing.toFile(), "rw")) {
                file.setLength(2L * LENGTH);
            }
            assertThat(Privileged.run("losetup", "--set-capacity", path.toString())
                            .exitCode())
                    .isZero();
            device.grow(2L * LENGTH);

            assertThat(device.length()).isEqualTo(2L * LENGTH);
            device.write(2L * LENGTH - 512, filled(1, 512), 0, 512);
        }
    }

    private long allocatedBytes() throws Exception {
        return Long.parseLong(Privileged.run("stat", "--format", "%b", backing.toString())
                        .output())
                * 512;
    }

    private static UnsafeBuffer filled(final int value, final int length) {
        final UnsafeBuffer buffer = new UnsafeBuffer(new byte[length]);
        buffer.setMemory(0, length, (byte) value);
        return buffer;
    }

    private static UnsafeBuffer noise(final long seed, final int length) {
        final byte[] bytes = new byte[length];
        new SplittableRandom(seed).nextBytes(bytes);
        return new UnsafeBuffer(bytes);
    }
}
