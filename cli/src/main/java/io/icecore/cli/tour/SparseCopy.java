package io.icecore.cli.tour;

import io.icecore.cli.tour.ext2.DiskSource;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Reads a disk for someone else and keeps a copy of what is read; zeroes become holes. */
final class SparseCopy implements DiskSource, Closeable {
    private static final ByteBuffer ZEROES = ByteBuffer.allocate(64 << 10).asReadOnlyBuffer();

    private final FileChannel copy;
    private final DiskSource disk;
    private long length;

    /** @param file new, or overwritten */
    SparseCopy(final Path file, final DiskSource disk) throws IOException {
        this.copy = FileChannel.open(
                file,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE,
                StandardOpenOption.SPARSE);
        this.disk = disk;
    }

    @Override
    public void read(final long offset, final ByteBuffer target) throws IOException {
        final int begin = target.position();
        disk.read(offset, target);
        final ByteBuffer read = target.duplicate().flip().position(begin);
        length = Math.max(length, offset + read.remaining());
        final int end = read.limit();
        while (read.position() < end) {
            final long position = offset + read.position() - begin;
            read.limit(Math.min(end, read.position() + ZEROES.capacity()));
            if (read.equals(ZEROES.slice(0, read.remaining()))) {
                read.position(read.limit());
            } else {
                write(read, position);
            }
            read.limit(end);
        }
    }

    private void write(final ByteBuffer source, final long position) throws IOException {
        long at = position;
        while (source.hasRemaining()) {
            at += copy.write(source, at);
        }
    }

    /** The copy has the full length, a hole at its end included. */
    @Override
    public void close() throws IOException {
        try (copy) {
            if (length > copy.size()) {
                write(ByteBuffer.allocate(1), length - 1);
            }
        }
    }
}
