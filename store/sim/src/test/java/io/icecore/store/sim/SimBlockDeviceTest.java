package io.icecore.store.sim;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static io.icecore.store.device.BlockDevice.SECTOR_LENGTH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.NoSpaceException;
import io.icecore.store.device.StoreException;
import io.icecore.store.sim.SimBlockDevice.Kind;
import io.icecore.store.sim.SimBlockDevice.Operation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

/** Operations, faults and copies; what a power loss leaves is the matter of {@link PowerLossTest}. */
class SimBlockDeviceTest {
    private static final long LENGTH = 1 << 20;

    private final SimBlockDevice device = new SimBlockDevice(LENGTH);

    @Test
    void countsAFlushAsTwoOperations() {
        final List<Operation> seen = new ArrayList<>();
        device.onOperation(seen::add);

        write(device, 0, 1);
        device.flush();
        device.discard(0, BLOCK_LENGTH);
        device.grow(2 * LENGTH);
        read(device, 0);

        assertThat(seen)
                .containsExactly(
                        new Operation(0, Kind.WRITE, 0, SECTOR_LENGTH),
                        new Operation(1, Kind.FLUSH_START, 0, 0),
                        new Operation(2, Kind.FLUSH_END, 0, 0),
                        new Operation(3, Kind.DISCARD, 0, BLOCK_LENGTH),
                        new Operation(4, Kind.GROW, LENGTH, 2 * LENGTH));
        assertThat(device.operations()).isEqualTo(5);
        assertThat(device.reads()).isEqualTo(1);
        assertThat(device.writes()).isEqualTo(1);
        assertThat(device.flushes()).isEqualTo(1);
        assertThat(device.bytesWritten()).isEqualTo(SECTOR_LENGTH);
    }

    @Test
    void failsEverythingFromTheOperationAtWhichPowerIsLost() {
        device.losePowerAt(1);
        write(device, 0, 1);

        assertThatThrownBy(() -> write(device, 512, 2))
                .isInstanceOf(PowerLoss.class)
                .hasMessage("power lost at operation 1");
        assertThatThrownBy(() -> read(device, 0)).isInstanceOf(PowerLoss.class);
        assertThatThrownBy(() -> device.readMedium(0, new UnsafeBuffer(new byte[512]), 0, 512))
                .isInstanceOf(PowerLoss.class);
        assertThatThrownBy(device::flush).isInstanceOf(PowerLoss.class);
        assertThatThrownBy(() -> device.discard(0, 512)).isInstanceOf(PowerLoss.class);
        assertThatThrownBy(() -> device.grow(2 * LENGTH)).isInstanceOf(PowerLoss.class);
        assertThat(device.operations()).isEqualTo(1);
        device.close();
    }

    @Test
    void recognisesAPowerLossHoweverItWasWrapped() {
        assertThat(PowerLoss.isCauseOf(new IllegalStateException(new StoreException("commit", new PowerLoss(3)))))
                .isTrue();
        assertThat(PowerLoss.isCauseOf(new StoreException("other"))).isFalse();
    }

    @Test
    void doesNotCoverWritesMadeDuringAFlush() {
        write(device, 0, 1);
        device.onOperation(operation -> {
            if (operation.kind() == Kind.FLUSH_START) {
                write(device, 0, 2);
                write(device, 512, 3);
            }
        });

        device.flush();

        assertThat(read(device, 0)).isEqualTo(2);
        final SimBlockDevice found = device.powerCycle(1, Survival.NOTHING);
        assertThat(read(found, 0)).isEqualTo(1);
        assertThat(read(found, 512)).isZero();
    }

    @Test
    void losesPowerBetweenStartAndEndOfAFlush() {
        write(device, 0, 1);
        device.losePowerAt(1);
        assertThatThrownBy(device::flush).isInstanceOf(PowerLoss.class);
        assertThat(read(device.powerCycle(1, Survival.NOTHING), 0)).isZero();

        final SimBlockDevice other = new SimBlockDevice(LENGTH);
        write(other, 0, 1);
        other.losePowerAt(2);
        assertThatThrownBy(other::flush).isInstanceOf(PowerLoss.class);
        assertThat(read(other.powerCycle(1, Survival.NOTHING), 0)).isEqualTo(1);
    }

    @Test
    void keepsWhatIsCachedWhenTheProcessIsKilled() {
        write(device, 0, 1);
        device.flush();
        write(device, 0, 2);
        device.close();

        final SimBlockDevice next = device.kill();

        assertThat(read(next, 0)).isEqualTo(2);
        assertThat(next.operations()).isZero();
        assertThat(read(next.powerCycle(1, Survival.NOTHING), 0)).isEqualTo(1);
        next.flush();
        assertThat(read(next.powerCycle(1, Survival.NOTHING), 0)).isEqualTo(2);
    }

