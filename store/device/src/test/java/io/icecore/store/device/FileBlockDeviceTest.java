package io.icecore.store.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.device.DeviceOpenException.Reason;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.agrona.BufferUtil;
import org.agrona.ExpandableDirectByteBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the contract of {@link BlockDevice} does not say: files, paths, descriptors, threads. */
class FileBlockDeviceTest {
    private static final int LENGTH = 8 << 20;

    @TempDir
    private Path directory;

    private Path path;
    private FileBlockDevice device;

    @BeforeEach
    void createDevice() {
        path = directory.resolve("store");
        device = FileBlockDevice.create(path, LENGTH, false);
    }

    @AfterEach
    void closeDevice() {
        device.close();
    }

    @Test
    void createsASparseFileOfTheLengthAskedFor() throws Exception {
        assertThat(Files.size(path)).isEqualTo(LENGTH);
        assertThat(device.length()).isEqualTo(LENGTH);
        assertThat(allocatedBytes()).isZero();
    }

    @Test
    void refusesToCreateOverAFileThatIsNotEmpty() throws IOException {
        final Path precious = Files.writeString(directory.resolve("precious"), "data");

        assertRefusal(() -> FileBlockDevice.create(precious, LENGTH, false), Reason.NOT_EMPTY, "file is not empty: ");
        assertThat(precious).hasContent("data");

        FileBlockDevice.create(precious, LENGTH, true).close();
        assertThat(precious).hasSize(LENGTH);
        assertThat(Files.readAllBytes(precious)).containsOnly(0);
    }

    @Test
    void createsOverAnEmptyFile() throws IOException {
        final Path empty = Files.createFile(directory.resolve("empty"));

        FileBlockDevice.create(empty, LENGTH, false).close();

        assertThat(empty).hasSize(LENGTH);
    }

    @Test
    void removesAFileThatItCouldNotMakeLongEnough() {
        final Path tooLong = directory.resolve("too-long");

        assertThatThrownBy(() -> FileBlockDevice.create(tooLong, Long.MAX_VALUE / 512 * 512, false))
                .hasMessageStartingWith("cannot create: " + tooLong + ": ");
        assertThat(tooLong).doesNotExist();
    }

    @Test
    void refusesALengthThatIsNotInWholeSectors() {
        assertThatThrownBy(() -> FileBlockDevice.create(directory.resolve("odd"), 1000, false))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("length: 1000 (expected: a positive multiple of 512)");
    }

    @Test
    void saysInOneLineWhatIsWrongWithAPath() throws Exception {
        final Path missing = directory.resolve("missing");
        assertRefusal(() -> FileBlockDevice.open(missing), Reason.MISSING, "no such file or device: " + missing);
        assertRefusal(() -> FileBlockDevice.openReadOnly(missing), Reason.MISSING, "no such file or device: ");
        assertRefusal(() -> FileBlockDevice.open(directory), Reason.WRONG_TYPE, "is a directory: " + directory);
        assertRefusal(
                () -> FileBlockDevice.create(directory, LENGTH, false),
                Reason.WRONG_TYPE,
                "is a directory: " + directory);
        assertRefusal(
                () -> FileBlockDevice.open(Path.of("/dev/null")),
                Reason.WRONG_TYPE,
                "neither a file nor a block device: /dev/null");
        assertRefusal(
                () -> FileBlockDevice.create(missing.resolve("store"), LENGTH, false),
                Reason.MISSING,
                "no such directory: " + missing);
        final Path pipe = directory.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        assertRefusal(
                () -> FileBlockDevice.open(pipe), Reason.WRONG_TYPE, "neither a file nor a block device: " + pipe);
    }

    @Test
    void readsBackWhatItWroteThroughEveryKindOfBuffer() {
        final int length = (1 << 20) + 4096; // More than one bounce.
        final MutableDirectBuffer[] buffers = {
            new UnsafeBuffer(new byte[length + 100]),
            new UnsafeBuffer(ByteBuffer.allocate(length + 200).position(100).slice()),
            new UnsafeBuffer(ByteBuffer.allocateDirect(length + 100)),
            new UnsafeBuffer(ByteBuffer.allocateDirect(length + 200), 100, length + 100),
            new UnsafeBuffer(
                    ByteBuffer.allocateDirect(length + 200).position(64).slice()),
            new ExpandableDirectByteBuffer(length + 100),
        };
        long seed = 1;
        for (final MutableDirectBuffer source : buffers) {
            fillWithNoise(source, seed++);
            device.write(4096, source, 36, length);
            for (final MutableDirectBuffer target : buffers) {
                if (target != source) {
                    device.read(4096, target, 36, length);
                    assertThat(bytesOf(target, 36, length)).isEqualTo(bytesOf(source, 36, length));
                    target.setMemory(0, length + 100, (byte) 0x55);
                    device.readMedium(4096, target, 36, length);
                    assertThat(bytesOf(target, 36, length)).isEqualTo(bytesOf(source, 36, length));
                    assertThat(target.getByte(35)).isEqualTo((byte) 0x55);
                    assertThat(target.getByte(36 + length)).isEqualTo((byte) 0x55);
                }
            }
        }
    }

