package io.icecore.recovery.scrub;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.recovery.check.SideBySide;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.Checksum;
import io.icecore.volume.map.Extent;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Some thousand chunks that are read together, in the order of blocks and with neighbours in one go, past the page cache:
 * what is verified is the medium. Reads of several runs are at the device at once.
 */
final class Batch {
    /** A chunk that did not have its checksum. */
    record Bad(long branch, long chunk, long birth, long death, long block, int expected, Integer found) {}

    private static final int RUN_BLOCKS_MAX = 128;
    private static final ThreadLocal<UnsafeBuffer> BUFFER = ThreadLocal.withInitial(() -> new UnsafeBuffer(
            ByteBuffer.allocateDirect((RUN_BLOCKS_MAX + 1) * BLOCK_LENGTH).alignedSlice(BLOCK_LENGTH)));

    private record Chunk(long branch, long chunk, long birth, long death, long block, int checksum) {
        Bad bad(final Integer found) {
            return new Bad(branch, chunk, birth, death, block, checksum, found);
        }
    }

    private final BlockDevice device;
    private final List<Chunk> chunks = new ArrayList<>();

    Batch(final BlockDevice device) {
        this.device = device;
    }

    void add(final Extent extent) {
        for (long chunk = extent.chunk(); chunk < extent.end() && !extent.zeroes(); chunk++) {
            chunks.add(new Chunk(
                    extent.branch(),
                    chunk,
                    extent.birth(),
                    extent.death(),
                    extent.blockOf(chunk),
                    extent.checksumOf(chunk)));
        }
    }

    int size() {
        return chunks.size();
    }

    /** Reads and verifies all of them. Returns the bad ones, in the order of blocks. */
    List<Bad> verify(final SideBySide threads, final Runnable meanwhile) {
        final Chunk[] sorted = chunks.toArray(new Chunk[0]);
        Arrays.sort(sorted, (one, other) -> Long.compare(one.block, other.block));
        final ConcurrentLinkedQueue<Bad> bad = new ConcurrentLinkedQueue<>();
        final List<Callable<Void>> runs = new ArrayList<>();
        for (int from = 0; from < sorted.length; ) {
            int end = from + 1;
            while (end < sorted.length
                    && end - from < RUN_BLOCKS_MAX
                    && sorted[end].block == sorted[from].block + end - from) {
                end++;
            }
            final Chunk[] run = Arrays.copyOfRange(sorted, from, end);
            runs.add(() -> {
                verify(run, bad);
                return null;
            });
            from = end;
        }
        threads.run(runs, meanwhile);
        final List<Bad> list = new ArrayList<>(bad);
        list.sort((one, other) -> Long.compare(one.block, other.block));
        return list;
    }

    private void verify(final Chunk[] run, final ConcurrentLinkedQueue<Bad> bad) {
        final UnsafeBuffer buffer = BUFFER.get();
        try {
            device.readMedium(run[0].block * BLOCK_LENGTH, buffer, 0, run.length * BLOCK_LENGTH);
        } catch (final StoreException ex) {
            verifyEach(run, bad); // Which of them is it?
            return;
        }
        for (int i = 0; i < run.length; i++) {
            final int found = Checksum.of(buffer, i * BLOCK_LENGTH, BLOCK_LENGTH);
            if (found != run[i].checksum) {
                bad.add(run[i].bad(found));
            }
        }
    }

    private void verifyEach(final Chunk[] run, final ConcurrentLinkedQueue<Bad> bad) {
        final UnsafeBuffer buffer = BUFFER.get();
        for (final Chunk chunk : run) {
            try {
                device.readMedium(chunk.block * BLOCK_LENGTH, buffer, 0, BLOCK_LENGTH);
                final int found = Checksum.of(buffer, 0, BLOCK_LENGTH);
                if (found != chunk.checksum) {
                    bad.add(chunk.bad(found));
                }
            } catch (final StoreException ex) {
                bad.add(chunk.bad(null));
            }
        }
    }
}
