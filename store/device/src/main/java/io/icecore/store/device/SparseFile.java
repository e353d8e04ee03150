package io.icecore.store.device;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file or a block device, opened for reading, that tells where its data is: the holes between read as zeroes, and need
 * not be read. Where nothing can tell holes, all is data.
 *
 * <p>Thread-safe. Closed by one thread, it fails the reads of others.
 */
public final class SparseFile implements AutoCloseable {
    private final FileChannel channel;
    private final Holes holes;

    private SparseFile(final FileChannel channel) {
        this.channel = channel;
        holes = new Holes(UninterruptibleChannel.descriptor(channel));
    }

    /** @throws IOException as {@link FileChannel#open} */
    public static SparseFile open(final Path path) throws IOException {
        return new SparseFile(UninterruptibleChannel.open(path, StandardOpenOption.READ));
    }

    /** Bytes, now; of a block device too. */
    public long size() throws IOException {
        return channel.size();
    }

    /** As {@link FileChannel#read(ByteBuffer, long)}. */
    public int read(final ByteBuffer target, final long offset) throws IOException {
        return channel.read(target, offset);
    }

    /** Where the first data begins at or after {@code offset}, at most {@code end}; bytes. */
    public synchronized long dataFrom(final long offset, final long end) {
        return channel.isOpen() ? holes.dataFrom(offset, end) : offset;
    }

    /** Where the first hole begins at or after {@code offset}, at most {@code end}; bytes. */
    public synchronized long holeFrom(final long offset, final long end) {
        return channel.isOpen() ? holes.holeFrom(offset, end) : end;
    }

    /** Waits until nobody asks for holes any more: once it is closed, the descriptor may name another file. */
    @Override
    public synchronized void close() throws IOException {
        channel.close();
    }
}