    @Test
    void refusesABufferThatIsTooShort() {
        final UnsafeBuffer buffer = new UnsafeBuffer(new byte[512]);

        assertThatThrownBy(() -> device.write(0, buffer, 0, 1024)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> device.read(0, buffer, 0, 1024)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> device.readMedium(0, buffer, 0, 1024)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void namesDeviceAndPositionWhenTheFileHasBecomeShorter() throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(4096 + 512);
        }
        final UnsafeBuffer target = new UnsafeBuffer(new byte[8192]);

        device.read(4096, target, 0, 512);
        device.readMedium(4096, target, 0, 512);
        assertThatThrownBy(() -> device.read(4096, target, 0, 4096))
                .isInstanceOf(StoreException.class)
                .hasMessage("read of 4096 bytes at position 4096 failed: " + path + ": device ends at position 4608");
        assertThatThrownBy(() -> device.readMedium(4096, target, 0, 4096))
                .isInstanceOf(StoreException.class)
                .hasMessage("read of 4096 bytes at position 4096 failed: " + path + ": device ends at position 4608");
    }

    @Test
    void readsSectorsFromTheMediumAtEveryAlignment() {
        final UnsafeBuffer source = new UnsafeBuffer(new byte[64 << 10]);
        fillWithNoise(source, 7);
        device.write(0, source, 0, source.capacity());
        final UnsafeBuffer target = new UnsafeBuffer(new byte[64 << 10]);
        for (int position = 0; position < 16 << 10; position += 512) {
            for (final int length : new int[] {512, 3584, 4096, 4608, 40960}) {
                device.readMedium(position, target, 0, length);
                assertThat(bytesOf(target, 0, length)).isEqualTo(bytesOf(source, position, length));
            }
        }
    }

    @Test
    void roundsTheLengthOfAFileDownToWholeSectors() throws IOException {
        final Path odd = directory.resolve("odd");
        Files.write(odd, new byte[1000]);

        try (FileBlockDevice opened = FileBlockDevice.open(odd)) {
            assertThat(opened.length()).isEqualTo(512);
        }
    }

    @Test
    void punchesHolesThatReallyFreeSpace() throws Exception {
        final UnsafeBuffer noise = new UnsafeBuffer(new byte[1 << 20]);
        fillWithNoise(noise, 3);
        device.write(0, noise, 0, noise.capacity());
        device.flush();
        final long before = allocatedBytes();
        assertThat(before).isGreaterThanOrEqualTo(1 << 20);

        device.discard(256 << 10, 512 << 10);
        device.flush();

        assertThat(before - allocatedBytes()).isGreaterThanOrEqualTo(512 << 10);
        assertThat(Files.size(path)).isEqualTo(LENGTH);
        final UnsafeBuffer target = new UnsafeBuffer(new byte[256 << 10]);
        device.read(0, target, 0, target.capacity());
        assertThat(bytesOf(target, 0, target.capacity())).isEqualTo(bytesOf(noise, 0, target.capacity()));
    }

    @Test
    void growsAFileAndLetsReadersFollow() throws IOException {
        try (FileBlockDevice reader = FileBlockDevice.openReadOnly(path)) {
            device.grow(2L * LENGTH);
            final UnsafeBuffer sector = new UnsafeBuffer(new byte[512]);
            sector.setMemory(0, 512, (byte) 7);
            device.write(2L * LENGTH - 512, sector, 0, 512);
            device.flush();

            assertThat(device.length()).isEqualTo(2L * LENGTH);
            assertThat(Files.size(path)).isEqualTo(2L * LENGTH);
            sector.setMemory(0, 512, (byte) 0);
            reader.read(2L * LENGTH - 512, sector, 0, 512);
            assertThat(sector.getByte(511)).isEqualTo((byte) 7);
            assertThat(reader.length()).isEqualTo(2L * LENGTH);
        }
    }

