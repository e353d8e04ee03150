package io.icecore.store.device;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static io.icecore.store.device.BlockDevice.SECTOR_LENGTH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every {@link BlockDevice} must do. One subclass for each implementation, the simulated one included.
 *
 * <p>It stands in the module of the simulated device because tests there see both implementations: what one passes and
 * the other does not would make the simulation prove nothing.
 */
public abstract class BlockDeviceContract {
    private static final int LENGTH = 1 << 20;

    private BlockDevice device;

    /** A new device under test, {@code length} bytes long and zero-filled. Closed by the contract. */
    protected abstract BlockDevice create(int length) throws Exception;

    /** A read-only opening of the device that {@link #create} made, which stays open. Closed by the contract. */
    protected abstract BlockDevice openReadOnly();

    @BeforeEach
    void createDevice() throws Exception {
        device = create(LENGTH);
    }

    @AfterEach
    void closeDevice() {
        device.close();
    }

    @Test
    void startsWithZeroes() {
        assertThat(read(0, LENGTH)).isEqualTo(new byte[LENGTH]);
        assertThat(readMedium(0, LENGTH)).isEqualTo(new byte[LENGTH]);
    }

    @Test
    void tellsItsLength() {
        assertThat(device.length()).isEqualTo(LENGTH);
        assertThat(device.readOnly()).isFalse();
        assertThat(device.name()).isNotBlank();
    }

    @Test
    void readsWhatWasWrittenBeforeAnyFlush() {
        final byte[] written = noise(1, BLOCK_LENGTH);
        write(BLOCK_LENGTH, written);

        assertThat(read(BLOCK_LENGTH, BLOCK_LENGTH)).isEqualTo(written);
        assertThat(readMedium(BLOCK_LENGTH, BLOCK_LENGTH)).isEqualTo(written);
    }

    @Test
    void leavesNeighbouringSectorsAlone() {
        write(0, noise(1, 3 * SECTOR_LENGTH));
        final byte[] written = noise(2, SECTOR_LENGTH);
        write(SECTOR_LENGTH, written);

        assertThat(read(0, SECTOR_LENGTH)).isEqualTo(slice(noise(1, 3 * SECTOR_LENGTH), 0, SECTOR_LENGTH));
        assertThat(read(SECTOR_LENGTH, SECTOR_LENGTH)).isEqualTo(written);
        assertThat(read(2 * SECTOR_LENGTH, SECTOR_LENGTH))
                .isEqualTo(slice(noise(1, 3 * SECTOR_LENGTH), 2 * SECTOR_LENGTH, SECTOR_LENGTH));
    }

    @Test
    void keepsContentAcrossAFlush() {
        final byte[] written = noise(3, 5 * SECTOR_LENGTH);
        write(7 * SECTOR_LENGTH, written);
        device.flush();

        assertThat(read(7 * SECTOR_LENGTH, written.length)).isEqualTo(written);
        assertThat(readMedium(7 * SECTOR_LENGTH, written.length)).isEqualTo(written);
    }

