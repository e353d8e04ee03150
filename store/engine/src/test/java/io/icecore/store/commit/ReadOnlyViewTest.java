package io.icecore.store.commit;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.Store;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.tree.TreeEntry;
import java.util.concurrent.CompletableFuture;
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
