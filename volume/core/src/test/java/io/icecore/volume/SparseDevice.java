package io.icecore.volume;

import io.icecore.store.device.BlockDevice;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * A device in memory of any length, of which blocks of zeroes take nothing: a terabyte of data that is all zeroes costs what
 * its tree nodes take. Counts what is done to it.
 */
final class SparseDevice implements BlockDevice {
    final AtomicLong blocksRead = new AtomicLong();
    final AtomicLong blocksWritten = new AtomicLong();
    private final ConcurrentHashMap<Long, byte[]> blocks = new ConcurrentHashMap<>();
    private volatile long length;

    /** Is shown each block that was read. */
    volatile Consumer<DirectBuffer> onRead = block -> {};

    SparseDevice(final long length) {
        this.length = length;
    }

    @Override
    public String name() {
        return "sparse memory";
    }

    @Override
    public long length() {
        return length;
    }

    @Override
    public boolean readOnly() {
        return false;
    }

    @Override
    public void read(final long position, final MutableDirectBuffer target, final int targetIndex, final int count) {
        for (int done = 0; done < count; ) {
            final long at = position + done;
            final int within = (int) (at % BLOCK_LENGTH);
            final int part = Math.min(BLOCK_LENGTH - within, count - done);
            final byte[] block = blocks.get(at / BLOCK_LENGTH);
            if (block == null) {
                target.setMemory(targetIndex + done, part, (byte) 0);
            } else {
                target.putBytes(targetIndex + done, block, within, part);
                onRead.accept(new UnsafeBuffer(block));
            }
            blocksRead.incrementAndGet();
            done += part;
        }
    }

    @Override
    public void readMedium(
            final long position, final MutableDirectBuffer target, final int targetIndex, final int count) {
        read(position, target, targetIndex, count);
    }

    @Override
    public void write(final long position, final DirectBuffer source, final int sourceIndex, final int count) {
        assert position % BLOCK_LENGTH == 0 && count % BLOCK_LENGTH == 0 : position + "+" + count;
        for (int done = 0; done < count; done += BLOCK_LENGTH) {
            final long block = (position + done) / BLOCK_LENGTH;
            if (zeroes(source, sourceIndex + done)) {
                blocks.remove(block);
            } else {
                final byte[] bytes = new byte[BLOCK_LENGTH];
                source.getBytes(sourceIndex + done, bytes);
                blocks.put(block, bytes);
            }
            blocksWritten.incrementAndGet();
        }
    }

    /** Memory that the blocks take, with what it takes to find them. */
    long bytes() {
        return blocks.size() * (BLOCK_LENGTH + 16L + 72L);
    }

    private static boolean zeroes(final DirectBuffer source, final int index) {
        for (int at = 0; at < BLOCK_LENGTH; at += Long.BYTES) {
            if (source.getLong(index + at) != 0) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void flush() {}

    @Override
    public void discard(final long position, final long count) {}

    @Override
    public void grow(final long newLength) {
        length = newLength;
    }

    @Override
    public void close() {}
}
