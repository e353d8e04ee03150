package io.icecore.volume.iscsi;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/**
 * The memory of one session for the data of its commands: bounded, reused. Small transfers are bounded by the number of
 * commands and always get a buffer; larger ones share a budget and wait their turn. Thread-safe.
 */
final class TransferBuffers {
    /** Bytes that a command gets whatever others use. */
    static final int SMALL_LENGTH = 64 << 10;

    private static final int LENGTH_MIN = 4 << 10;

    private final IntFunction<TransferBuffer> allocation;
    private final int largeBytesMax;
    private final int retainedBytesMax;

    /** By the power of two that is their length. */
    private final List<ArrayDeque<TransferBuffer>> free = new ArrayList<>();

    private int largeBytes;
    private int retainedBytes;

    /** @param largeBytesMax bytes of transfers above {@link #SMALL_LENGTH} at once */
    TransferBuffers(final int largeBytesMax) {
        this(largeBytesMax, TransferBuffer::new);
    }

    TransferBuffers(final int largeBytesMax, final IntFunction<TransferBuffer> allocation) {
        this.allocation = allocation;
        this.largeBytesMax = largeBytesMax;
        this.retainedBytesMax = largeBytesMax;
        for (int i = 0; i < Integer.SIZE; i++) {
            free.add(new ArrayDeque<>());
        }
    }

    /**
     * A buffer of {@code length} bytes or more, or null while a large one would go beyond the budget.
     *
     * @throws OutOfMemoryError when the process has none, whatever the budget; nothing has been taken then
     */
    TransferBuffer take(final int length) {
        final int size = Math.max(LENGTH_MIN, sizeClass(length));
        final TransferBuffer reused;
        synchronized (this) {
            if (size > SMALL_LENGTH) {
                if (largeBytes + size > largeBytesMax) {
                    return null;
                }
                largeBytes += size;
            }
            reused = free.get(Integer.numberOfTrailingZeros(size)).pollLast();
            if (reused != null) {
                retainedBytes -= size;
            }
        }
        return reused != null ? reused : allocate(size);
    }

    private TransferBuffer allocate(final int size) {
        try {
            return allocation.apply(size);
        } catch (final OutOfMemoryError ex) {
            synchronized (this) {
                largeBytes -= size > SMALL_LENGTH ? size : 0;
            }
            throw ex;
        }
    }

    void giveBack(final TransferBuffer buffer) {
        final int size = buffer.length();
        synchronized (this) {
            if (size > SMALL_LENGTH) {
                largeBytes -= size;
            }
            if (retainedBytes + size <= retainedBytesMax) {
                retainedBytes += size;
                free.get(Integer.numberOfTrailingZeros(size)).addLast(buffer);
            }
        }
    }

    /** Bytes of large transfers in use. */
    synchronized int largeBytes() {
        return largeBytes;
    }

    private static int sizeClass(final int length) {
        return length <= 1 ? 1 : Integer.highestOneBit(length - 1) << 1;
    }
}
