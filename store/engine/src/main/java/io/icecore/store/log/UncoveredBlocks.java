package io.icecore.store.log;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.icecore.store.format.Checksum;
import java.util.Arrays;
import org.agrona.collections.Long2LongHashMap;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Blocks written and settled that no completed flush covers yet, with their checksums: what a commit has to name in its
 * superblock so that opening can tell whether it is complete. Whoever wrote them, and whenever; those that the commit
 * itself superseded are taken out again. Guarded by the store's lock.
 *
 * <p>Bounded: past {@value #BLOCKS_MAX} blocks it only knows that there are too many, and the commit flushes first.
 */
public final class UncoveredBlocks {
    /** Runs that a superblock names at most. */
    public static final int RUNS_MAX = 40;

    /** Blocks that opening reads at most to verify a commit: 4 MiB. */
    public static final int BLOCKS_MAX = 1024;

    private static final long NONE = Long.MIN_VALUE;

    private final Long2LongHashMap checksums = new Long2LongHashMap(2 * BLOCKS_MAX, 0.65f, NONE);
    private final long[] sorted = new long[BLOCKS_MAX];
    private final long[] found = new long[3 * RUNS_MAX];
    private final UnsafeBuffer crcs = new UnsafeBuffer(new byte[BLOCKS_MAX * Integer.BYTES]);
    private boolean tooMany;

    public void add(final long block, final int checksum) {
        if (checksums.size() >= BLOCKS_MAX) {
            tooMany = true;
        }
        if (!tooMany) {
            checksums.put(block, Integer.toUnsignedLong(checksum));
        }
    }

    /** The block is no longer part of what will be committed. */
    public void remove(final long block, final int count) {
        if (checksums.isEmpty()) {
            return;
        }
        for (int i = 0; i < count; i++) {
            checksums.remove(block + i);
        }
    }

    public boolean isEmpty() {
        return checksums.isEmpty() && !tooMany;
    }

    /** A flush is about to begin; what is added from now on is not covered by it. */
    public void clear() {
        checksums.clear();
        tooMany = false;
    }

    /**
     * The runs, three longs each as in a superblock, or null when there are too many to name: then the commit flushes
     * before it writes its superblock.
     */
    public long[] runs() {
        if (tooMany) {
            return null;
        }
        int count = 0;
        for (final Long2LongHashMap.EntryIterator it = checksums.entrySet().iterator(); it.hasNext(); ) {
            it.next();
            sorted[count++] = it.getLongKey();
        }
        Arrays.sort(sorted, 0, count);
        int length = 0;
        for (int from = 0; from < count; ) {
            int end = from;
            while (end < count && sorted[end] == sorted[from] + end - from) {
                crcs.putInt((end - from) * Integer.BYTES, (int) checksums.get(sorted[end]), LITTLE_ENDIAN);
                end++;
            }
            if (length == 3 * RUNS_MAX) {
                return null;
            }
            found[length++] = sorted[from];
            found[length++] = end - from;
            found[length++] = Integer.toUnsignedLong(Checksum.of(crcs, 0, (end - from) * Integer.BYTES));
            from = end;
        }
        return Arrays.copyOf(found, length);
    }

    /** The checksum that {@link #runs} gives a run, from the bytes of its blocks. */
    public static long runChecksum(final UnsafeBuffer bytes, final int count) {
        final UnsafeBuffer crcs = new UnsafeBuffer(new byte[count * Integer.BYTES]);
        for (int i = 0; i < count; i++) {
            crcs.putInt(i * Integer.BYTES, Checksum.of(bytes, i * BLOCK_LENGTH, BLOCK_LENGTH), LITTLE_ENDIAN);
        }
        return Integer.toUnsignedLong(Checksum.of(crcs, 0, count * Integer.BYTES));
    }
}
