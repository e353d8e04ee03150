package io.icecore.volume.nbd;

import io.icecore.store.device.IoBuffer;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.agrona.BitUtil;
import org.agrona.BufferUtil;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Memory of requests in flight: direct buffers, reused, bounded by connection and in total. A connection that asks for
 * more waits, and does not read its socket meanwhile.
 *
 * <p>Two purses. Each connection has a reserve of its own, which nobody else can use up; so requests of up to
 * {@value #RESERVE_LENGTH} bytes go on whatever other clients do, those included that never read their replies. What the
 * reserve cannot hold is taken from the shared purse, first come first served.
 */
final class NbdBufferPool implements AutoCloseable {
    /** What each connection has for itself, in bytes. */
    static final int RESERVE_LENGTH = 1 << 20;

    private static final Logger LOG = LoggerFactory.getLogger(NbdBufferPool.class);

    private static final int LENGTH_MIN = 4096;
    private static final int CLASS_SHIFT_MIN = Integer.numberOfTrailingZeros(LENGTH_MIN);
    private static final int CLASS_COUNT = Integer.numberOfTrailingZeros(Nbd.PAYLOAD_LENGTH_MAX) - CLASS_SHIFT_MIN + 1;

    /** A buffer on loan. Its length is a power of two, at least what was asked for. */
    static final class Lease {
        /** Aligned to blocks, so that the device can take it as it is. */
        final ByteBuffer bytes;

        final IoBuffer view;
        private final ByteBuffer memory;
        private boolean fromReserve;

        private Lease(final int length) {
            memory = ByteBuffer.allocateDirect(length + LENGTH_MIN);
            bytes = memory.alignedSlice(LENGTH_MIN).slice(0, length);
            view = new IoBuffer(bytes);
        }

        int length() {
            return bytes.capacity();
        }
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<Share> waiting = new ArrayDeque<>();
    private final Deque<Lease>[] idle = newIdle();
    private final long sharedBytesMax;
    private long sharedBytes;
    private long idleBytes;
    private boolean closed;

    /** @param sharedBytesMax bytes of the shared purse */
    NbdBufferPool(final long sharedBytesMax) {
        this.sharedBytesMax = sharedBytesMax;
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static Deque<Lease>[] newIdle() {
        final Deque<Lease>[] idle = new Deque[CLASS_COUNT];
        for (int i = 0; i < CLASS_COUNT; i++) {
            idle[i] = new ArrayDeque<>();
        }
        return idle;
    }

    /** @param bytesMax of this connection, at least the longest request there is */
    Share share(final long bytesMax) {
        assert bytesMax >= Nbd.PAYLOAD_LENGTH_MAX : bytesMax;
        return new Share(bytesMax);
    }

    /** What one connection may use. Its thread acquires, any thread releases. */
    final class Share {
        private final long bytesMax;
        private final Condition granted = lock.newCondition();
        private long reserveBytes;
        private long ownSharedBytes;
        private int wantedLength;
        private Lease grant;
        private OutOfMemoryError refusal;

        private Share(final long bytesMax) {
            this.bytesMax = bytesMax;
        }

        /** Returns a buffer of at least {@code length} bytes, or null when that would mean waiting. */
        Lease tryAcquire(final int length) {
            lock.lock();
            try {
                return take(roundedLength(length), othersWaitForTheSharedPurse());
            } finally {
                lock.unlock();
            }
        }

        /** Waits for a buffer of at least {@code length} bytes. */
        Lease acquire(final int length) {
            lock.lock();
            try {
                final int rounded = roundedLength(length);
                final Lease lease = take(rounded, othersWaitForTheSharedPurse());
                if (lease != null) {
                    return lease;
                }
                wantedLength = rounded;
                waiting.add(this);
                while (grant == null && refusal == null) {
                    granted.awaitUninterruptibly();
                }
                if (refusal != null) {
                    throw refusal;
                }
                final Lease result = grant;
                grant = null;
                return result;
            } finally {
                lock.unlock();
            }
        }

        void release(final Lease lease) {
            lock.lock();
            try {
                if (lease.fromReserve) {
                    reserveBytes -= lease.length();
                } else {
                    ownSharedBytes -= lease.length();
                    sharedBytes -= lease.length();
                }
                assert reserveBytes >= 0 && ownSharedBytes >= 0 && sharedBytes >= 0 : "released twice";
                giveBack(lease);
                if (!waiting.isEmpty()) {
                    grantWaiting();
                }
            } finally {
                lock.unlock();
            }
        }

        /** Bytes in use, as reserved by whole buffers. */
        long bytes() {
            lock.lock();
            try {
                return reserveBytes + ownSharedBytes;
            } finally {
                lock.unlock();
            }
        }

        private Lease take(final int length, final boolean othersFirst) {
            final boolean fromReserve = reserveBytes + length <= RESERVE_LENGTH;
            if (!fromReserve
                    && (othersFirst
                            || reserveBytes + ownSharedBytes + length > bytesMax + RESERVE_LENGTH
                            || sharedBytes + length > sharedBytesMax)) {
                return null;
            }
            final Lease lease = borrow(length);
            lease.bytes.clear(); // Its last user left its own limit behind.
            lease.fromReserve = fromReserve;
            if (fromReserve) {
                reserveBytes += length;
            } else {
                ownSharedBytes += length;
                sharedBytes += length;
            }
            return lease;
        }

        /** Waits only for itself, because of its own limit; others need not stand behind it. */
        private boolean atOwnLimit() {
            return reserveBytes + ownSharedBytes + wantedLength > bytesMax + RESERVE_LENGTH;
        }
    }

    private boolean othersWaitForTheSharedPurse() {
        if (waiting.isEmpty()) {
            return false;
        }
        for (final Share share : waiting) {
            if (!share.atOwnLimit()) {
                return true;
            }
        }
        return false;
    }

    private void grantWaiting() {
        boolean othersFirst = false;
        for (final Iterator<Share> shares = waiting.iterator(); shares.hasNext(); ) {
            final Share share = shares.next();
            try {
                share.grant = share.take(share.wantedLength, othersFirst);
            } catch (final OutOfMemoryError ex) {
                share.refusal = ex; // It is theirs, not of whoever gave something back.
            }
            if (share.grant == null && share.refusal == null) {
                othersFirst |= !share.atOwnLimit();
            } else {
                shares.remove();
                share.granted.signal();
            }
        }
    }

    private Lease borrow(final int length) {
        final Lease lease =
                idle[classOf(length)].pollLast(); // The last used is the likeliest to be in the CPU's cache.
        if (lease != null) {
            idleBytes -= length;
            return lease;
        }
        freeIdleBeyond(Math.max(0, sharedBytesMax - sharedBytes - length));
        try {
            return new Lease(length);
        } catch (final OutOfMemoryError ex) {
            LOG.warn("the JVM's limit for direct memory is below what the options allow: problem={}", ex.getMessage());
            freeIdleBeyond(0);
            return new Lease(length);
        }
    }

    private void giveBack(final Lease lease) {
        if (closed) {
            BufferUtil.free(lease.memory);
            return;
        }
        idle[classOf(lease.length())].addLast(lease);
        idleBytes += lease.length();
    }

    /** What is idle in one size is of no use to those who need another. */
    private void freeIdleBeyond(final long bytesMax) {
        for (int i = CLASS_COUNT - 1; i >= 0; i--) {
            while (idleBytes > bytesMax && !idle[i].isEmpty()) {
                final Lease lease = idle[i].pollFirst();
                idleBytes -= lease.length();
                BufferUtil.free(lease.memory);
            }
        }
    }

    private static int roundedLength(final int length) {
        assert length > 0 && length <= Nbd.PAYLOAD_LENGTH_MAX : length;
        return Math.max(LENGTH_MIN, BitUtil.findNextPositivePowerOfTwo(length));
    }

    private static int classOf(final int length) {
        return Integer.numberOfTrailingZeros(length) - CLASS_SHIFT_MIN;
    }

    /** Connections that wait for memory now. */
    int waitingCount() {
        lock.lock();
        try {
            return waiting.size();
        } finally {
            lock.unlock();
        }
    }

    /** Frees what is idle; what is on loan is freed when it comes back. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            freeIdleBeyond(0);
        } finally {
            lock.unlock();
        }
    }
}
