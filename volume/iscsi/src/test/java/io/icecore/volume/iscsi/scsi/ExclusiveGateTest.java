package io.icecore.volume.iscsi.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ExclusiveGateTest {
    private final ExclusiveGate gate = new ExclusiveGate();
    private final List<String> entered = new ArrayList<>();

    private void enter(final String name, final boolean exclusive) {
        gate.enter(exclusive, () -> entered.add(name));
    }

    @Test
    void letsManyInButAnExclusiveOneAlone() {
        enter("a", false);
        enter("b", false);
        enter("X", true);
        assertThat(entered).containsExactly("a", "b");
        gate.leave();
        assertThat(entered).containsExactly("a", "b");
        gate.leave();
        assertThat(entered).containsExactly("a", "b", "X");
        enter("c", false);
        enter("Y", true);
        enter("d", false);
        assertThat(entered).containsExactly("a", "b", "X");
        gate.leave();
        assertThat(entered).as("not past the one that waits").containsExactly("a", "b", "X", "c");
        gate.leave();
        gate.leave();
        assertThat(entered).containsExactly("a", "b", "X", "c", "Y", "d");
    }

    @Test
    void keepsTheRuleUnderManyThreads() throws InterruptedException {
        final AtomicInteger shared = new AtomicInteger();
        final AtomicInteger exclusive = new AtomicInteger();
        final AtomicInteger broken = new AtomicInteger();
        final AtomicInteger done = new AtomicInteger();
        final Thread[] threads = new Thread[4];
        for (int t = 0; t < threads.length; t++) {
            final int number = t;
            threads[t] = new Thread(() -> {
                for (int i = 0; i < 2000; i++) {
                    final boolean alone = (i + number) % 5 == 0;
                    gate.enter(alone, () -> {
                        final int others = alone ? shared.get() + exclusive.getAndIncrement() : exclusive.get();
                        if (!alone) {
                            shared.incrementAndGet();
                        }
                        broken.addAndGet(others);
                        (alone ? exclusive : shared).decrementAndGet();
                        done.incrementAndGet();
                        gate.leave();
                    });
                }
            });
            threads[t].start();
        }
        for (final Thread thread : threads) {
            thread.join();
        }
        assertThat(broken).hasValue(0);
        assertThat(done).hasValue(8000);
    }
}
