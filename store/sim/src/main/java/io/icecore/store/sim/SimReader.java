package io.icecore.store.sim;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.StoreException;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/** A read-only opening of a {@link SimBlockDevice} that somebody else writes to. */
final class SimReader implements BlockDevice {
    private final SimBlockDevice device;
    private volatile boolean closed;

    SimReader(final SimBlockDevice device) {
        this.device = device;
    }

    @Override
    public String name() {
        return device.name();
    }

    @Override
    public long length() {
        return device.length();
    }

    @Override
    public boolean readOnly() {
        return true;
    }

    @Override
    public void read(final long position, final MutableDirectBuffer target, final int targetIndex, final int length) {
        requireOpen();
        device.read(position, target, targetIndex, length);
    }

    @Override
    public void readMedium(
            final long position, final MutableDirectBuffer target, final int targetIndex, final int length) {
        requireOpen();
        device.readMedium(position, target, targetIndex, length);
    }

    @Override
    public void write(final long position, final DirectBuffer source, final int sourceIndex, final int length) {
        throw new StoreException("opened read-only: " + name());
    }

    /** Makes durable what the writer wrote, as for two openings of one file. */
    @Override
    public void flush() {
        requireOpen();
        device.flush();
    }

    @Override
    public void discard(final long position, final long length) {
        // Only a hint, and not a reader's to give.
    }

    @Override
    public void grow(final long length) {
        throw new StoreException("opened read-only: " + name());
    }

    @Override
    public void close() {
        closed = true;
    }

    private void requireOpen() {
        if (closed) {
            throw new StoreException("device is closed: " + name());
        }
    }
}
