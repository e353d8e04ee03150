package io.icecore.cli;

import io.icecore.store.device.BlockDevice;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.agrona.BufferUtil;

/**
 * Reads an image on a thread of its own while what came before is being written, a few blocks ahead at most.
 *
 * <p>Besides, whoever waits for a block can be told that it is wanted no more. Who reads from a terminal himself cannot:
 * nothing wakes a thread from that.
 */
final class ReadAhead implements AutoCloseable {
    static final int BLOCK_LENGTH = 1 << 20;

    /** Besides those that are being written. */
    private static final int BLOCKS_AHEAD = 2 + ParallelWrites.THREADS;

    private static final long LOOK_UP_MILLIS = 100;

    /**
     * What the thread hands over: a piece of the image, empty at its end; or why there is none.
     *
     * @param offset of its first byte within the image
     * @param end offset behind it
     */
    record Block(long offset, long end, ByteBuffer bytes, Exception failure) {
        boolean last() {
            return offset == end;
        }
    }

    private final ImageSource source;
    private final Console console;
    private final BlockingQueue<Block> filled = new ArrayBlockingQueue<>(BLOCKS_AHEAD + 1);
    private final BlockingQueue<ByteBuffer> empty = new ArrayBlockingQueue<>(BLOCKS_AHEAD + 1);
    private volatile boolean closed;

    ReadAhead(final ImageSource source, final Console console) {
        this.source = source;
        this.console = console;
        for (int i = 0; i <= BLOCKS_AHEAD; i++) {
            empty.add(BufferUtil.allocateDirectAligned(BLOCK_LENGTH, BlockDevice.BLOCK_LENGTH));
        }
        final Thread thread = new Thread(this::read, "read-ahead");
        thread.setDaemon(true);
        thread.start();
    }

    private void read() {
        try {
            boolean more = true;
            while (more) {
                final ByteBuffer bytes = empty.take();
                if (closed) {
                    return;
                }
                final long offset = source.read(bytes.clear());
                final Block block = new Block(offset, offset + bytes.flip().remaining(), bytes, null);
                more = !block.last();
                filled.put(block);
            }
        } catch (final IOException | RuntimeException ex) {
            filled.add(new Block(0, 0, null, ex)); // There is room: this thread held one of the blocks that fit.
        } catch (final InterruptedException ex) {
            throw new AssertionError("nobody interrupts this thread", ex);
        }
    }

    /** The next block, at most {@value #BLOCK_LENGTH} bytes. Give its bytes back. */
    Block take() throws IOException {
        try {
            Block block = null;
            while (block == null) {
                console.requireWanted();
                block = filled.poll(LOOK_UP_MILLIS, TimeUnit.MILLISECONDS);
            }
            if (block.failure() instanceof RuntimeException ex) {
                throw ex;
            }
            if (block.failure() != null) {
                throw new IOException(block.failure().getMessage(), block.failure());
            }
            return block;
        } catch (final InterruptedException ex) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", ex);
        }
    }

    void giveBack(final ByteBuffer block) {
        empty.add(block);
    }

    /** Wants no more. A read that is under way may outlive this; its thread keeps nobody from ending. */
    @Override
    public void close() {
        closed = true;
        empty.offer(ByteBuffer.allocate(0)); // Wakes the thread where it waits for a block.
    }
}
