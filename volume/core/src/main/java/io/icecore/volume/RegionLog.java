package io.icecore.volume;

import java.util.Arrays;
import org.agrona.collections.Long2ObjectHashMap;

/**
 * Regions of the heads' bitmaps that were set since those were last written to the tree.
 *
 * <p>Without it, every flushed write would rewrite a leaf of the regions tree. A short log travels in the notes of each
 * commit; a long one is folded into the tree. Runs of a branch are kept sorted and disjoint, so a chunk that is written
 * again and again costs one run. Used under the store's lock.
 */
final class RegionLog {
    /** Receives runs of one branch, ascending. */
    @FunctionalInterface
    interface RunVisitor {
        void run(long branch, long from, long end);
    }

    private static final class Runs {
        private long[] from = new long[8];
        private long[] end = new long[8];
        private int count;
    }

    private final Long2ObjectHashMap<Runs> branches = new Long2ObjectHashMap<>();
    private int runCount;

    int runCount() {
        return runCount;
    }

    boolean contains(final long branch, final long from, final long end) {
        final Runs runs = branches.get(branch);
        if (runs == null) {
            return false;
        }
        final int at = floor(runs, from);
        return at >= 0 && runs.end[at] >= end;
    }

    void add(final long branch, final long from, final long end) {
        assert from < end : from + ", " + end;
        final Runs runs = branches.computeIfAbsent(branch, b -> new Runs());
        int first = floor(runs, from);
        if (first < 0 || runs.end[first] < from) {
            first++;
        }
        int after = first; // Runs from first to before after touch the new one and become part of it.
        long mergedFrom = from;
        long mergedEnd = end;
        while (after < runs.count && runs.from[after] <= end) {
            mergedFrom = Math.min(mergedFrom, runs.from[after]);
            mergedEnd = Math.max(mergedEnd, runs.end[after]);
            after++;
        }
        final int count = runs.count + 1 - (after - first);
        if (count > runs.from.length) {
            runs.from = Arrays.copyOf(runs.from, 2 * count);
            runs.end = Arrays.copyOf(runs.end, 2 * count);
        }
        System.arraycopy(runs.from, after, runs.from, first + 1, runs.count - after);
        System.arraycopy(runs.end, after, runs.end, first + 1, runs.count - after);
        runs.from[first] = mergedFrom;
        runs.end[first] = mergedEnd;
        runCount += count - runs.count;
        runs.count = count;
    }

    private static int floor(final Runs runs, final long from) {
        final int at = Arrays.binarySearch(runs.from, 0, runs.count, from);
        return at >= 0 ? at : -at - 2;
    }

    void forEach(final long branch, final RunVisitor visitor) {
        final Runs runs = branches.get(branch);
        if (runs != null) {
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
        final Runs runs = branches.remove(branch);
        if (runs != null) {
            runCount -= runs.count;
        }
    }

    void clear() {
        branches.clear();
        runCount = 0;
    }
}