    @Test
    void forksIndependentCopies() {
        write(device, 0, 1);
        device.losePowerAt(3);
        final SimBlockDevice fork = device.fork();

        write(device, 0, 2);
        write(fork, 0, 3);

        assertThat(read(device, 0)).isEqualTo(2);
        assertThat(read(fork, 0)).isEqualTo(3);
        assertThat(fork.operations()).isEqualTo(2);
        write(fork, 0, 4);
        assertThatThrownBy(() -> write(fork, 0, 5)).isInstanceOf(PowerLoss.class);
        write(device, 0, 6);
        assertThat(read(device, 0)).isEqualTo(6);
    }

    @Test
    void failsTheOperationsThatItIsToldToFail() {
        device.faults().failRead(1).failWrite(1);
        write(device, 0, 1);
        assertThat(read(device, 0)).isEqualTo(1);

        assertThatThrownBy(() -> read(device, 0))
                .isInstanceOf(StoreException.class)
                .hasMessage("planned failure of read 1 at position 0");
        assertThatThrownBy(() -> write(device, 512, 2))
                .isInstanceOf(StoreException.class)
                .hasMessage("planned failure of write 1 at position 512");
        assertThat(read(device, 0)).isEqualTo(1);
        write(device, 512, 3);
        assertThat(read(device, 512)).isEqualTo(3);
    }

    @Test
    void landsAPrefixOfAFailedWrite() {
        boolean partial = false;
        for (int seed = 0; seed < 50 && !partial; seed++) {
            final SimBlockDevice other = new SimBlockDevice(LENGTH, seed);
            other.faults().failWrite(0);
            final byte[] ones = new byte[BLOCK_LENGTH];
            Arrays.fill(ones, (byte) 1);
            assertThatThrownBy(() -> other.write(0, new UnsafeBuffer(ones), 0, ones.length))
                    .isInstanceOf(StoreException.class);
            partial = read(other, 0) == 1 && read(other, BLOCK_LENGTH - SECTOR_LENGTH) == 0;
        }
        assertThat(partial).isTrue();
    }

    @Test
    void failsWithinARangeUntilCleared() {
        device.faults().failReadsWithin(4096, 4096).failWritesWithin(8192, 512);
        write(device, 4096, 1);

        assertThatThrownBy(() -> read(device, 4096)).isInstanceOf(StoreException.class);
        assertThatThrownBy(() -> device.readMedium(0, new UnsafeBuffer(new byte[8192]), 0, 8192))
                .isInstanceOf(StoreException.class);
        assertThatThrownBy(() -> write(device, 8192, 1)).isInstanceOf(StoreException.class);
        assertThat(read(device, 8192)).isZero();
        write(device, 8192 + 512, 1);

        device.faults().clear();
        assertThat(read(device, 4096)).isEqualTo(1);
        write(device, 8192, 1);
    }

    @Test
    void runsOutOfSpaceAndGetsItBack() {
        write(device, 0, 1);
        device.faults().refuseWritesFrom(device.writes());

        assertThatThrownBy(() -> write(device, 0, 2)).isInstanceOf(NoSpaceException.class);
        assertThatThrownBy(() -> write(device, 0, 2)).isInstanceOf(NoSpaceException.class);
        assertThat(read(device, 0)).isEqualTo(1);

        device.faults().clear();
        write(device, 0, 2);
        assertThat(read(device, 0)).isEqualTo(2);
    }

    @Test
    void dropsSectorsInAFailedFlushWhileReadsGoOnShowingThem() {
        write(device, 0, 1);
        device.flush();
        device.faults().failFlush(1);
        write(device, 0, 2); // The only dirty sector, so it is the one that is dropped.

        assertThatThrownBy(device::flush).hasMessage("planned failure of flush 1");

        assertThat(read(device, 0)).isEqualTo(2);
        assertThat(readMedium(device, 0)).isEqualTo(1);
        device.flush(); // Succeeds, and saves nothing.
        assertThat(read(device, 0)).isEqualTo(2);
        assertThat(readMedium(device, 0)).isEqualTo(1);
        assertThat(read(device.powerCycle(1, Survival.EVERYTHING), 0)).isEqualTo(1);

        final SimBlockDevice next = device.kill();
        assertThat(read(next, 0)).isEqualTo(2);
        assertThat(readMedium(next, 0)).isEqualTo(1);
        next.dropPageCache();
        assertThat(read(next, 0)).isEqualTo(1);

        write(device, 0, 3);
        device.flush();
        assertThat(readMedium(device, 0)).isEqualTo(3);
        assertThat(read(device.powerCycle(1, Survival.NOTHING), 0)).isEqualTo(3);
    }

