package io.icecore.volume.nbd;

import io.icecore.volume.IoRequest.Op;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;
import org.agrona.concurrent.ManyToManyConcurrentArrayQueue;

/**
 * The requests of one connection that have been taken and not been answered, bounded in number and in bytes. The
 * connection's thread takes; whoever sends a reply releases.
 */
final class NbdRequestsInFlight {
    private final int countMax;
    private final Semaphore slots;
    private final ManyToManyConcurrentArrayQueue<NbdRequest> idle;
    private final NbdBufferPool.Share memory;
    private final NbdTraffic traffic;

    NbdRequestsInFlight(final int countMax, final NbdBufferPool.Share memory, final NbdTraffic traffic) {
        this.countMax = countMax;
        this.memory = memory;
        this.traffic = traffic;
        slots = new Semaphore(countMax);
        idle = new ManyToManyConcurrentArrayQueue<>(Math.max(2, countMax));
    }

    /** Once, before the first is taken. */
    void fill(final Supplier<NbdRequest> made) {
        for (int i = 0; i < countMax; i++) {
            idle.offer(made.get());
        }
    }

    int count() {
        return countMax - slots.availablePermits();
    }

    /** Takes a place among those in flight; false when that would mean waiting. */
    boolean tryTakeSlot() {
        return slots.tryAcquire();
    }

    void takeSlot() {
        slots.acquireUninterruptibly();
    }

    /** Memory for a request; null when that would mean waiting. */
    NbdBufferPool.Lease tryTakeMemory(final int length) {
        return memory.tryAcquire(length);
    }

    NbdBufferPool.Lease takeMemory(final int length) {
        return memory.acquire(length);
    }

    /** Gives out the request for a slot that has been taken. */
    NbdRequest begin(final Op op, final NbdRequestDecoder header) {
        NbdRequest request = idle.poll();
        while (request == null) { // There is one: the thread that gave the slot back is about to let go of it.
            Thread.onSpinWait();
            request = idle.poll();
        }
        request.begin(op, header);
        return request;
    }

    /** The request's reply has been sent, or never will be. */
    void release(final NbdRequest request) {
        if (request.lease != null) {
            count(request);
            memory.release(request.lease);
            request.lease = null;
        }
        final boolean offered = idle.offer(request);
        assert offered : "a request released twice";
        slots.release();
    }

    private void count(final NbdRequest request) {
        if (request.ended && request.error == null && request.op == Op.READ) {
            traffic.read(request.length);
        } else if (request.ended && request.error == null && request.op == Op.WRITE) {
            traffic.written(request.length);
        }
    }

    /** Waits until all have been released; none can be taken afterwards. */
    void awaitAll() {
        slots.acquireUninterruptibly(countMax);
    }
}
