package io.icecore.volume;

import io.icecore.store.Store;
import io.icecore.store.tree.Key;
import io.icecore.store.tree.Tree;
import io.icecore.store.tree.TreeEntry;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongUnaryOperator;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * The region bitmaps: for each kept snapshot x of a branch, and for its head, the regions written in the epochs after
 * the kept snapshot before, up to x.
 *
 * <pre>
 * key (branch, epoch, container)   value                   container = first region >>> 16
 *   epoch of a kept snapshot        see {@link RegionBitmap}
 *   the branch's current epoch      of the head: a snapshot takes it over by moving the epoch on
 *   {@value #CANDIDATES}                               the branch's deletion record: regions that the reclaimer has to visit
 * </pre>
 *
 * <p>The bitmap of a branch's oldest kept item (snapshot or head) counts as all ones and is not stored. Of the head, what
 * was set lately is in a {@link RegionLog} instead. All methods are called under the store's lock.
 */
final class Regions {
    /** In place of an epoch; epochs begin at 1. */
    static final long CANDIDATES = 0;

    /** In memory. A longer log is folded at once, so that it stays quick to search. */
    static final int LOG_RUNS_MAX = 4096;

    /** In place of an epoch: what comes after the end of a headless branch. Its bitmap is all ones. */
    static final long TOP = -1;

    /** Containers of removed items held in memory at once, of 16 KiB each. */
    private static final int ACCUMULATED_MAX = 1024;

    private final Tree tree;
    private final RegionLog log;
    private final LongUnaryOperator currentEpoch;
    private final TreeEntry entry = new TreeEntry();
    private final RegionBitmap bitmap = new RegionBitmap();
    private final RegionBitmap visited = new RegionBitmap();
    private final UnsafeBuffer value = new UnsafeBuffer(new byte[RegionBitmap.ENCODED_LENGTH_MAX]);

    /** @param currentEpoch of a branch, by its number */
    Regions(final Store store, final RegionLog log, final LongUnaryOperator currentEpoch) {
        tree = store.regions();
        this.log = log;
        this.currentEpoch = currentEpoch;
    }

    /** Notes that the head of a branch was written there. What was written there since its newest snapshot is noted already. */
    void add(final long branch, final long chunk, final long count) {
        log.add(branch, chunk, chunk + count);
        if (log.runCount() > LOG_RUNS_MAX) {
            foldAll();
        }
    }

    private static int regionOf(final long chunk) {
        return (int) (chunk & RegionBitmap.REGIONS - 1);
    }

    /** Writes the log to the tree. */
    void foldAll() {
        for (final long branch : log.branches()) {
            fold(branch);
        }
    }

    void fold(final long branch) {
        final long epoch = currentEpoch.applyAsLong(branch);
        final long[] container = {-1};
        log.forEach(branch, (b, from, end) -> {
            for (long at = from; at < end; ) {
                final long next = at >>> RegionBitmap.CONTAINER_SHIFT;
                if (next != container[0]) {
                    putPending(branch, epoch, container[0]);
                    container[0] = next;
                    bitmap.clear();
                    or(branch, epoch, next, bitmap);
                }
                final long stop = Math.min(end, (next + 1) << RegionBitmap.CONTAINER_SHIFT);
                bitmap.set(regionOf(at), regionOf(stop - 1) + 1);
                at = stop;
            }
        });
        putPending(branch, epoch, container[0]);
        log.remove(branch);
    }

    private void putPending(final long branch, final long epoch, final long container) {
        if (container >= 0) {
            put(branch, epoch, container, bitmap);
        }
    }

    /** Adds what the tree has of a container. */
    void or(final long branch, final long epoch, final long container, final RegionBitmap into) {
        if (tree.get(Key.hi(branch, epoch), Key.lo(epoch, container), entry)) {
            into.orEncoded(entry.value, 0, entry.length());
        }
    }

    /** Number of the first container at or after {@code from} that the tree has, or -1. */
    long nextContainer(final long branch, final long epoch, final long from) {
        if (from <= Key.C_MAX
                && tree.ceiling(Key.hi(branch, epoch), Key.lo(epoch, from), entry)
                && entry.a() == branch
                && entry.b() == epoch) {
            return entry.c();
        }
        return -1;
    }

    /** Stores a container; an empty one is removed. */
    void put(final long branch, final long epoch, final long container, final RegionBitmap bits) {
        if (bits.isEmpty()) {
            tree.remove(Key.hi(branch, epoch), Key.lo(epoch, container));
        } else {
            final int length = bits.encode(value, 0);
            tree.put(Key.hi(branch, epoch), Key.lo(epoch, container), value, 0, length);
        }
    }

    /** The bitmap of {@code from} goes, its regions become candidates. */
    void moveToCandidates(final long branch, final long from) {
        for (long c = nextContainer(branch, from, 0); c >= 0; c = nextContainer(branch, from, c + 1)) {
            value.putBytes(0, entry.value, 0, entry.length());
            final int length = entry.length();
            tree.remove(Key.hi(branch, from), Key.lo(from, c));
            if (tree.get(Key.hi(branch, CANDIDATES), Key.lo(CANDIDATES, c), entry)) {
                bitmap.clear();
                bitmap.orEncoded(value, 0, length);
                bitmap.orEncoded(entry.value, 0, entry.length());
                put(branch, CANDIDATES, c, bitmap);
            } else {
                tree.put(Key.hi(branch, CANDIDATES), Key.lo(CANDIDATES, c), value, 0, length);
            }
        }
    }

    // ---- deletion

    /**
     * The bitmaps of a run of removed items go. What is set in at least two of them and of the next kept item becomes a
     * candidate; the next one gets all of theirs.
     *
     * @param run   epochs, ascending; not empty; the first one is not the branch's oldest kept item
     * @param next  epoch of the kept item after the run, or {@link #TOP}
     */
    void removeRun(final long branch, final long[] run, final long next) {
        final TreeMap<Long, Removed> removed = new TreeMap<>();
        for (int i = 0; i < run.length; i++) {
            if (fits(branch, run[i], ACCUMULATED_MAX - removed.size())) {
                accumulate(branch, run[i], removed);
                drop(branch, run[i]);
            } else { // Too much to hold in memory: by way of the tree, which gives the same.
                settle(branch, removed, run[i]);
                mergeForward(branch, run[i], i + 1 < run.length ? run[i + 1] : next);
            }
        }
        settle(branch, removed, next);
    }

    /** What is known of a container of a run of removed items. */
    private static final class Removed {
        private final RegionBitmap any = new RegionBitmap();
        private final RegionBitmap twice = new RegionBitmap();
    }

    private boolean fits(final long branch, final long epoch, final int countMax) {
        int count = 0;
        for (long c = nextContainer(branch, epoch, 0); c >= 0; c = nextContainer(branch, epoch, c + 1)) {
            if (++count > countMax) {
                return false;
            }
        }
        return true;
    }

    private void accumulate(final long branch, final long epoch, final Map<Long, Removed> removed) {
        for (long c = nextContainer(branch, epoch, 0); c >= 0; c = nextContainer(branch, epoch, c + 1)) {
            bitmap.clear();
            bitmap.orEncoded(entry.value, 0, entry.length());
            final Removed at = removed.computeIfAbsent(c, container -> new Removed());
            at.any.accumulate(bitmap, at.twice);
        }
    }

    /** The run ends here: its candidates are noted, and {@code next} gets its regions. */
    private void settle(final long branch, final Map<Long, Removed> removed, final long next) {
        removed.forEach((c, at) -> {
            if (next == TOP) {
                addCandidates(branch, c, at.any); // Its bitmap is all ones.
            } else {
                visited.clear();
                or(branch, next, c, visited);
                at.any.accumulate(visited, at.twice);
                put(branch, next, c, at.any);
                addCandidates(branch, c, at.twice);
            }
        });
        removed.clear();
    }

    private void mergeForward(final long branch, final long from, final long next) {
        if (next == TOP) {
            moveToCandidates(branch, from);
            return;
        }
        final Removed at = new Removed();
        for (long c = nextContainer(branch, from, 0); c >= 0; c = nextContainer(branch, from, c + 1)) {
            at.any.clear();
            at.twice.clear();
            or(branch, from, c, at.any);
            visited.clear();
            or(branch, next, c, visited);
            at.any.accumulate(visited, at.twice);
            put(branch, next, c, at.any);
            addCandidates(branch, c, at.twice);
            tree.remove(Key.hi(branch, from), Key.lo(from, c));
        }
    }

    private void addCandidates(final long branch, final long container, final RegionBitmap bits) {
        if (!bits.isEmpty()) {
            bitmap.clear();
            or(branch, CANDIDATES, container, bitmap);
            bitmap.or(bits);
            put(branch, CANDIDATES, container, bitmap);
        }
    }

    void drop(final long branch, final long epoch) {
        for (long c = nextContainer(branch, epoch, 0); c >= 0; c = nextContainer(branch, epoch, c + 1)) {
            tree.remove(Key.hi(branch, epoch), Key.lo(epoch, c));
        }
    }

    /** The log of a branch that is discarded. */
    void forget(final long branch) {
        log.remove(branch);
    }

    /** Removes up to {@code countMax} containers of the branch, of whatever epoch. Returns how many there were. */
    int dropSome(final long branch, final int countMax) {
        int count = 0;
        while (count < countMax && tree.ceiling(Key.hi(branch, 0), Key.lo(0, 0), entry) && entry.a() == branch) {
            tree.remove(entry.hi(), entry.lo());
            count++;
        }
        return count;
    }

    // ---- looking, without changing anything: also in a store opened read-only

    /** Adds a container of a bitmap, that of the head included. */
    void look(final long branch, final long epoch, final long container, final RegionBitmap into) {
        or(branch, epoch, container, into);
        if (epoch == currentEpoch.applyAsLong(branch)) {
            final long first = container << RegionBitmap.CONTAINER_SHIFT;
            log.forEach(branch, (b, from, end) -> {
                final long start = Math.max(from, first);
                final long stop = Math.min(end, first + RegionBitmap.REGIONS);
                if (start < stop) {
                    into.set((int) (start - first), (int) (stop - first));
                }
            });
        }
    }

    /** Number of the first container at or after {@code from} that {@link #look} finds something in, or -1. */
    long lookNext(final long branch, final long epoch, final long from) {
        final long[] next = {nextContainer(branch, epoch, from)};
        if (epoch == currentEpoch.applyAsLong(branch)) {
            log.forEach(branch, (b, start, end) -> {
                final long c = Math.max(from, start >>> RegionBitmap.CONTAINER_SHIFT);
                if (c <= end - 1 >>> RegionBitmap.CONTAINER_SHIFT && (next[0] < 0 || c < next[0])) {
                    next[0] = c;
                }
            });
        }
        return next[0];
    }

    /** Candidate regions of a branch's deletion record. */
    long candidateCount(final long branch) {
        long count = 0;
        for (long c = nextContainer(branch, CANDIDATES, 0); c >= 0; c = nextContainer(branch, CANDIDATES, c + 1)) {
            visited.clear();
            visited.orEncoded(entry.value, 0, entry.length());
            count += visited.cardinality();
        }
        return count;
    }
}
