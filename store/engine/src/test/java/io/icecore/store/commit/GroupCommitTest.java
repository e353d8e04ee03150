package io.icecore.store.commit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class GroupCommitTest {
    private final GroupCommit group = new GroupCommit();
    private final AtomicInteger commits = new AtomicInteger();

    @Test
    void aLoneCallerLeadsEachTime() {
        for (int i = 1; i <= 3; i++) {
            assertThat(group.commit(this::commitNow)).isEqualTo(i);
            assertThat(group.inCompany()).isFalse();
        }
    }

    @Test
    void whoeverCallsDuringACommitIsNotCoveredByIt() throws InterruptedException {
        final List<Thread> others = new ArrayList<>();
        group.commit(() -> {
            others.addAll(start(3, () -> group.commit(this::commitNow)));
            awaitParked(others);
            assertThat(commits).hasValue(0);
            return 0;
        });

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
                group.commit(this::commitNow);
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
                group.commit(() -> {
                    final long cut = changes.get();
                    Thread.yield();
                    assertThat(durable.getAndSet(cut))
                            .as("one commit at a time")
                            .isLessThanOrEqualTo(cut);
                    return cut;
                });
                assertThat(durable.get()).isGreaterThanOrEqualTo(mine);
            }
        }));
    }

    /** The commit that covers them failed; what becomes of the next one is not their business. */
    @Test
    void thoseWhoShareACommitLearnWhatBecameOfThatOne() throws InterruptedException {
        final List<String> told = Collections.synchronizedList(new ArrayList<>());
        final List<Thread> others = new ArrayList<>();
        group.commit(() -> {
            others.addAll(start(3, () -> {
                try {
                    group.commit(() -> {
                        throw new IllegalStateException("the device is gone");
                    });
                } catch (final IllegalStateException ex) {
                    told.add(ex.getMessage());
                }
            }));
            awaitParked(others);
            return 0;
        });
        join(others);

        assertThat(told).containsExactly("the device is gone", "the device is gone", "the device is gone");
        assertThat(group.commit(this::commitNow)).as("the others go on").isEqualTo(1);
    }

    @Test
    void anInterruptIsKeptForLater() throws InterruptedException {
        final AtomicInteger interrupted = new AtomicInteger();
        final List<Thread> other = new ArrayList<>();
        group.commit(() -> {
            other.addAll(start(1, () -> {
                group.commit(this::commitNow);
                interrupted.set(Thread.interrupted() ? 1 : 0);
            }));
            awaitParked(other);
            other.get(0).interrupt();
            assertThat(commits).hasValue(0);
            return 0;
        });
        join(other);
        assertThat(interrupted).hasValue(1);
    }

    private long commitNow() {
        return commits.incrementAndGet();
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

    private static void awaitParked(final List<Thread> threads) {
        for (final Thread thread : threads) {
            while (thread.getState() != Thread.State.WAITING) {
                LockSupport.parkNanos(1_000_000);
            }
        }
    }
}
