package io.icecore.store;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.device.NoSpaceException;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.Checksum;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.space.BlockRun;
import io.icecore.store.tree.TreeEntry;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The device reports an error at each of its operations: that request fails with it, the store goes on or takes no more
 * writes and says so, and after reopening everything acknowledged is there.
 */
class DeviceErrorTest {
    private static final int COMMITS = 6;

    /** Operations of which kind fail, from some ordinal on or at it. */
    enum Trouble {
        WRITE_FAILS,
        FLUSH_FAILS,
        NO_SPACE_BELOW,
        DEVICE_GONE
    }

    private SimBlockDevice device;
    private Store store;
    private int acknowledged;

    private void start(final long seed) {
        device = new SimBlockDevice(16L << 20, seed);
        Store.format(device, "errors");
        store = Store.open(device);
        acknowledged = 0;
    }

    private void plan(final Trouble trouble, final int ordinal) {
        switch (trouble) {
            case WRITE_FAILS -> device.faults().failWrite(device.writes() + ordinal);
            case FLUSH_FAILS -> device.faults().failFlush(device.flushes() + ordinal);
            case NO_SPACE_BELOW -> device.faults().refuseWritesFrom(device.writes() + ordinal);
            case DEVICE_GONE -> {
                final long from = device.operations() + ordinal;
                device.onOperation(operation -> {
                    if (operation.ordinal() >= from) {
                        device.faults().failEverything();
                    }
                });
            }
        }
    }

    /** Writes a block and names it in the head, as the layer above does. */
    private void write(final long number) {
        final UnsafeBuffer data = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
        data.setMemory(0, BLOCK_LENGTH, (byte) number);
        final long block;
        store.lock();
        try {
            block = BlockRun.block(store.allocate(1));
        } finally {
            store.unlock();
        }
        try {
            store.write(block, data, 0, 1);
        } catch (final StoreException ex) {
            store.lock();
            try {
                store.abandon(block, 1);
            } finally {
                store.unlock();
            }
            throw ex;
        }
        final UnsafeBuffer checksum = new UnsafeBuffer(new byte[Integer.BYTES]);
        checksum.putInt(0, Checksum.of(data, 0, BLOCK_LENGTH), LITTLE_ENDIAN);
        final UnsafeBuffer value = new UnsafeBuffer(new byte[Long.BYTES]);
        value.putLong(0, block);
        store.lock();
        try {
            store.settle(block, 1, checksum, 0);
            store.head().put(1, number, value, 0, Long.BYTES);
        } finally {
            store.unlock();
        }
    }

    /** How many numbers the store has, from 1 on without a gap, each with its data. */
    private static int numbersIn(final Store opened) {
        final UnsafeBuffer data = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
        final TreeEntry entry = new TreeEntry();
        int number = 0;
        while (opened.head().get(1, number + 1, entry)) {
            number++;
            opened.read(entry.value.getLong(0), data, 0, 1);
            assertThat(data.getByte(77)).isEqualTo((byte) number);
        }
        return number;
    }

    /** Returns the first error, or null. */
    private StoreException writeAndCommit() {
        for (int number = 1; number <= COMMITS; number++) {
            try {
                write(number);
                store.commit();
                acknowledged = number;
            } catch (final StoreException ex) {
                return ex;
            }
        }
        return null;
    }

    @ParameterizedTest
    @EnumSource
    void whatWasAcknowledgedIsThereWhicheverOperationFails(final Trouble trouble) {
        int failures = 0;
        for (int ordinal = 0; ordinal < 6 * COMMITS; ordinal++) {
            start(ordinal);
            plan(trouble, ordinal);

            final StoreException error = writeAndCommit();

            if (error != null) {
                failures++;
                final Throwable cause = causeOf(error);
                assertThat(cause).hasMessageContaining("planned");
                assertThat(cause instanceof NoSpaceException).isEqualTo(trouble == Trouble.NO_SPACE_BELOW);
                requireAcknowledgedAfterACrash(trouble, ordinal);
                goesOnOrSaysThatItDoesNot(trouble);
            }
            device.onOperation(operation -> {});
            requireAcknowledgedAfterACrash(trouble, ordinal);
        }
        assertThat(failures).isPositive();
    }

    private void requireAcknowledgedAfterACrash(final Trouble trouble, final int ordinal) {
        for (final SimBlockDevice found : new SimBlockDevice[] {device.kill(), device.powerCycle(ordinal)}) {
            assertThat(numbersIn(Store.open(found)))
                    .as("%s %d", trouble, ordinal)
                    .isBetween(acknowledged, acknowledged + 1);
        }
    }

    private static Throwable causeOf(final Throwable error) {
        return error.getCause() == null ? error : causeOf(error.getCause());
    }

    /** A failed write of data is its own affair, and want of space below passes; any other failed commit ends writing. */
    private void goesOnOrSaysThatItDoesNot(final Trouble trouble) {
        device.onOperation(operation -> {});
        if (trouble == Trouble.NO_SPACE_BELOW) {
            assertThat(store.info().health()).isEqualTo("ok");
            assertThat(store.noRoomBelow()).contains("planned");
        }
        device.faults().clear();
        if (store.info().health().equals("ok")) {
            store.idle(); // What a timer does: writes what was cut, if that is what failed.
            store.idle();
            store.commit();
            for (int number = acknowledged + 1; number <= COMMITS; number++) {
                write(number);
                store.commit();
                acknowledged = number;
            }
            assertThat(store.noRoomBelow()).isNull();
            return;
        }
        assertThat(store.info().health()).startsWith("takes no more writes: ");
        assertThatThrownBy(store::commit).hasMessageContaining("must be reopened");
        assertThatThrownBy(() -> write(99)).hasMessageContaining("must be reopened");
        assertThat(numbersIn(store)).as("reads go on").isGreaterThanOrEqualTo(acknowledged);
        store.idle();
        store.close();
    }

    @Test
    void aBlockThatCannotBeReadFailsThatReadAlone() {
        start(1);
        assertThat(writeAndCommit()).isNull();
        final TreeEntry entry = new TreeEntry();
        store.head().get(1, 3, entry);
        final long bad = entry.value.getLong(0);
        final UnsafeBuffer data = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
        device.faults().failReadsWithin(bad * BLOCK_LENGTH, BLOCK_LENGTH);

        assertThatThrownBy(() -> store.read(bad, data, 0, 1)).hasMessageContaining("planned failure of read");

        store.head().get(1, 2, entry);
        store.read(entry.value.getLong(0), data, 0, 1);
        write(COMMITS + 1);
        store.commit();
        assertThat(store.info().health()).isEqualTo("ok");
    }

    @Test
    void aDeviceThatIsGoneFailsOpeningAtOnce() {
        start(1);
        assertThat(writeAndCommit()).isNull();
        final SimBlockDevice gone = device.kill();
        gone.faults().failEverything();

        assertThatThrownBy(() -> Store.open(gone)).isInstanceOf(StoreException.class);

        gone.faults().clear();
        assertThat(numbersIn(Store.open(gone))).isEqualTo(COMMITS);
    }
}
