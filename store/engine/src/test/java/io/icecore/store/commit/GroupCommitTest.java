package io.icecore.store.commit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class GroupCommitTest {
    private final GroupCommit group = new GroupCommit();
    private final AtomicInteger commits = new AtomicInteger();

    @Test
    void aLoneCallerLeadsEachTime() {
        for (int i = 0; i < 3; i++) {
            assertThat(group.begin()).isTrue();
            assertThat(group.inCompany()).isFalse();
            group.end();
        }
    }

    @Test
    void whoeverCallsDuringACommitIsNotCoveredByIt() throws InterruptedException {
        assertThat(group.begin()).isTrue();
        final List<Thread> others = start(3, this::commit);
        awaitParked(others);
        assertThat(commits).hasValue(0);

        group.end();
        join(others);
        assertThat(commits)
                .as("one of them leads, for all that came before it began")
                .hasValue(1);
        assertThat(group.inCompany()).isTrue();
    }

    @Test
    void whoLeadsWaitsForThoseThatCameTogetherLately() throws Exception {
        final int callers = 6;
        final CyclicBarrier round = new CyclicBarrier(callers);
        final int rounds = 200;
        join(start(callers, () -> {
            for (int i = 0; i < rounds; i++) {
                round.await();
                commit();
            }
        }));
        assertThat(commits.get()).isBetween(rounds, rounds * callers);
    }

    /** What matters: a call returns only after a commit that began after it. */
    @Test
    void everyCallIsCoveredByACommitThatBeganAfterIt() throws InterruptedException {
        final AtomicLong changes = new AtomicLong();
        final AtomicLong durable = new AtomicLong();
        join(start(8, () -> {
            for (int i = 0; i < 2000; i++) {
                final long mine = changes.incrementAndGet();
                if (group.begin()) {
                    try {
                        final long cut = changes.get();
                        Thread.yield();
                        assertThat(durable.getAndSet(cut))
                                .as("one commit at a time")
                                .isLessThanOrEqualTo(cut);
                    } finally {
                        group.end();
                    }
                }
                assertThat(durable.get()).isGreaterThanOrEqualTo(mine);
            }
        }));
    }

    @Test
    void aLeaderThatFailsLetsTheOthersGoOn() throws InterruptedException {
        final CountDownLatch failed = new CountDownLatch(1);
        final Thread leader = start(1, () -> {
                    group.begin();
                    try {
                        throw new IllegalStateException("the device is gone");
                    } catch (final IllegalStateException ex) {
                        failed.countDown();
                    } finally {
                        group.end();
                    }
                })
                .get(0);
        failed.await();
        leader.join();
        assertThat(group.begin()).isTrue();
        group.end();
    }

    @Test
    void anInterruptIsKeptForLater() throws InterruptedException {
        assertThat(group.begin()).isTrue();
        final AtomicInteger interrupted = new AtomicInteger();
        final List<Thread> other = start(1, () -> {
            commit();
            interrupted.set(Thread.interrupted() ? 1 : 0);
        });
        awaitParked(other);
        other.get(0).interrupt();
        assertThat(commits).hasValue(0);
        group.end();
        join(other);
        assertThat(interrupted).hasValue(1);
    }

    private void commit() {
        if (group.begin()) {
            commits.incrementAndGet();
            group.end();
        }
    }

    private interface Work {
        void run() throws Exception;
    }

    private final List<Throwable> failures = new ArrayList<>();

    private List<Thread> start(final int count, final Work work) {
        final List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            final Thread thread = new Thread(() -> {
                try {
                    work.run();
                } catch (final Throwable ex) {
                    synchronized (failures) {
                        failures.add(ex);
                    }
                }
            });
            thread.start();
            threads.add(thread);
        }
        return threads;
    }

    private void join(final List<Thread> threads) throws InterruptedException {
        for (final Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
    }

    private static void awaitParked(final List<Thread> threads) throws InterruptedException {
        for (final Thread thread : threads) {
            while (thread.getState() != Thread.State.WAITING) {
                Thread.sleep(1);
            }
        }
    }
}
