package io.icecore.volume;

import io.icecore.store.Store;
import io.icecore.store.device.NoSpaceException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.BooleanSupplier;

/**
 * Requests that met a full store and wait for room, in the order of their coming.
 *
 * <p>They hold no thread meanwhile: reads, and writes that need no room, go on. When room returns they are executed again
 * from their beginning, which is right because a request that has not been answered may have been carried out in part.
 */
final class WaitingWrites {
    private final Store store;
    private final BooleanSupplier roomMayCome;
    private final Deque<Waiting> waiting = new ArrayDeque<>();
    private boolean open;

    private record Waiting(IoRequest request, NoSpaceException failure) {
        /** Blocks that it may need, at least one. */
        long blocks() {
            final long bytes = request.op == IoRequest.Op.WRITE ? request.length : 1;
            return (bytes + VolumeData.CHUNK_LENGTH - 1) / VolumeData.CHUNK_LENGTH;
        }
    }

    /** @param roomMayCome whether waiting is worth while; asked without locks */
    WaitingWrites(final Store store, final BooleanSupplier roomMayCome) {
        this.store = store;
        this.roomMayCome = roomMayCome;
    }

    /** From now on somebody calls {@link #step()} again and again. */
    synchronized void open() {
        open = true;
    }

    synchronized int count() {
        return waiting.size();
    }

    /** Puts a request aside; false when it has to fail. */
    boolean add(final IoRequest request, final NoSpaceException failure) {
        if (!roomMayCome.getAsBoolean()) {
            return false;
        }
        synchronized (this) {
            if (!open) {
                return false;
            }
            waiting.addLast(new Waiting(request, failure));
            return true;
        }
    }

    /** Executes again what there is room for, and lets go of what has waited in vain. */
    void step() {
        if (count() == 0) {
            return;
        }
        long room = store.freeBlocks();
        final boolean hope = roomMayCome.getAsBoolean();
        for (int left = count(); left > 0; left--) {
            final Waiting first;
            synchronized (this) {
                first = waiting.pollFirst();
            }
            if (first == null) {
                return;
            }
            if (first.request.abandoned()) {
                first.request.completed(first.failure);
            } else if (room >= first.blocks()) {
                room -= first.blocks();
                first.request.resubmit(first.failure);
            } else if (!hope) {
                first.request.completed(first.failure);
            } else {
                room = 0; // Nobody overtakes.
                synchronized (this) {
                    waiting.addLast(first);
                }
            }
        }
    }

    /** Nobody waits any more: all fail. */
    void close() {
        synchronized (this) {
            open = false;
        }
        for (Waiting first = poll(); first != null; first = poll()) {
            first.request.completed(first.failure);
        }
    }

    private synchronized Waiting poll() {
        return waiting.pollFirst();
    }
}
