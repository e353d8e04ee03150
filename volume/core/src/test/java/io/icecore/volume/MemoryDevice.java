package io.icecore.volume;

import io.icecore.store.device.BlockDevice;
import java.util.Arrays;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/** A device in memory that survives being closed, so that a store on it can be opened again. */
final class MemoryDevice implements BlockDevice {
    private volatile byte[] bytes;
    private long discarded;
    private Runnable onWrite = () -> {};

    MemoryDevice(final int length) {
        bytes = new byte[length];
    }

    @Override
    public String name() {
        return "memory";
    }

    @Override
    public long length() {
        return bytes.length;
    }

    @Override
    public boolean readOnly() {
        return false;
    }

    @Override
    public void read(final long position, final MutableDirectBuffer target, final int targetIndex, final int length) {
        target.putBytes(targetIndex, bytes, (int) position, length);
    }

    @Override
    public void readMedium(
            final long position, final MutableDirectBuffer target, final int targetIndex, final int length) {
        read(position, target, targetIndex, length);
    }

    @Override
    public void write(final long position, final DirectBuffer source, final int sourceIndex, final int length) {
        source.getBytes(sourceIndex, bytes, (int) position, length);
        onWrite.run();
    }

    /** Something else happens after each write, on the thread that writes. */
    void onWrite(final Runnable meanwhile) {
        onWrite = meanwhile;
    }

    /** Inverts one bit, as damage to the medium would. */
    void damage(final long position) {
        final UnsafeBuffer buffer = new UnsafeBuffer(bytes);
        buffer.putByte((int) position, (byte) (buffer.getByte((int) position) ^ 0x10));
    }

    @Override
    public void flush() {}

    @Override
    public synchronized void discard(final long position, final long length) {
        discarded += length;
        Arrays.fill(bytes, (int) position, (int) (position + length), (byte) 0);
    }

    synchronized long discardedBytes() {
        return discarded;
    }

    @Override
    public synchronized void grow(final long length) {
        bytes = Arrays.copyOf(bytes, (int) length);
    }

    @Override
    public void close() {}
}
