package io.icecore.store.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class FlushGateTest {
    @Test
    void flushesAgainForThoseWhoComeAfterwards() throws IOException {
        final AtomicInteger flushes = new AtomicInteger();
        final FlushGate gate = new FlushGate(flushes::incrementAndGet);

        gate.pass();
        gate.pass();

        assertThat(flushes).hasValue(2);
    }

    @Test
    void neverFlushesAgainAfterAFailure() {
        final AtomicInteger flushes = new AtomicInteger();
        final FlushGate gate = new FlushGate(() -> {
            flushes.incrementAndGet();
            throw new IOException("Input/output error");
        });

        assertThatThrownBy(gate::pass).hasMessage("Input/output error");
        assertThatThrownBy(gate::pass)
                .hasMessageContaining("an earlier flush failed")
                .hasRootCauseMessage("Input/output error");
        assertThat(flushes).hasValue(1);
    }

    /** Those who come while a flush runs are not covered by it, and need one more between them, not one each. */
    @Test
    void sharesTheNextFlushAmongThoseWhoWaited() throws Exception {
        final AtomicInteger flushes = new AtomicInteger();
        final CountDownLatch running = new CountDownLatch(1);
        final CountDownLatch mayEnd = new CountDownLatch(1);
        final FlushGate gate = new FlushGate(() -> {
            if (flushes.incrementAndGet() == 1) {
                running.countDown();
                await(mayEnd);
            }
        });
        final FutureTask<?> first = passing(gate);
        start(first);
        await(running);
        final List<FutureTask<?>> waiting = new ArrayList<>();
        final List<Thread> threads = new ArrayList<>();
        for (int count = 0; count < 5; count++) {
            waiting.add(passing(gate));
            threads.add(start(waiting.get(count)));
        }
        for (final Thread thread : threads) {
            while (thread.getState() != Thread.State.WAITING) {
                Thread.sleep(1);
            }
        }

        mayEnd.countDown();

        first.get(5, TimeUnit.SECONDS);
        for (final FutureTask<?> task : waiting) {
            task.get(5, TimeUnit.SECONDS);
        }
        assertThat(flushes).hasValue(2);
    }

    private static FutureTask<?> passing(final FlushGate gate) {
        return new FutureTask<>(() -> {
            gate.pass();
            return null;
        });
    }

    private static Thread start(final FutureTask<?> task) {
        final Thread thread = new Thread(task);
        thread.start();
        return thread;
    }

    private static void await(final CountDownLatch latch) throws IOException {
        try {
            if (!latch.await(5, TimeUnit.SECONDS)) {
                throw new IOException("waited in vain");
            }
        } catch (final InterruptedException ex) {
            throw new IOException(ex);
        }
    }
}
