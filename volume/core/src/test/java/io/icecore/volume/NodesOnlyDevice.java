package io.icecore.volume;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.icecore.store.device.BlockDevice;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.collections.Long2ObjectHashMap;

/**
 * A device of any size in memory that forgets data, which tests of structures never read, and remembers all else. Data is
 * what begins with {@link #DATA}. Survives being closed.
 */
final class NodesOnlyDevice implements BlockDevice {
    static final long DATA = 0x6174_6164_6174_6164L;

    private final Long2ObjectHashMap<byte[]> blocks = new Long2ObjectHashMap<>();
    private long length;
    private long reads;
    private long readBytes;

    NodesOnlyDevice(final long length) {
        this.length = length;
    }

    synchronized long reads() {
        return reads;
    }

    synchronized long readBytes() {
        return readBytes;
    }

    @Override
    public String name() {
        return "nodes only";
    }

    @Override
    public synchronized long length() {
        return length;
    }

    @Override
    public boolean readOnly() {
        return false;
    }

    @Override
    public synchronized void read(
            final long position, final MutableDirectBuffer target, final int targetIndex, final int count) {
        reads++;
        readBytes += count;
        for (int at = 0; at < count; at += BLOCK_LENGTH) {
            final byte[] block = blocks.get((position + at) / BLOCK_LENGTH);
            if (block == null) {
                target.setMemory(targetIndex + at, BLOCK_LENGTH, (byte) 0);
            } else {
                target.putBytes(targetIndex + at, block);
            }
        }
    }

    @Override
    public void readMedium(
            final long position, final MutableDirectBuffer target, final int targetIndex, final int count) {
        read(position, target, targetIndex, count);
    }

    @Override
    public synchronized void write(
            final long position, final DirectBuffer source, final int sourceIndex, final int count) {
        for (int at = 0; at < count; at += BLOCK_LENGTH) {
            final long block = (position + at) / BLOCK_LENGTH;
            if (source.getLong(sourceIndex + at, LITTLE_ENDIAN) == DATA) {
                blocks.remove(block);
            } else {
                final byte[] bytes = new byte[BLOCK_LENGTH];
                source.getBytes(sourceIndex + at, bytes);
                blocks.put(block, bytes);
            }
        }
    }

    @Override
    public void flush() {
        // What it remembers, it remembers.
    }

    @Override
    public void discard(final long position, final long count) {
        // A hint.
    }

    @Override
    public synchronized void grow(final long newLength) {
        length = newLength;
    }

    @Override
    public void close() {
        // To be opened again.
    }
}
