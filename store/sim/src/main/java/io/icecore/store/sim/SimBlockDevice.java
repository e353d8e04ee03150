package io.icecore.store.sim;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.DeviceRange;
import io.icecore.store.device.StoreException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * A block device in memory whose power can fail at any operation. Exactly as bad as {@link BlockDevice} allows.
 *
 * <p>There are three versions of the content, as below a real file:
 * <pre>
 *   page cache  what {@link #read} shows; differs from the next only after a failed flush
 *   device      what {@link #readMedium} shows: the medium with all unflushed writes
 *   medium      what is durable
 * </pre>
 * {@link #powerCycle} throws for each sector what becomes of what only the device has; {@link #kill} keeps all three.
 *
 * <p>Operations are counted from 0: each write, discard and grow is one, a flush is two, its start and its end. Same
 * seed, same operations: same content, same failures, same outcome. Sparse: costs what was written, not what it is long.
 * Thread-safe; of several threads the order of operations is what they make it.
 *
 * <p>The cheapest way to try all crash points runs the workload once: {@link #onOperation} hands every state to the test,
 * which keeps a {@link #fork} of each and power-cycles it as often as it likes. A fork costs next to nothing.
 */
public final class SimBlockDevice implements BlockDevice {
    /** Kinds of operation, in the words of {@link Operation}. */
    public enum Kind {
        WRITE,
        FLUSH_START,
        FLUSH_END,
        DISCARD,
        GROW
    }

    /**
     * One counted operation that has taken effect.
     *
     * @param ordinal  as for {@link #losePowerAt}
     * @param position of the range, in bytes; 0 for a flush
     * @param length   of the range, in bytes; 0 for a flush, the device's new length for {@link Kind#GROW}
     */
    public record Operation(long ordinal, Kind kind, long position, long length) {}

    /** What a flush that has begun will have made durable, and how many had failed by then. */
    private record CoveredByFlush(long ordinal, PageMap content, long writesEnd, long length, long sectorDrops) {}

    private static final Consumer<Operation> NOBODY = operation -> {};

    private final Object lock = new Object();
    private final long seed;
    private final FaultPlan faults = new FaultPlan();

    private PageMap medium;
    private PageMap device;
    /** The same object as {@link #device} until a flush has failed. */
    private PageMap pageCache;

    private UnflushedWrites unflushed;
    private long length;
    private long durableLength;

    private long operations;
    private long reads;
    private long writes;
    private long flushes;
    private long bytesWritten;
    private long sectorDrops;

    private long powerLossAt = Long.MAX_VALUE;
    private long powerLostAt = -1;
    private boolean closed;
    private volatile Consumer<Operation> listener = NOBODY;

    /** A device full of zeroes, {@code length} bytes long. */
    public SimBlockDevice(final long length) {
        this(length, 0);
    }

    /** {@code seed} decides what discarded ranges read as and what failed writes and flushes leave. */
    public SimBlockDevice(final long length, final long seed) {
        if (length <= 0 || length % SECTOR_LENGTH != 0) {
            throw new IllegalArgumentException(
                    "length: " + length + " (expected: a positive multiple of " + SECTOR_LENGTH + ")");
        }
        this.seed = seed;
        this.medium = new PageMap();
        this.device = new PageMap();
        this.pageCache = device;
        this.unflushed = new UnflushedWrites();
        this.length = length;
        this.durableLength = length;
    }

    private SimBlockDevice(final long seed, final PageMap medium, final long length) {
        this(length, seed);
        this.medium = medium;
        this.device = medium.fork();
        this.pageCache = device;
    }

    // ---- power, processes, copies

    /** The operation with this ordinal, counted from 0, throws {@link PowerLoss}; so does whatever follows, reads too. */
    public void losePowerAt(final long operation) {
        synchronized (lock) {
            powerLossAt = operation;
        }
    }

    /**
     * The device as found when power returns, with counters at 0 and nothing planned. This one stays as it is and can be
     * cycled again. The same seed gives the same device; the seed also chooses the {@link Survival}.
     */
    public SimBlockDevice powerCycle(final long outcomeSeed) {
        final SplittableRandom random = new SplittableRandom(outcomeSeed);
        return powerCycle(Survival.thrown(random), random);
    }

    public SimBlockDevice powerCycle(final long outcomeSeed, final Survival survival) {
        return powerCycle(survival, new SplittableRandom(outcomeSeed));
    }

    private SimBlockDevice powerCycle(final Survival survival, final SplittableRandom random) {
        synchronized (lock) {
            final PageMap image = Landing.image(unflushed.inOrder(), medium, device, survival, random);
            final boolean grown = survival.keepsGrowth(random);
            return new SimBlockDevice(random.nextLong(), image, grown ? length : durableLength);
        }
    }

    /**
     * The device as the next process finds it when this one has crashed: nothing written is lost, nothing more is
     * durable. Counters at 0, nothing planned. What this process does afterwards does not reach it. After
     * {@link #losePowerAt} it is a process killed at that operation, which was completed.
     */
    public SimBlockDevice kill() {
        final SimBlockDevice next = fork();
        next.operations = 0;
        next.reads = 0;
        next.writes = 0;
        next.flushes = 0;
        next.bytesWritten = 0;
        next.powerLossAt = Long.MAX_VALUE;
        next.powerLostAt = -1;
        next.closed = false;
        return next;
    }

    /** An independent copy of this moment, with its counters and its planned power loss, without its {@link #faults}. */
    public SimBlockDevice fork() {
        synchronized (lock) {
            final SimBlockDevice copy = new SimBlockDevice(length, seed);
            copy.medium = medium.fork();
            copy.device = device.fork();
            copy.pageCache = pageCache == device ? copy.device : pageCache.fork();
            copy.unflushed = unflushed.copy();
            copy.durableLength = durableLength;
            copy.operations = operations;
            copy.reads = reads;
            copy.writes = writes;
            copy.flushes = flushes;
            copy.bytesWritten = bytesWritten;
            copy.sectorDrops = sectorDrops;
            copy.powerLossAt = powerLossAt;
            copy.powerLostAt = powerLostAt;
            copy.closed = closed;
            return copy;
        }
    }

    /** Memory got short: from now on reads show what {@link #readMedium} does, failed flush or not. */
    public void dropPageCache() {
        synchronized (lock) {
            pageCache = device;
        }
    }

    /** Turns one bit of the medium, and of every cache above it, as decay does; {@code bit} counts from 0 to 7. */
    public void flipBit(final long position, final int bit) {
        synchronized (lock) {
            flipBit(medium, position, bit);
            flipBit(device, position, bit);
            if (pageCache != device) {
                flipBit(pageCache, position, bit);
            }
        }
    }

    private static void flipBit(final PageMap content, final long position, final int bit) {
        final byte[] flipped = new byte[1];
        content.read(position, flipped, 0, 1);
        flipped[0] ^= (byte) (1 << bit);
        content.write(position, flipped, 0, 1);
    }

    /** A second, read-only opening of this device, for readers beside the writer. Closing it closes only itself. */
    public BlockDevice openReadOnly() {
        return new SimReader(this);
    }

    /**
     * A number that tells states of a device apart: equal for equal content of medium, device and page cache and equal
     * length, whatever led there.
     */
    public long fingerprint() {
        synchronized (lock) {
            long state = PageMap.mix(length + 31 * durableLength) + medium.fingerprint();
            state = PageMap.mix(state) + device.fingerprint();
            return PageMap.mix(state) + pageCache.fingerprint();
        }
    }

    // ---- faults and counters

    public FaultPlan faults() {
        return faults;
    }

    /** Called after each counted operation, in its thread and outside the device's lock; may use the device. */
    public void onOperation(final Consumer<Operation> newListener) {
        listener = newListener;
    }

    /** Operations begun so far: the ordinal of the next. */
    public long operations() {
        synchronized (lock) {
            return operations;
        }
    }

    public long reads() {
        synchronized (lock) {
            return reads;
        }
    }

    public long writes() {
        synchronized (lock) {
            return writes;
        }
    }

    public long flushes() {
        synchronized (lock) {
            return flushes;
        }
    }

    public long bytesWritten() {
        synchronized (lock) {
            return bytesWritten;
        }
    }

    /** Positions of the blocks that were ever written, ascending, for tests that damage them. */
    public long[] writtenPositions() {
        synchronized (lock) {
            final LongStream.Builder positions = LongStream.builder();
            device.forEachPage(0, Long.MAX_VALUE / BLOCK_LENGTH, page -> positions.add(page * BLOCK_LENGTH));
            return positions.build().toArray();
        }
    }

    // ---- BlockDevice

    @Override
    public String name() {
        return "sim";
    }

    @Override
    public long length() {
        synchronized (lock) {
            return length;
        }
    }

    @Override
    public boolean readOnly() {
        return false;
    }

    @Override
    public void read(
            final long position, final MutableDirectBuffer target, final int targetIndex, final int readLength) {
        target.boundsCheck(targetIndex, readLength);
        synchronized (lock) {
            beginRead(position, readLength);
            pageCache.read(position, target, targetIndex, readLength);
        }
    }

    @Override
    public void readMedium(
            final long position, final MutableDirectBuffer target, final int targetIndex, final int readLength) {
        target.boundsCheck(targetIndex, readLength);
        synchronized (lock) {
            beginRead(position, readLength);
            device.read(position, target, targetIndex, readLength);
        }
    }

    private void beginRead(final long position, final int readLength) {
        requireUsable();
        DeviceRange.check(name(), length, position, readLength);
        faults.onRead(reads++, position, readLength);
    }

    @Override
    public void write(final long position, final DirectBuffer source, final int sourceIndex, final int writeLength) {
        final byte[] bytes = new byte[writeLength];
        source.getBytes(sourceIndex, bytes);
        final Operation operation;
        synchronized (lock) {
            requireUsable();
            DeviceRange.check(name(), length, position, writeLength);
            operation = new Operation(operations, Kind.WRITE, position, writeLength);
            if (operations >= powerLossAt) {
                apply(position, bytes); // Nobody reads it any more, but it may have landed, in part or as a whole.
                throw losePower();
            }
            operations++;
            if (faults.onWrite(writes++, position, writeLength)) {
                failWrite(position, bytes);
            }
            bytesWritten += writeLength;
            apply(position, bytes);
        }
        listener.accept(operation);
    }

    private void failWrite(final long position, final byte[] bytes) {
        final int sectors = randomOfThisOperation().nextInt(bytes.length / SECTOR_LENGTH + 1);
        apply(position, Arrays.copyOf(bytes, sectors * SECTOR_LENGTH));
        throw new StoreException("planned failure of write " + (writes - 1) + " at position " + position);
    }

    private void apply(final long position, final byte[] bytes) {
        unflushed.add(position, bytes);
        device.write(position, bytes, 0, bytes.length);
        if (pageCache != device) {
            pageCache.write(position, bytes, 0, bytes.length);
        }
    }

    /** What was written before the start is durable from the end on. What is written between the two is not covered. */
    @Override
    public void flush() {
        final Operation start;
        final CoveredByFlush covered;
        synchronized (lock) {
            requireUsable();
            start = new Operation(operations, Kind.FLUSH_START, 0, 0);
            if (operations >= powerLossAt) {
                throw losePower();
            }
            operations++;
            covered = new CoveredByFlush(flushes, device.fork(), unflushed.end(), length, sectorDrops);
            flushes++;
        }
        listener.accept(start);
        final Operation end;
        synchronized (lock) {
            requireUsable();
            end = new Operation(operations, Kind.FLUSH_END, 0, 0);
            endFlush(covered);
        }
        listener.accept(end);
    }

    private void endFlush(final CoveredByFlush covered) {
        if (operations >= powerLossAt) {
            makeDurable(covered);
            throw losePower(); // All done, only nobody was told.
        }
        operations++;
        if (faults.onFlush(covered.ordinal)) {
            dropSectors(covered.writesEnd);
            throw new StoreException("planned failure of flush " + covered.ordinal);
        }
        if (covered.sectorDrops != sectorDrops) {
            throw new StoreException("flush " + covered.ordinal + " failed as another did that ran beside it");
        }
        makeDurable(covered);
    }

    private void makeDurable(final CoveredByFlush covered) {
        durableLength = Math.max(durableLength, covered.length);
        if (covered.writesEnd > unflushed.start()) {
            unflushed.removeBefore(covered.writesEnd);
            medium = covered.content;
        }
    }

    /** From here on the page cache knows more than the device. */
    private void dropSectors(final long writesEnd) {
        if (pageCache == device) {
            pageCache = device.fork();
        }
        unflushed.dropSectors(writesEnd, medium, device, randomOfThisOperation());
        sectorDrops++;
    }

    /** Of each block that was ever written: kept, zeroed or noise, by the device's seed. Durable with the next flush. */
    @Override
    public void discard(final long position, final long discardLength) {
        assert position % SECTOR_LENGTH == 0 && discardLength % SECTOR_LENGTH == 0
                : "not whole sectors: " + position + "+" + discardLength;
        final Operation operation;
        synchronized (lock) {
            if (closed) {
                return;
            }
            requireUsable();
            operation = new Operation(operations, Kind.DISCARD, position, discardLength);
            final boolean losesPower = operations >= powerLossAt;
            operations++;
            discardWrittenPages(position, Math.min(position + discardLength, length));
            if (losesPower) {
                throw losePower();
            }
        }
        listener.accept(operation);
    }

    private void discardWrittenPages(final long position, final long end) {
        final SplittableRandom random = randomOfThisOperation();
        final List<Long> pages = new ArrayList<>();
        device.forEachPage(position / BLOCK_LENGTH, (end + BLOCK_LENGTH - 1) / BLOCK_LENGTH, pages::add);
        for (final long page : pages) {
            final int toss = random.nextInt(4);
            if (toss > 0) {
                final long from = Math.max(position, page * BLOCK_LENGTH);
                final byte[] bytes = new byte[(int) (Math.min(end, (page + 1) * BLOCK_LENGTH) - from)];
                if (toss == 1) {
                    random.nextBytes(bytes);
                }
                apply(from, bytes);
            }
        }
    }

    /** Survives a power loss for certain once flushed. What is in the new part after that power loss is undefined. */
    @Override
    public void grow(final long newLength) {
        assert newLength % SECTOR_LENGTH == 0 : "not whole sectors: " + newLength;
        final Operation operation;
        synchronized (lock) {
            requireUsable();
            if (newLength <= length) {
                return;
            }
            operation = new Operation(operations, Kind.GROW, length, newLength);
            length = newLength;
            if (operations >= powerLossAt) {
                throw losePower();
            }
            operations++;
        }
        listener.accept(operation);
    }

    /** Neither flushes nor loses anything: {@link #kill} finds what {@link #close} left. */
    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
        }
    }

    private void requireUsable() {
        if (powerLostAt >= 0) {
            throw new PowerLoss(powerLostAt);
        }
        if (closed) {
            throw new StoreException("device is closed: " + name());
        }
    }

    private PowerLoss losePower() {
        powerLostAt = operations;
        return new PowerLoss(operations);
    }

    private SplittableRandom randomOfThisOperation() {
        return new SplittableRandom(seed + operations * 0x9E37_79B9_7F4A_7C15L);
    }
}