    @Test
    void doesAsAnArrayDoesOverManyRandomOperations() {
        final byte[] expected = new byte[LENGTH];
        final SplittableRandom random = new SplittableRandom(42);
        for (int operation = 0; operation < 500; operation++) {
            final int length = (1 + random.nextInt(40)) * SECTOR_LENGTH;
            final int position = random.nextInt((LENGTH - length) / SECTOR_LENGTH + 1) * SECTOR_LENGTH;
            switch (random.nextInt(8)) {
                case 0 -> device.flush();
                case 1, 2 -> assertThat(readMedium(position, length)).isEqualTo(slice(expected, position, length));
                case 3, 4 -> assertThat(read(position, length)).isEqualTo(slice(expected, position, length));
                default -> {
                    final byte[] written = noise(random.nextLong(), length);
                    write(position, written);
                    System.arraycopy(written, 0, expected, position, length);
                }
            }
        }
        assertThat(read(0, LENGTH)).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void usesOnlyItsPartOfABuffer(final boolean direct) {
        final UnsafeBuffer buffer = direct
                ? new UnsafeBuffer(ByteBuffer.allocateDirect(4 * SECTOR_LENGTH))
                : new UnsafeBuffer(new byte[4 * SECTOR_LENGTH]);
        write(0, noise(5, SECTOR_LENGTH));
        buffer.setMemory(0, buffer.capacity(), (byte) 0x5A);

        device.read(0, buffer, 100, SECTOR_LENGTH);
        device.write(SECTOR_LENGTH, buffer, 100, SECTOR_LENGTH);

        assertThat(buffer.getByte(99)).isEqualTo((byte) 0x5A);
        assertThat(buffer.getByte(100 + SECTOR_LENGTH)).isEqualTo((byte) 0x5A);
        assertThat(read(SECTOR_LENGTH, SECTOR_LENGTH)).isEqualTo(noise(5, SECTOR_LENGTH));
        assertThat(read(2 * SECTOR_LENGTH, SECTOR_LENGTH)).containsOnly(0);
    }

    @Test
    void readsAndWritesItsLastSector() {
        final byte[] written = noise(6, SECTOR_LENGTH);
        write(LENGTH - SECTOR_LENGTH, written);

        assertThat(read(LENGTH - SECTOR_LENGTH, SECTOR_LENGTH)).isEqualTo(written);
        assertThat(readMedium(LENGTH - SECTOR_LENGTH, SECTOR_LENGTH)).isEqualTo(written);
    }

    @Test
    void refusesRangesThatDoNotLieWithin() {
        final UnsafeBuffer buffer = new UnsafeBuffer(new byte[2 * SECTOR_LENGTH]);
        for (final long position : new long[] {LENGTH - SECTOR_LENGTH, LENGTH, -SECTOR_LENGTH, 1L << 62, -1L << 62}) {
            assertThatThrownBy(() -> device.read(position, buffer, 0, 2 * SECTOR_LENGTH))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining(device.name());
            assertThatThrownBy(() -> device.readMedium(position, buffer, 0, 2 * SECTOR_LENGTH))
                    .isInstanceOf(StoreException.class);
            assertThatThrownBy(() -> device.write(position, buffer, 0, 2 * SECTOR_LENGTH))
                    .isInstanceOf(StoreException.class);
        }
        assertThat(device.length()).isEqualTo(LENGTH);
    }

    @Test
    void takesAnythingThatIsNotInWholeSectorsForABug() {
        final UnsafeBuffer buffer = new UnsafeBuffer(new byte[SECTOR_LENGTH]);

        assertThatThrownBy(() -> device.read(1, buffer, 0, SECTOR_LENGTH)).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> device.write(0, buffer, 0, 100)).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> device.discard(1, SECTOR_LENGTH)).isInstanceOf(AssertionError.class);
    }

    @Test
    void refusesBuffersThatAreTooShort() {
        final UnsafeBuffer buffer = new UnsafeBuffer(new byte[SECTOR_LENGTH]);

        assertThatThrownBy(() -> device.read(0, buffer, 1, SECTOR_LENGTH))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> device.readMedium(0, buffer, 1, SECTOR_LENGTH))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> device.write(0, buffer, 1, SECTOR_LENGTH))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void discardsOnlyWhatItIsTold() {
        final byte[] written = noise(8, 4 * BLOCK_LENGTH);
        write(0, written);

        device.discard(BLOCK_LENGTH, 2 * BLOCK_LENGTH);
        device.discard(LENGTH - SECTOR_LENGTH, BLOCK_LENGTH); // Reaches beyond the end; a hint does not fail.
        device.flush();

        assertThat(read(0, BLOCK_LENGTH)).isEqualTo(slice(written, 0, BLOCK_LENGTH));
        assertThat(read(3 * BLOCK_LENGTH, BLOCK_LENGTH)).isEqualTo(slice(written, 3 * BLOCK_LENGTH, BLOCK_LENGTH));
    }

    @Test
    void canWriteAgainWhatWasDiscarded() {
        write(0, noise(9, BLOCK_LENGTH));
        device.discard(0, BLOCK_LENGTH);
        write(0, noise(10, BLOCK_LENGTH));

        assertThat(read(0, BLOCK_LENGTH)).isEqualTo(noise(10, BLOCK_LENGTH));
        assertThat(readMedium(0, BLOCK_LENGTH)).isEqualTo(noise(10, BLOCK_LENGTH));
    }

    @Test
    void growsAndKeepsItsContent() {
        write(LENGTH - SECTOR_LENGTH, noise(11, SECTOR_LENGTH));

        device.grow(2 * LENGTH);
        write(2 * LENGTH - SECTOR_LENGTH, noise(12, SECTOR_LENGTH));
        device.flush();

        assertThat(device.length()).isEqualTo(2 * LENGTH);
        assertThat(read(LENGTH - SECTOR_LENGTH, SECTOR_LENGTH)).isEqualTo(noise(11, SECTOR_LENGTH));
        assertThat(read(2 * LENGTH - SECTOR_LENGTH, SECTOR_LENGTH)).isEqualTo(noise(12, SECTOR_LENGTH));
        assertThat(read(LENGTH, LENGTH - SECTOR_LENGTH)).isEqualTo(new byte[LENGTH - SECTOR_LENGTH]);
    }

    @Test
    void neverBecomesShorter() {
        device.grow(SECTOR_LENGTH);

        assertThat(device.length()).isEqualTo(LENGTH);
    }

    @Test
    void showsReadersWhatTheWriterWrites() {
        try (BlockDevice reader = openReadOnly()) {
            write(0, noise(13, BLOCK_LENGTH));

            final UnsafeBuffer target = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
            reader.read(0, target, 0, BLOCK_LENGTH);
            assertThat(target.byteArray()).isEqualTo(noise(13, BLOCK_LENGTH));
            target.setMemory(0, BLOCK_LENGTH, (byte) 0);
            reader.readMedium(0, target, 0, BLOCK_LENGTH);
            assertThat(target.byteArray()).isEqualTo(noise(13, BLOCK_LENGTH));
            reader.flush();

            assertThat(reader.readOnly()).isTrue();
            assertThatThrownBy(() -> reader.write(0, target, 0, BLOCK_LENGTH)).isInstanceOf(StoreException.class);
            assertThatThrownBy(() -> reader.grow(2 * LENGTH)).isInstanceOf(StoreException.class);
            reader.discard(0, BLOCK_LENGTH);
            assertThat(read(0, BLOCK_LENGTH)).isEqualTo(noise(13, BLOCK_LENGTH));
        }
    }

    @Test
    void canBeClosedTwiceAndThenSaysSo() {
        final UnsafeBuffer buffer = new UnsafeBuffer(new byte[SECTOR_LENGTH]);
        device.close();
        device.close();

        assertThatThrownBy(() -> device.read(0, buffer, 0, SECTOR_LENGTH))
                .isInstanceOf(StoreException.class)
                .hasMessage("device is closed: " + device.name());
        assertThatThrownBy(() -> device.readMedium(0, buffer, 0, SECTOR_LENGTH)).isInstanceOf(StoreException.class);
        assertThatThrownBy(() -> device.write(0, buffer, 0, SECTOR_LENGTH)).isInstanceOf(StoreException.class);
        assertThatThrownBy(() -> device.flush()).isInstanceOf(StoreException.class);
        device.discard(0, SECTOR_LENGTH);
    }

    @Test
    void servesSeveralThreadsSideBySide() throws Exception {
        final int part = LENGTH / 4;
        final List<FutureTask<byte[]>> tasks = new ArrayList<>();
        for (int thread = 0; thread < 4; thread++) {
            final int start = thread * part;
            final FutureTask<byte[]> task = new FutureTask<>(() -> writeAndReadBack(start, part));
            tasks.add(task);
            new Thread(task).start();
        }
        for (int thread = 0; thread < 4; thread++) {
            final byte[] expected = tasks.get(thread).get(20, TimeUnit.SECONDS);
            assertThat(read(thread * part, part)).isEqualTo(expected);
        }
    }

    private byte[] writeAndReadBack(final int start, final int part) {
        final byte[] expected = new byte[part];
        final SplittableRandom random = new SplittableRandom(start);
        for (int count = 0; count < 100; count++) {
            final int offset = random.nextInt(part / BLOCK_LENGTH) * BLOCK_LENGTH;
            final byte[] written = noise(random.nextLong(), BLOCK_LENGTH);
            write(start + offset, written);
            System.arraycopy(written, 0, expected, offset, BLOCK_LENGTH);
            if (count % 10 == 0) {
                device.flush();
            }
            assertThat(read(start + offset, BLOCK_LENGTH)).isEqualTo(written);
        }
        return expected;
    }

    private void write(final long position, final byte[] bytes) {
        device.write(position, new UnsafeBuffer(bytes), 0, bytes.length);
    }

    private byte[] read(final long position, final int length) {
        final byte[] bytes = new byte[length];
        device.read(position, new UnsafeBuffer(bytes), 0, length);
        return bytes;
    }

    private byte[] readMedium(final long position, final int length) {
        final byte[] bytes = new byte[length];
        device.readMedium(position, new UnsafeBuffer(bytes), 0, length);
        return bytes;
    }

    private static byte[] noise(final long seed, final int length) {
        final byte[] bytes = new byte[length];
        new SplittableRandom(seed).nextBytes(bytes);
        return bytes;
    }

    private static byte[] slice(final byte[] bytes, final int start, final int length) {
        final byte[] slice = new byte[length];
        System.arraycopy(bytes, start, slice, 0, length);
        return slice;
    }
}
