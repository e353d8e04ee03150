package io.icecore.volume;

import io.icecore.store.device.NoSpaceException;
import io.icecore.store.space.StoreFullException;
import org.agrona.MutableDirectBuffer;

/**
 * One request of a client on its way through the store: where all protocols meet.
 *
 * <p>A server fills the fields, hands the request to {@link VolumeWorkers} and hears of its end in {@link #completed},
 * on whichever thread that happens. Reusable after that. The server has checked the range and the length.
 */
public abstract class IoRequest implements Runnable {
    public enum Op {
        READ,
        WRITE,
        FLUSH,
        TRIM,
        WRITE_ZEROES,
        CACHE,
        /** Reports the ranges of data and zeroes to {@link #extent}. */
        EXTENTS
    }

    public Export export;
    public Op op;
    /** Durable before it is answered. */
    public boolean fua;
    /** Of WRITE_ZEROES: keep space for the range. */
    public boolean allocate;
    /** Byte within the export. */
    public long offset;
    /** Bytes. */
    public long length;
    /** Where a READ puts its bytes, where a WRITE takes them from. */
    public MutableDirectBuffer buffer;

    public int index;

    /** Who executes it again after it has waited for room. */
    VolumeWorkers workers;

    /** Called exactly once, on any thread. */
    protected abstract void completed(Throwable failureOrNull);

    /** Whether it may be put aside when the store is full, and be completed much later, on another thread. */
    protected boolean mayWait() {
        return true;
    }

    /** Nobody wants its result any more: it need not wait any longer. Asked on any thread. */
    protected boolean abandoned() {
        return false;
    }

    /** Of EXTENTS: see {@link Export.ExtentVisitor}. */
    protected boolean extent(final long offset, final long length, final boolean zero) {
        throw new AssertionError("extents asked of a request that takes none");
    }

    /** After it has waited. */
    final void resubmit(final NoSpaceException failure) {
        try {
            workers.submit(this);
        } catch (final RuntimeException ex) { // Closed meanwhile.
            failure.addSuppressed(ex);
            completed(failure);
        }
    }

    /** Does what the request asks for on this thread and completes it, or puts it aside until there is room for it. */
    @Override
    public final void run() {
        Throwable failure = null;
        try {
            switch (op) {
                case READ -> export.read(offset, buffer, index, (int) length);
                case WRITE -> export.write(offset, buffer, index, (int) length, fua);
                case FLUSH -> export.flush();
                case TRIM -> export.trim(offset, length, fua);
                case WRITE_ZEROES -> export.zero(offset, length, allocate, fua);
                case CACHE -> export.cache(offset, length);
                case EXTENTS -> export.extents(offset, length, this::extent);
            }
        } catch (final StoreFullException ex) {
            if (op != Op.FLUSH && mayWait() && export.putAside(this, ex)) {
                return;
            }
            failure = ex;
        } catch (final RuntimeException | Error ex) {
            failure = ex;
        }
        completed(failure);
        if (failure instanceof Error error) {
            throw error; // A bug. The client has its answer; whoever runs the thread decides.
        }
    }
}
