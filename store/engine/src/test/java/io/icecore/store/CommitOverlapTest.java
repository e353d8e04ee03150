package io.icecore.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.sim.SimBlockDevice.Kind;
import io.icecore.store.tree.Key;
import io.icecore.store.tree.Tree;
import io.icecore.store.tree.TreeEntry;
import java.time.Clock;
import java.util.HashSet;
import java.util.Random;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

/** A large commit writes its nodes while others go on changing them: it holds what there was when it was cut. */
class CommitOverlapTest {
    private static final int KEYS = 60_000;
    private static final int CACHE_NODES = 4;

    private final SimBlockDevice device = new SimBlockDevice(256 << 20);
    private final UnsafeBuffer value = new UnsafeBuffer(new byte[24]);
    private Store store;
    private boolean disturbing;
    private int disturbances;

    @Test
    void aCommitHoldsWhatThereWasWhenItWasCut() {
        Store.format(device, "test");
        store = Store.open(device, Clock.systemUTC(), CACHE_NODES);
        putAll(1);
        disturbing = true;
        device.onOperation(operation -> {
            if (disturbing && operation.kind() == Kind.WRITE && !store.lockedByCurrentThread()) {
                disturb();
            }
        });

        store.commit();
        disturbing = false;

        assertThat(disturbances).isGreaterThan(2);
        final Store recovered = Store.open(device.kill(), Clock.systemUTC(), CACHE_NODES);
        assertValues(recovered, 1);
        StoreAudit.check(recovered, new HashSet<>(), "");
        store.commit();
        StoreAudit.check(store, new HashSet<>(), "");
        assertThat(countOf(store, 2))
                .as("what came meanwhile belongs to the next commit")
                .isPositive();
    }

    /** Between two writes of the commit: overwrites, removes and splits nodes that it is about to write. */
    private void disturb() {
        disturbing = false;
        final Random random = new Random(disturbances++);
        store.lock();
        try {
            for (int i = 0; i < 5_000; i++) {
                final int key = random.nextInt(KEYS);
                switch (random.nextInt(3)) {
                    case 0 -> put(key, 2, 24);
                    case 1 -> put(key, 2, 8);
                    default -> store.head().remove(hi(key), lo(key));
                }
            }
        } finally {
            store.unlock();
        }
        disturbing = true;
    }

    private void putAll(final int generation) {
        store.lock();
        try {
            for (int key = 0; key < KEYS; key++) {
                put(key, generation, 24);
            }
        } finally {
            store.unlock();
        }
    }

    private void put(final int key, final int mark, final int length) {
        value.putInt(0, mark);
        value.putInt(4, key);
        store.head().put(hi(key), lo(key), value, 0, length);
    }

    private static void assertValues(final Store store, final int mark) {
        assertThat(countOf(store, mark)).isEqualTo(KEYS);
    }

    private static int countOf(final Store store, final int mark) {
        final Tree tree = store.head();
        final TreeEntry entry = new TreeEntry();
        int count = 0;
        for (int key = 0; key < KEYS; key++) {
            if (tree.get(hi(key), lo(key), entry) && entry.value.getInt(0) == mark && entry.value.getInt(4) == key) {
                count++;
            }
        }
        return count;
    }

    private static long hi(final int key) {
        return Key.hi(7, key);
    }

    private static long lo(final int key) {
        return Key.lo(key, 0);
    }
}
