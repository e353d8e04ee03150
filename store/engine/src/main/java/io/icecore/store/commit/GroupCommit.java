package io.icecore.store.commit;

import io.icecore.store.device.StoreException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * Who makes the next commit, and who shares it.
 *
 * <pre>
 *   commit n      | cut ....... flush |
 *   leads         A                   B                     B is awake before those that n covered
 *   shares it     C D                 | E F                 called before the cut
 *   waits             B E F           | C A D ...           called after it: n does not cover them
 * </pre>
 *
 * <p>Clients that flush again and again, each after its own write, would fall into two groups that take turns: one waits
 * while the other one's commit is made. So whoever leads waits for as many as lately came together, no longer than half of
 * what a commit takes.
 *
 * <p>Who waits is awake at first, and yields: to be woken takes a good part of the time that a quick commit does, and eight
 * callers would be woken one after the other.
 */
final class GroupCommit {
    /** However slow the device is. */
    private static final long GATHER_NANOS_MAX = 1_000_000;

    /** So long at most a caller waits awake, and so long at most a commit takes, in the mean, for which one does. */
    private static final long AWAKE_NANOS_MAX = 1_000_000;

    /** A new duration counts one part in 2^this. */
    private static final int MEAN_SHIFT = 3;

    private static final class Caller {
        private final Thread thread = Thread.currentThread();
        private volatile boolean leads;
        private volatile Outcome outcome;
    }

    /** What became of a commit: the generation that holds it, or why it failed. */
    private record Outcome(long generation, Throwable failure) {
        long get() {
            if (failure instanceof RuntimeException known) {
                throw known;
            }
            if (failure != null) {
                throw new StoreException("commit failed: " + failure, failure);
            }
            return generation;
        }
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final ArrayDeque<Caller> waiting = new ArrayDeque<>();
    private List<Caller> covered = List.of();
    private boolean underWay;

    /** Of the last commit: callers that it covered, and those that came while it was made. */
    private volatile int company = 1;

    private long begun;
    private long meanNanos;

    /** Whether other callers than this one wanted the last commit, or want the one under way. */
    boolean inCompany() {
        return company > 1;
    }

    /**
     * Makes a commit, or waits for that of another caller which was cut after this call began.
     *
     * @param commit makes one, and returns its generation
     * @return the generation of the commit that covers the caller
     * @throws RuntimeException what that commit has thrown, whoever made it
     */
    long commit(final LongSupplier commit) {
        final Outcome shared = lead();
        if (shared != null) {
            return shared.get();
        }
        Outcome outcome = null;
        try {
            outcome = new Outcome(commit.getAsLong(), null);
            return outcome.generation;
        } catch (final RuntimeException | Error ex) {
            outcome = new Outcome(0, ex);
            throw ex;
        } finally {
            end(outcome);
        }
    }

    /** Null when the caller is to make a commit; else what became of the one that covers it. */
    private Outcome lead() {
        lock.lock();
        try {
            if (underWay) {
                final Caller caller = new Caller();
                waiting.add(caller);
                await(caller);
                if (caller.outcome != null) {
                    return caller.outcome;
                }
            }
            underWay = true;
            gather();
            covered = List.copyOf(waiting);
            waiting.clear();
            begun = System.nanoTime();
            return null;
        } finally {
            lock.unlock();
        }
    }

    private void end(final Outcome outcome) {
        final Caller next;
        final List<Caller> released;
        lock.lock();
        try {
            meanNanos += System.nanoTime() - begun - meanNanos >> MEAN_SHIFT;
            company = 1 + covered.size() + waiting.size();
            released = covered;
            covered = List.of();
            next = waiting.poll();
            underWay = next != null;
        } finally {
            lock.unlock();
        }
        if (next != null) {
            next.leads = true;
            LockSupport.unpark(next.thread);
        }
        for (final Caller caller : released) {
            caller.outcome = outcome;
            LockSupport.unpark(caller.thread);
        }
    }

    private void gather() {
        final long deadline = System.nanoTime() + Math.min(meanNanos / 2, GATHER_NANOS_MAX);
        while (waiting.size() + 1 < company && System.nanoTime() - deadline < 0) {
            lock.unlock();
            try {
                Thread.yield();
            } finally {
                lock.lock();
            }
        }
    }

    /** Uninterruptibly, as a lock would. */
    private void await(final Caller caller) {
        final long awakeNanos = meanNanos <= AWAKE_NANOS_MAX ? AWAKE_NANOS_MAX : 0;
        lock.unlock();
        try {
            final long begin = System.nanoTime();
            boolean interrupted = false;
            while (!caller.leads && caller.outcome == null) {
                if (System.nanoTime() - begin < awakeNanos) {
                    Thread.yield();
                } else {
                    LockSupport.park(this);
                    interrupted |= Thread.interrupted();
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        } finally {
            lock.lock();
        }
    }
}
