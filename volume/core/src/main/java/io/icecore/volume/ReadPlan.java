package io.icecore.volume;

import io.icecore.volume.map.Extent;
import io.icecore.volume.map.ExtentLayout;
import io.icecore.volume.map.RunVisitor;
import java.util.Arrays;

/** Where the chunks of a read are: runs that are adjacent both in the volume and on the device, and their checksums. */
final class ReadPlan implements RunVisitor {
    private long[] chunks = new long[16];
    private int[] counts = new int[16];
    private long[] blocks = new long[16];
    private int[] checksums = new int[64];
    private int runCount;
    private int chunkCount;

    ReadPlan clear() {
        runCount = 0;
        chunkCount = 0;
        return this;
    }

    int runCount() {
        return runCount;
    }

    int chunkCount() {
        return chunkCount;
    }

    long chunk(final int run) {
        return chunks[run];
    }

    /** Chunks. */
    int count(final int run) {
        return counts[run];
    }

    /** First block, or {@link ExtentLayout#ZEROES}. */
    long block(final int run) {
        return blocks[run];
    }

    /** Whether two runs with blocks are as far apart on the device as they are in the volume. */
    boolean inLine(final int one, final int other) {
        return blocks[other] - blocks[one] == chunks[other] - chunks[one];
    }

    /** The last run that is in line with this one, with at most so many chunks between any two of them. */
    int lastInLine(final int run, final int holeMax) {
        int last = run;
        for (int next = run + 1; next < runCount && chunks[next] - chunks[last] - counts[last] <= holeMax; next++) {
            if (blocks[next] != ExtentLayout.ZEROES && inLine(run, next)) {
                last = next;
            }
        }
        return last;
    }

    /** Of the chunk with this ordinal in the plan; of chunks without a block it means nothing. */
    int checksum(final int ordinal) {
        return checksums[ordinal];
    }

    @Override
    public boolean run(final long chunk, final long count, final long block, final Extent source) {
        final int length = (int) count;
        if (chunkCount + length > checksums.length) {
            checksums = Arrays.copyOf(checksums, Math.max(2 * checksums.length, chunkCount + length));
        }
        for (int i = 0; i < length; i++) {
            checksums[chunkCount + i] = block == ExtentLayout.ZEROES ? 0 : source.checksumOf(chunk + i);
        }
        chunkCount += length;
        if (!extendsLast(block)) {
            newRun(chunk, block);
        }
        counts[runCount - 1] += length;
        return true;
    }

    private boolean extendsLast(final long block) {
        if (runCount == 0) {
            return false;
        }
        final long last = blocks[runCount - 1];
        return last == ExtentLayout.ZEROES
                ? block == ExtentLayout.ZEROES
                : block != ExtentLayout.ZEROES && last + counts[runCount - 1] == block;
    }

    private void newRun(final long chunk, final long block) {
        if (runCount == blocks.length) {
            chunks = Arrays.copyOf(chunks, 2 * runCount);
            counts = Arrays.copyOf(counts, 2 * runCount);
            blocks = Arrays.copyOf(blocks, 2 * runCount);
        }
        chunks[runCount] = chunk;
        counts[runCount] = 0;
        blocks[runCount] = block;
        runCount++;
    }

    /** Whether the other plan, made for the same chunks, names the same blocks. */
    boolean sameBlocks(final ReadPlan other) {
        return runCount == other.runCount
                && Arrays.equals(blocks, 0, runCount, other.blocks, 0, runCount)
                && Arrays.equals(counts, 0, runCount, other.counts, 0, runCount);
    }
}