    @Test
    void neverShrinksAFileThatHasGrownBehindItsBack() throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(3L * LENGTH);
        }

        device.grow(2L * LENGTH);

        assertThat(Files.size(path)).isEqualTo(3L * LENGTH);
        assertThat(device.length()).isEqualTo(3L * LENGTH);
    }

    @Test
    void openedReadOnlyChangesNothing() {
        device.close();
        device = FileBlockDevice.openReadOnly(path);
        final UnsafeBuffer sector = new UnsafeBuffer(new byte[512]);

        assertThatThrownBy(() -> device.write(0, sector, 0, 512)).hasMessage("opened read-only: " + path);
        assertThatThrownBy(() -> device.grow(2L * LENGTH)).hasMessage("opened read-only: " + path);
        device.discard(0, 512);
        device.flush(); // Allowed: a reader that passes on what it read has to know that it is durable.
    }

    @Test
    void saysThatItIsClosed() {
        device.close();
        device.close();
        final UnsafeBuffer sector = new UnsafeBuffer(new byte[512]);

        assertThatThrownBy(() -> device.read(0, sector, 0, 512)).hasMessage("device is closed: " + path);
        assertThatThrownBy(() -> device.readMedium(0, sector, 0, 512)).hasMessage("device is closed: " + path);
        assertThatThrownBy(() -> device.write(0, sector, 0, 512)).hasMessage("device is closed: " + path);
        assertThatThrownBy(() -> device.flush()).hasMessage("device is closed: " + path);
        assertThatThrownBy(() -> device.grow(2L * LENGTH)).hasMessage("device is closed: " + path);
        device.discard(0, 512);
    }

    @Test
    void isUnusableForNobodyAfterAnInterrupt() throws Exception {
        final AtomicBoolean stop = new AtomicBoolean();
        final FutureTask<?> writer = new FutureTask<>(() -> writeAndFlushUntil(0, stop), null);
        final FutureTask<?> reader = new FutureTask<>(() -> readUntil(stop), null);
        final FutureTask<?> bystander = new FutureTask<>(() -> writeAndFlushUntil(4096, stop), null);
        final Thread interruptedWriter = new Thread(writer);
        final Thread interruptedReader = new Thread(reader);
        interruptedWriter.start();
        interruptedReader.start();
        new Thread(bystander).start();
        try {
            for (int count = 0; count < 50; count++) {
                Thread.sleep(2);
                interruptedWriter.interrupt();
                interruptedReader.interrupt();
            }
        } finally {
            stop.set(true);
        }
        writer.get(5, TimeUnit.SECONDS);
        reader.get(5, TimeUnit.SECONDS);
        bystander.get(5, TimeUnit.SECONDS);
    }

    @Test
    void leavesAnInterruptToWhoeverWaitsForIt() {
        final UnsafeBuffer sector = new UnsafeBuffer(new byte[512]);
        Thread.currentThread().interrupt();
        device.read(0, sector, 0, 512);
        device.readMedium(0, sector, 0, 512);
        device.write(0, sector, 0, 512);
        device.flush();
        assertThat(Thread.interrupted())
                .as("the interrupt is left to whoever waits for it")
                .isTrue();
    }

    private void writeAndFlushUntil(final long position, final AtomicBoolean stop) {
        final UnsafeBuffer sector = new UnsafeBuffer(new byte[512]);
        while (!stop.get()) {
            device.write(position, sector, 0, 512);
            device.flush();
        }
    }

    private void readUntil(final AtomicBoolean stop) {
        final UnsafeBuffer sector = new UnsafeBuffer(new byte[512]);
        while (!stop.get()) {
            device.read(0, sector, 0, 512);
            device.readMedium(4096, sector, 0, 512);
        }
    }

    private static void assertRefusal(final Runnable opening, final Reason reason, final String start) {
        assertThatThrownBy(opening::run)
                .isInstanceOf(DeviceOpenException.class)
                .hasMessageStartingWith(start)
                .hasMessageNotContaining("\n")
                .extracting(ex -> ((DeviceOpenException) ex).reason())
                .isEqualTo(reason);
    }

    private long allocatedBytes() throws Exception {
        final Process stat = new ProcessBuilder("stat", "-c", "%b %B", path.toString()).start();
        final String[] counts =
                new String(stat.getInputStream().readAllBytes()).trim().split(" ");
        return Long.parseLong(counts[0]) * Long.parseLong(counts[1]);
    }

    private static void fillWithNoise(final MutableDirectBuffer buffer, final long seed) {
        final byte[] noise = new byte[buffer.capacity()];
        new SplittableRandom(seed).nextBytes(noise);
        buffer.putBytes(0, noise);
    }

    private static byte[] bytesOf(final MutableDirectBuffer buffer, final int index, final int length) {
        final byte[] bytes = new byte[length];
        buffer.getBytes(index, bytes);
        return bytes;
    }

    // Long writes and preparing

    @Test
    void readsBackLongWritesThatWentPastThePageCache() {
        final UnsafeBuffer aligned = new UnsafeBuffer(BufferUtil.allocateDirectAligned(1 << 20, 4096));
        final UnsafeBuffer found = new UnsafeBuffer(new byte[1 << 20]);
        for (int round = 0; round < 4; round++) { // A cached page must not survive the write beneath it.
            aligned.setMemory(0, aligned.capacity(), (byte) (round + 1));
            final int length = 64 << 10 << round;

            device.write(1 << 20, aligned, 0, length);

            device.read(1 << 20, found, 0, length);
            assertThat(found.byteArray()[0]).isEqualTo((byte) (round + 1));
            assertThat(found.byteArray()[length - 1]).isEqualTo((byte) (round + 1));
        }
    }

    @Test
    void aLongWriteTakesRoomForThoseThatFollowIt() throws Exception {
        final UnsafeBuffer aligned = new UnsafeBuffer(BufferUtil.allocateDirectAligned(1 << 20, 4096));
        fillWithNoise(aligned, 5);

        device.write(1 << 20, aligned, 0, 64 << 10);
        device.flush();
        assertThat(allocatedBytes()).as("after a short write").isBetween(64L << 10, 1L << 20);
        device.write(RoomAhead.PIECE_LENGTH + (1 << 20), aligned, 0, 1 << 20);
        device.flush();
        assertThat(allocatedBytes()).isBetween((long) RoomAhead.PIECE_LENGTH, RoomAhead.PIECE_LENGTH + (1L << 20));
        final UnsafeBuffer found = new UnsafeBuffer(new byte[1 << 20]);
        device.read(RoomAhead.PIECE_LENGTH + (2 << 20), found, 0, found.capacity());
        assertThat(found.byteArray()).as("room that nobody has written to").containsOnly(0);
        device.read(RoomAhead.PIECE_LENGTH + (1 << 20), found, 0, found.capacity());
        assertThat(found.byteArray()).isEqualTo(bytesOf(aligned, 0, 1 << 20));
    }

    @Test
    void roomThatWasGivenBackIsTakenAgain() throws Exception {
        final UnsafeBuffer aligned = new UnsafeBuffer(BufferUtil.allocateDirectAligned(1 << 20, 4096));
        device.write(0, aligned, 0, 1 << 20);
        device.discard(0, RoomAhead.PIECE_LENGTH);
        device.flush();
        assertThat(allocatedBytes()).isLessThan(1 << 20);

        device.write(0, aligned, 0, 1 << 20);
        device.flush();

        assertThat(allocatedBytes()).isGreaterThanOrEqualTo(RoomAhead.PIECE_LENGTH);
    }

    @Test
    void roomEndsWhereTheFileEnds() throws Exception {
        device.grow(LENGTH + (1 << 20));
        device.write(LENGTH, new UnsafeBuffer(BufferUtil.allocateDirectAligned(1 << 20, 4096)), 0, 1 << 20);
        device.flush();

        assertThat(allocatedBytes()).isBetween(1L << 20, 2L << 20);
        assertThat(Files.size(path)).isEqualTo(LENGTH + (1 << 20));
    }

    @Test
    void preparingFillsHolesAndLeavesDataAlone() throws Exception {
        final UnsafeBuffer data = new UnsafeBuffer(new byte[4096]);
        data.setMemory(0, 4096, (byte) 7);
        device.write(2 << 20, data, 0, 4096);
        device.flush();
        final long before = allocatedBytes();

        device.prepare(1 << 20, 3 << 20);
        device.flush();

        assertThat(allocatedBytes() - before).isGreaterThanOrEqualTo((3 << 20) - 4096);
        final UnsafeBuffer found = new UnsafeBuffer(new byte[3 << 20]);
        device.read(1 << 20, found, 0, found.capacity());
        for (int i = 0; i < found.capacity(); i++) {
            if (found.getByte(i) != (i >= 1 << 20 && i < (1 << 20) + 4096 ? 7 : 0)) {
                throw new AssertionError("byte " + i + ": " + found.getByte(i));
            }
        }
    }

    @Test
    void aHintThatComesAfterClosingDoesNothing() {
        device.close();
        device.prepare(0, 4096);
        device.hurry(0, 4096);
    }

    @Test
    void saysWhichModesOfInputAndOutputThereAre() {
        assertThat(IoMode.parse("direct")).isEqualTo(IoMode.DIRECT);
        assertThatThrownBy(() -> IoMode.parse("fast"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("io: fast (expected: auto, buffered or direct)");
    }
}
