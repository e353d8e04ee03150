package io.icecore.store.commit;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.Store;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.space.BlockRun;
import io.icecore.store.tree.TreeEntry;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class ReadOnlyViewTest {
    private static final int MOVES = 10_000;

    private final SimBlockDevice device = new SimBlockDevice(16 << 20);

    /** Two keys that every commit gives the same number: whoever sees two numbers under one stamp has mixed commits. */
    @Test
    @Timeout(60)
    void lookUpsUnderOneStampSeeOneGeneration() {
        Store.format(device, "test");
        final Store writer = Store.open(device);
        put(writer, 0);
        writer.commit();
        final Store reader = Store.openReadOnly(device);
        final CompletableFuture<Void> moves = CompletableFuture.runAsync(() -> {
            for (int number = 1; number <= MOVES; number++) {
                put(writer, number);
                writer.commit();
                assertThat(reader.refresh()).isTrue();
            }
        });

        final TreeEntry first = new TreeEntry();
        final TreeEntry second = new TreeEntry();
        long undisturbed = 0;
        while (!moves.isDone()) {
            final long stamp = reader.stamp();
            reader.catalogue().get(1, 1, first);
            reader.head().get(1, 1, second);
            if (reader.stamp() == stamp) {
                assertThat(second.value.getLong(0)).isEqualTo(first.value.getLong(0));
                undisturbed++;
            }
        }
        moves.join();
        assertThat(undisturbed).isPositive();
    }

    /** What stands in the place of a spill node when the writer has used its block again. */
    @Test
    void opensANewerCommitWhenTheSpillNodesOfTheChosenOneAreGone() {
        final Store writer = withSpillNodes();
        final long first = writer.info().generation();

        final Store reader = Store.openReadOnly(readsNoSpillNode(1, () -> {
            put(writer, 2);
            writer.commit();
        }));

        assertThat(reader.info().generation()).isEqualTo(first + 1);
        assertThat(reader.opened().space.log().spillCount())
                .isEqualTo(writer.opened().space.log().spillCount());
    }

    @Test
    void reportsADamagedSpillNodeWhenTheWriterHasNotMovedOn() {
        withSpillNodes();
        assertThatThrownBy(() -> Store.openReadOnly(readsNoSpillNode(Integer.MAX_VALUE, () -> {})))
                .isInstanceOf(CorruptStoreException.class)
                .hasMessageContaining("spill node");
    }

    @Test
    void givesUpWhenNoCommitStandsStillLongEnough() {
        final Store writer = withSpillNodes();
        assertThatThrownBy(() -> Store.openReadOnly(readsNoSpillNode(Integer.MAX_VALUE, () -> {
                    put(writer, 2);
                    writer.commit();
                })))
                .isInstanceOf(CorruptStoreException.class)
                .hasMessageContaining("spill node");
    }

    /** With changes of single blocks that no superblock has room to list. */
    private Store withSpillNodes() {
        Store.format(device, "test");
        final Store writer = Store.open(device);
        final List<Long> blocks = new ArrayList<>();
        final UnsafeBuffer checksum = new UnsafeBuffer(new byte[Integer.BYTES]);
        writer.lock();
        try {
            for (int i = 0; i < 1000; i++) {
                final long block = BlockRun.block(writer.allocate(1));
                writer.settle(block, 1, checksum, 0);
                blocks.add(0, block);
            }
            blocks.forEach(block -> writer.free(block, 1));
        } finally {
            writer.unlock();
        }
        writer.commit();
        assertThat(writer.opened().space.log().spillCount()).isPositive();
        return writer;
    }

    /** The device as a reader has it, where the newest spill node of now is something else at its first reads. */
    private BlockDevice readsNoSpillNode(final int times, final Runnable meanwhile) {
        final BlockDevice real = device.openReadOnly();
        final long spill =
                Opener.newestReadable(real, new SuperblockSlots(real, SuperblockSlots.find(real))).spillBlock;
        final int[] left = {times};
        return (BlockDevice) Proxy.newProxyInstance(
                BlockDevice.class.getClassLoader(), new Class<?>[] {BlockDevice.class}, (proxy, method, arguments) -> {
                    final Object result = method.invoke(real, arguments);
                    if (method.getName().equals("read") && arguments[0].equals(spill * BLOCK_LENGTH) && left[0] > 0) {
                        left[0]--;
                        meanwhile.run();
                        ((MutableDirectBuffer) arguments[1])
                                .setMemory((int) arguments[2], (int) arguments[3], (byte) 0);
                    }
                    return result;
                });
    }

    private static void put(final Store store, final long number) {
        final UnsafeBuffer value = new UnsafeBuffer(new byte[Long.BYTES]);
        value.putLong(0, number);
        store.lock();
        try {
            store.catalogue().put(1, 1, value, 0, Long.BYTES);
            store.head().put(1, 1, value, 0, Long.BYTES);
        } finally {
            store.unlock();
        }
    }
}
