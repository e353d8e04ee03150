package io.icecore.volume.map;

import io.icecore.store.format.CorruptStoreException;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds the blocks of a range of chunks at a point of a lineage: the head, then the history, then the parent, then zeroes.
 *
 * <p>Takes no lock. What it finds was true at some moment since it began: chunk by chunk, not for the range as a whole.
 * Blocks may have been reused by the time they are read, so the caller asks the store afterwards.
 *
 * <p>In a branch with a parent a chunk once written always has a version, if only of zeroes. A hole in its history is
 * reported, since the parent's old bytes would be the wrong answer. (A move of versions to another branch looks the same
 * for a moment: ask {@link Moves}.)
 *
 * <p>Costs a seek an extent and, in a snapshot, a few seeks for each gap in the head; never one for each unmapped chunk.
 * What an old snapshot sees is nearly all in the history: where most was found there lately, its old tree is asked before the
 * head, and mostly nothing else need be. A version that moves there meanwhile is met the second time.
 * Not thread-safe: one for each thread.
 */
public final class Resolver {
    private final HeadMap head;
    private final HistoryMap history;
    private final List<Level> levels = new ArrayList<>();

    /** What the walk of one branch needs while the walk of its parent is under way. */
    private static final class Level {
        private static final int SCORE_MAX = 8;

        private final Extent inHead = new Extent();
        private final Extent inHistory = new Extent();
        private final Extent next = new Extent();

        /** Above zero when the snapshots read lately have found more in the history than in the head. */
        private int score;

        void foundInHead() {
            score = Math.max(-SCORE_MAX, score - 1);
        }

        void foundInHistory() {
            score = Math.min(SCORE_MAX, score + 1);
        }
    }

    public Resolver(final HeadMap head, final HistoryMap history) {
        this.head = head;
        this.history = history;
    }

    /** Visits the chunks from {@code from} to {@code end}. Returns false when the visitor ended the walk. */
    public boolean resolve(final Lineage lineage, final long from, final long end, final RunVisitor visitor) {
        while (levels.size() < lineage.depth()) {
            levels.add(new Level());
        }
        return resolve(lineage, 0, from, end, visitor);
    }

    private boolean resolve(
            final Lineage lineage, final int depth, final long from, final long end, final RunVisitor visitor) {
        final Level level = levels.get(depth);
        final long branch = lineage.branch(depth);
        final long epoch = lineage.epoch(depth);
        long chunk = from;
        while (chunk < end) {
            final long stop;
            final boolean more;
            if (level.score > 0 && epoch != Extent.HEAD && history.isOld(branch, chunk, epoch, level.inHistory)) {
                stop = Math.min(level.inHistory.end(), end);
                more = visit(chunk, stop, level.inHistory, visitor);
            } else if (head.covering(branch, chunk, level.inHead)) {
                stop = Math.min(level.inHead.end(), end);
                if (level.inHead.birth() > epoch) {
                    more = resolveHistory(lineage, depth, chunk, stop, visitor);
                } else {
                    more = visit(chunk, stop, level.inHead, visitor);
                    if (epoch != Extent.HEAD) {
                        level.foundInHead();
                    }
                }
            } else {
                stop = head.ceiling(branch, chunk, level.next) ? Math.min(level.next.chunk(), end) : end;
                if (stop == chunk) {
                    continue; // Written between the two seeks.
                }
                more = epoch == Extent.HEAD
                        ? resolveParent(lineage, depth, chunk, stop, visitor)
                        : resolveHistory(lineage, depth, chunk, stop, visitor);
            }
            if (!more) {
                return false;
            }
            chunk = stop;
        }
        return true;
    }

    /**
     * When no entry covers a chunk, none covers the next one either unless it starts there: every other start that could
     * cover it has been tried. So a gap is skipped with one seek.
     */
    private boolean resolveHistory(
            final Lineage lineage, final int depth, final long from, final long end, final RunVisitor visitor) {
        final Level level = levels.get(depth);
        final long branch = lineage.branch(depth);
        final long epoch = lineage.epoch(depth);
        long chunk = from;
        while (chunk < end) {
            long stop;
            final boolean more;
            final HistoryMap.Found found = history.find(branch, chunk, epoch, level.inHistory);
            if (found == HistoryMap.Found.VISIBLE) {
                stop = Math.min(level.inHistory.end(), end);
                more = visit(chunk, stop, level.inHistory, visitor);
                level.foundInHistory();
            } else if (found == HistoryMap.Found.REPLACED && depth + 1 < lineage.depth()) {
                throw new CorruptStoreException( // Not to be taken for "never written: ask the parent".
                        "history of branch " + branch + " chunk " + chunk,
                        -1,
                        "no version at epoch " + epoch + " (expected: one that replaced an older one)");
            } else {
                stop = history.ceiling(branch, chunk + 1, 0, level.next) ? Math.min(level.next.chunk(), end) : end;
                more = resolveParent(lineage, depth, chunk, stop, visitor);
            }
            if (!more) {
                return false;
            }
            chunk = stop;
        }
        return true;
    }

    private boolean resolveParent(
            final Lineage lineage, final int depth, final long from, final long end, final RunVisitor visitor) {
        return depth + 1 < lineage.depth()
                ? resolve(lineage, depth + 1, from, end, visitor)
                : visitor.run(from, end - from, ExtentLayout.ZEROES, null);
    }

    private static boolean visit(final long from, final long end, final Extent extent, final RunVisitor visitor) {
        return visitor.run(from, end - from, extent.blockOf(from), extent.zeroes() ? null : extent);
    }
}
