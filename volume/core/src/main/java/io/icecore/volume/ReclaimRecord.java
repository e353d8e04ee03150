package io.icecore.volume;

/**
 * The deletion record of a branch: what the reclaimer still has to visit. Candidate regions are in {@link Regions} under
 * {@link Regions#CANDIDATES}.
 *
 * <pre>
 * size  field        content
 *    1  version
 *    8  birthMin     versions born before this need no visit
 *    8  birthMax     nor do those born after this
 *    8  historyFrom  all history from this chunk on has to be visited, whatever the candidates; 2^48 - 1: none
 *    8  headFrom     the same for the head of a headless branch
 *    8  pending      chunks expected to be given back
 * </pre>
 */
final class ReclaimRecord {
    /** In place of a chunk: no full scan. */
    static final long NONE = 0xFFFF_FFFF_FFFFL;

    final long branch;
    long birthMin = Long.MAX_VALUE;
    long birthMax;
    long historyFrom = NONE;
    long headFrom = NONE;
    long pendingChunks;

    ReclaimRecord(final long branch) {
        this.branch = branch;
    }

    /** The record of a branch, or null. */
    static ReclaimRecord load(final CatalogueTree tree, final long branch) {
        return tree.get(CatalogueTree.RECLAIM, branch, 0) ? read(tree) : null;
    }

    static ReclaimRecord read(final CatalogueTree tree) {
        final ReclaimRecord record = new ReclaimRecord(tree.id());
        final RecordReader reader = tree.read("deletion record");
        record.birthMin = reader.getLong();
        record.birthMax = reader.getLong();
        record.historyFrom = reader.getLong();
        record.headFrom = reader.getLong();
        record.pendingChunks = reader.getLong();
        return record;
    }

    void write(final CatalogueTree tree) {
        tree.write()
                .putLong(birthMin)
                .putLong(birthMax)
                .putLong(historyFrom)
                .putLong(headFrom)
                .putLong(pendingChunks);
        tree.put(CatalogueTree.RECLAIM, branch, 0);
    }

    /** Widens the range of births to visit. */
    void includeBirths(final long min, final long max) {
        birthMin = Math.min(birthMin, min);
        birthMax = Math.max(birthMax, max);
    }

    /** Everything the branch has becomes a candidate. */
    void includeAll() {
        historyFrom = 0;
        headFrom = 0;
    }

    boolean scansAll() {
        return historyFrom != NONE || headFrom != NONE;
    }
}
