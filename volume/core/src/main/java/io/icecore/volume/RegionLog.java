package io.icecore.volume;

import java.util.Arrays;
import org.agrona.collections.Long2ObjectHashMap;

/**
 * Regions of the heads' bitmaps that were set since those were last written to the tree.
 *
 * <p>Without it, every flushed write would rewrite a leaf of the regions tree. A short log travels in the notes of each
 * commit; a long one is folded into the tree. A chunk that is written again and again costs one run. Used under the store's
 * lock.
 */
final class RegionLog {
    /** Receives runs of one branch, ascending. */
    @FunctionalInterface
    interface RunVisitor {
        void run(long branch, long from, long end);
    }

    /** Ascending, with a gap between each two. */
    private static final class Runs {
        private long[] from = new long[8];
        private long[] end = new long[8];
        private int count;

        void add(final long start, final long stop) {
            int first = floor(start);
            if (first < 0 || end[first] < start) {
                first++;
            }
            int after = first; // Runs from first to before after touch the new one and become part of it.
            long mergedFrom = start;
            long mergedEnd = stop;
            while (after < count && from[after] <= stop) {
                mergedFrom = Math.min(mergedFrom, from[after]);
                mergedEnd = Math.max(mergedEnd, end[after]);
                after++;
            }
            final int newCount = count + 1 - (after - first);
            reserve(newCount);
            System.arraycopy(from, after, from, first + 1, count - after);
            System.arraycopy(end, after, end, first + 1, count - after);
            from[first] = mergedFrom;
            end[first] = mergedEnd;
            count = newCount;
        }

        /** A run that begins at or after the last one. */
        void append(final long start, final long stop) {
            if (count > 0 && start <= end[count - 1]) {
                end[count - 1] = Math.max(end[count - 1], stop);
            } else {
                reserve(count + 1);
                from[count] = start;
                end[count++] = stop;
            }
        }

        private void reserve(final int length) {
            if (length > from.length) {
                from = Arrays.copyOf(from, 2 * length);
                end = Arrays.copyOf(end, 2 * length);
            }
        }

        private int floor(final long start) {
            final int at = Arrays.binarySearch(from, 0, count, start);
            return at >= 0 ? at : -at - 2;
        }
    }

    /** Those added lately are in a list of their own, which is short: in the long one each would move half of the others. */
    private static final class BranchRuns {
        private static final int LATELY_MAX = 128;

        private final Runs lately = new Runs();
        private Runs settled = new Runs();
        private Runs spare = new Runs();

        int count() {
            return settled.count + lately.count;
        }

        void add(final long from, final long end) {
            lately.add(from, end);
            if (lately.count > LATELY_MAX) {
                settled();
            }
        }

        /** All of them. */
        Runs settled() {
            if (lately.count > 0) {
                spare.count = 0;
                int i = 0;
                for (int k = 0; k < lately.count; k++) {
                    for (; i < settled.count && settled.from[i] < lately.from[k]; i++) {
                        spare.append(settled.from[i], settled.end[i]);
                    }
                    spare.append(lately.from[k], lately.end[k]);
                }
                for (; i < settled.count; i++) {
                    spare.append(settled.from[i], settled.end[i]);
                }
                lately.count = 0;
                final Runs merged = spare;
                spare = settled;
                settled = merged;
            }
            return settled;
        }
    }

    private final Long2ObjectHashMap<BranchRuns> branches = new Long2ObjectHashMap<>();
    private int runCount;

    /** How many runs there are, at the most: some may touch, and become one. */
    int runCount() {
        return runCount;
    }

    void add(final long branch, final long from, final long end) {
        assert from < end : from + ", " + end;
        final BranchRuns runs = branches.computeIfAbsent(branch, b -> new BranchRuns());
        runCount -= runs.count();
        runs.add(from, end);
        runCount += runs.count();
    }

    void forEach(final long branch, final RunVisitor visitor) {
        final BranchRuns branchRuns = branches.get(branch);
        if (branchRuns != null) {
            runCount -= branchRuns.count();
            final Runs runs = branchRuns.settled();
            runCount += runs.count;
            for (int i = 0; i < runs.count; i++) {
                visitor.run(branch, runs.from[i], runs.end[i]);
            }
        }
    }

    void forEach(final RunVisitor visitor) {
        branches.keySet().forEach(branch -> forEach(branch, visitor));
    }

    /** Numbers of the branches that have runs. */
    long[] branches() {
        return branches.keySet().stream().mapToLong(Long::longValue).toArray();
    }

    void remove(final long branch) {
        final BranchRuns runs = branches.remove(branch);
        if (runs != null) {
            runCount -= runs.count();
        }
    }

    void clear() {
        branches.clear();
        runCount = 0;
    }
}