    @Test
    void dropsOnlySomeSectorsOfAFailedFlush() {
        boolean mixed = false;
        for (int seed = 0; seed < 20; seed++) {
            final SimBlockDevice other = new SimBlockDevice(LENGTH, seed);
            other.faults().failFlush(0);
            final byte[] ones = new byte[BLOCK_LENGTH];
            Arrays.fill(ones, (byte) 1);
            other.write(0, new UnsafeBuffer(ones), 0, ones.length);
            assertThatThrownBy(other::flush).isInstanceOf(StoreException.class);

            int dropped = 0;
            for (int position = 0; position < BLOCK_LENGTH; position += SECTOR_LENGTH) {
                assertThat(read(other, position)).isEqualTo(1);
                dropped += 1 - readMedium(other, position);
            }
            assertThat(dropped).isPositive();
            mixed |= dropped < 8;

            // Dropped sectors never become durable; the others do with the next flush.
            other.flush();
            final SimBlockDevice found = other.powerCycle(seed);
            for (int position = 0; position < BLOCK_LENGTH; position += SECTOR_LENGTH) {
                assertThat(read(found, position)).isEqualTo(readMedium(other, position));
            }
        }
        assertThat(mixed).isTrue();
    }

    @Test
    void failsAFlushThatRanBesideOneThatDroppedSectors() {
        write(device, 0, 1);
        device.faults().failFlush(1);
        final List<Throwable> failures = new ArrayList<>();
        device.onOperation(operation -> {
            if (operation.kind() == Kind.FLUSH_START && device.flushes() == 1) {
                try {
                    device.flush();
                } catch (final StoreException ex) {
                    failures.add(ex);
                }
            }
        });

        assertThatThrownBy(device::flush).isInstanceOf(StoreException.class);

        assertThat(failures).hasSize(1);
        assertThat(readMedium(device, 0)).isZero();
    }

    @Test
    void readsDiscardedBlocksAsAnything() {
        boolean kept = false;
        boolean zeroed = false;
        boolean noise = false;
        for (int seed = 0; seed < 60; seed++) {
            final SimBlockDevice other = new SimBlockDevice(10L << 40, seed);
            write(other, 4096, 1);
            other.flush();

            other.discard(0, 10L << 40);

            final int found = read(other, 4096);
            kept |= found == 1;
            zeroed |= found == 0;
            noise |= found != 0 && found != 1;
            assertThat(read(other.powerCycle(seed, Survival.NOTHING), 4096)).isEqualTo(1);
        }
        assertThat(kept && zeroed && noise).isTrue();
    }

    @Test
    void losesAGrowthThatNoFlushCovers() {
        device.grow(2 * LENGTH);
        assertThat(device.powerCycle(1, Survival.NOTHING).length()).isEqualTo(LENGTH);
        assertThat(device.powerCycle(1, Survival.EVERYTHING).length()).isEqualTo(2 * LENGTH);
        device.flush();
        assertThat(device.powerCycle(1, Survival.NOTHING).length()).isEqualTo(2 * LENGTH);
    }

    @Test
    void flipsABitForGood() {
        write(device, 0, 4);
        device.flush();

        device.flipBit(0, 0);

        assertThat(read(device, 0)).isEqualTo(5);
        assertThat(readMedium(device, 0)).isEqualTo(5);
        assertThat(read(device.powerCycle(1), 0)).isEqualTo(5);
        assertThat(device.writtenPositions()).containsExactly(0);
    }

    @Test
    void holdsTenTebibytesWithAFewWrittenBlocks() {
        final SimBlockDevice large = new SimBlockDevice(10L << 40);
        write(large, (10L << 40) - SECTOR_LENGTH, 9);
        write(large, 5L << 40, 8);
        large.flush();

        final SimBlockDevice found = large.powerCycle(1);

        assertThat(read(found, (10L << 40) - SECTOR_LENGTH)).isEqualTo(9);
        assertThat(found.writtenPositions()).containsExactly(5L << 40, (10L << 40) - BLOCK_LENGTH);
    }

    /** A sector whose every byte is {@code value}. */
    private static void write(final BlockDevice device, final long position, final int value) {
        final byte[] sector = new byte[SECTOR_LENGTH];
        Arrays.fill(sector, (byte) value);
        device.write(position, new UnsafeBuffer(sector), 0, SECTOR_LENGTH);
    }

    private static int read(final BlockDevice device, final long position) {
        final UnsafeBuffer sector = new UnsafeBuffer(new byte[SECTOR_LENGTH]);
        device.read(position, sector, 0, SECTOR_LENGTH);
        return sector.getByte(0);
    }

    private static int readMedium(final BlockDevice device, final long position) {
        final UnsafeBuffer sector = new UnsafeBuffer(new byte[SECTOR_LENGTH]);
        device.readMedium(position, sector, 0, SECTOR_LENGTH);
        return sector.getByte(0);
    }
}
