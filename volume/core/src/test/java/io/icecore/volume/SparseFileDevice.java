package io.icecore.volume;

import io.icecore.store.device.BlockDevice;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * As {@link SparseDevice}, with the blocks that are not zeroes in a file: for histories whose nodes are too many for memory. The
 * file is deleted at once and lives as long as it is open. Which blocks are zeroes is noted outside the heap, a bit each.
 */
final class SparseFileDevice implements BlockDevice {
    private static final ByteBuffer ZEROES = ByteBuffer.allocate(BLOCK_LENGTH).asReadOnlyBuffer();

    final AtomicLong blocksWritten = new AtomicLong();
    private final FileChannel file;
    private final ByteBuffer present;
    private volatile long length;

    SparseFileDevice(final Path path, final long length) {
        this.length = length;
        present = ByteBuffer.allocateDirect((int) (length / BLOCK_LENGTH / Byte.SIZE + 1));
        try {
            file = FileChannel.open(
                    path,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.READ,
                    StandardOpenOption.WRITE,
                    StandardOpenOption.DELETE_ON_CLOSE);
        } catch (final IOException ex) {
            throw new UncheckedIOException(ex);
        }
    }

    @Override
    public String name() {
        return "sparse file";
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
        final ByteBuffer buffer = ByteBuffer.allocate(BLOCK_LENGTH);
        for (int done = 0; done < count; ) {
            final long at = position + done;
            final int part = Math.min(BLOCK_LENGTH - (int) (at % BLOCK_LENGTH), count - done);
            if (present(at / BLOCK_LENGTH)) {
                transfer(() -> file.read(buffer.clear().limit(part), at), part);
                target.putBytes(targetIndex + done, buffer.array(), 0, part);
            } else {
                target.setMemory(targetIndex + done, part, (byte) 0);
            }
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
        final ByteBuffer buffer = ByteBuffer.allocate(BLOCK_LENGTH);
        for (int done = 0; done < count; done += BLOCK_LENGTH) {
            final long at = position + done;
            source.getBytes(sourceIndex + done, buffer.array(), 0, BLOCK_LENGTH);
            final boolean zeroes = buffer.clear().equals(ZEROES);
            if (!zeroes) {
                transfer(() -> file.write(buffer.clear(), at), BLOCK_LENGTH);
            }
            note(at / BLOCK_LENGTH, !zeroes);
            blocksWritten.incrementAndGet();
        }
    }

    @FunctionalInterface
    private interface Call {
        int run() throws IOException;
    }

    private static void transfer(final Call call, final int expected) {
        try {
            final int done = call.run();
            assert done == expected : done;
        } catch (final IOException ex) {
            throw new UncheckedIOException(ex);
        }
    }

    private synchronized boolean present(final long block) {
        return (present.get((int) (block >>> 3)) & 1 << (block & 7)) != 0;
    }

    private synchronized void note(final long block, final boolean here) {
        final int at = (int) (block >>> 3);
        final int bit = 1 << (block & 7);
        present.put(at, (byte) (here ? present.get(at) | bit : present.get(at) & ~bit));
    }

    @Override
    public void flush() {}

    @Override
    public void discard(final long position, final long count) {}

    @Override
    public void grow(final long newLength) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {
        transfer(
                () -> {
                    file.close();
                    return 0;
                },
                0);
    }
}
