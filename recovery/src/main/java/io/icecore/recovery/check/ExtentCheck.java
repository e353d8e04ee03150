package io.icecore.recovery.check;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.commit.OpenedStore;
import io.icecore.store.device.StoreException;
import io.icecore.store.tree.Forest;
import io.icecore.store.tree.Key;
import io.icecore.store.tree.Tree;
import io.icecore.store.tree.TreeEntry;
import io.icecore.volume.CatalogueRecord;
import io.icecore.volume.map.Extent;
import io.icecore.volume.map.ExtentLayout;

/**
 * Do the extents of a branch fit each other, its epochs and its region bitmaps? Extents come in the order of their keys.
 * Not thread-safe: one for each part of a tree.
 *
 * <p>Lives: at any epoch a chunk has one version. The head is checked against its neighbours, a version of the history
 * against its predecessor with the same first chunk, against the longer pieces that could cover it, and against the head;
 * one of the recent tree against those of the history as well.
 *
 * <p>Regions: a clear bit is a promise that the regions' chunks were not written in those epochs. So the birth and the
 * death of every version are set in the bitmaps of the first kept items at or after them, and what no snapshot sees any
 * more is among the candidates of the reclaimer.
 */
final class ExtentCheck {
    /** Beyond this size of the regions tree only every 64th version is looked up there. */
    private static final int REGIONS_LEVEL_MAX = 2;

    private final Findings findings;
    private final Forest forest;
    private final Tree head;
    private final Tree history;
    private final RegionLookup regions;
    private final boolean everyRegion;
    private final TreeEntry other = new TreeEntry();

    private long headBranch = -1;
    private long headEnd;
    private long historyBranch = -1;
    private long historyChunk;
    private long historyDeath;

    ExtentCheck(final Forest forest, final RegionLookup regions, final int regionsLevel, final Findings findings) {
        this.findings = findings;
        this.forest = forest;
        this.regions = regions;
        head = forest.tree(OpenedStore.HEAD);
        history = forest.tree(OpenedStore.HISTORY);
        everyRegion = regionsLevel <= REGIONS_LEVEL_MAX;
    }

    /** What comes next is the part of this tree from this key on. */
    void begin(final int tree, final long fromHi, final long fromLo) {
        final long hi = fromLo == 0 ? fromHi - 1 : fromHi;
        if (hi < 0) {
            return; // Nothing is before it.
        }
        try {
            if (!forest.tree(tree).floor(hi, fromLo - 1, other) || other.length() < ExtentLayout.CHECKSUMS_OFFSET) {
                return;
            }
        } catch (final StoreException ex) {
            return; // Damage, which the walk reports. Nothing is known of what is before.
        }
        if (OpenedStore.holdsHistory(tree)) {
            historyBranch = other.a();
            historyChunk = other.b();
            historyDeath = ExtentLayout.epoch(other.value);
        } else {
            headBranch = other.a();
            headEnd = other.b() + ExtentLayout.length(other.value);
        }
    }

    void inHead(final Extent extent, final BranchFacts facts) {
        require(
                extent.branch() != headBranch || extent.chunk() >= headEnd,
                extent,
                "overlaps the extent before it, which ends at chunk " + headEnd);
        headBranch = extent.branch();
        headEnd = extent.end();
        if (facts == null) {
            require(false, extent, "no such branch");
            return;
        }
        require(
                extent.birth() <= facts.line.epoch(),
                extent,
                "born after the current epoch " + facts.line.epoch() + " of its branch");
        if (facts.headOfVolume() && !extent.zeroes()) { // Shrinking leaves zeroes, to hide the parent.
            final long chunks = (facts.volume.sizeBytes() + BLOCK_LENGTH - 1) / BLOCK_LENGTH;
            require(extent.end() <= chunks, extent, "beyond the end of its volume at chunk " + chunks);
        }
        if (!facts.line.discarded()) {
            promise(extent, extent.birth(), facts, "birth");
        }
        if (!facts.line.head() && !facts.sees(extent.birth(), Extent.HEAD)) {
            final CatalogueRecord.Deletion deletion = facts.deletion;
            require(
                    deletion != null && (deletion.headFrom() < extent.end() || candidate(extent, facts)),
                    extent,
                    "no snapshot sees it, and the reclaimer will not find it");
        }
    }

    /** @param tree the one of the history that it is in */
    void inHistory(final int tree, final Extent extent, final BranchFacts facts) {
        require(extent.birth() < extent.death(), extent, "dead before it was born");
        require(
                extent.branch() != historyBranch || extent.chunk() != historyChunk || historyDeath <= extent.birth(),
                extent,
                "the version before it lives until " + historyDeath);
        historyBranch = extent.branch();
        historyChunk = extent.chunk();
        historyDeath = extent.death();
        longerPieces(forest.tree(tree), 2, extent);
        if (tree == OpenedStore.RECENT) {
            longerPieces(history, 1, extent);
            shorterPieces(extent);
        }
        if (covers(head, extent.branch(), extent.chunk(), 0, extent.chunk())) {
            final long birth = ExtentLayout.epoch(other.value);
            require(extent.death() <= birth, extent, "the head's version of its first chunk was born in " + birth);
        }
        if (facts == null) {
            require(false, extent, "no such branch");
            return;
        }
        require(
                extent.death() <= facts.line.epoch(),
                extent,
                "dead after the current epoch " + facts.line.epoch() + " of its branch");
        if (facts.line.discarded()) {
            reclaimable(extent, facts);
        } else {
            promise(extent, extent.birth(), facts, "birth");
            promise(extent, extent.death(), facts, "death");
            if (!facts.sees(extent.birth(), extent.death())) {
                reclaimable(extent, facts);
            }
        }
    }

    /** Pieces are aligned, so those that can cover it begin at few places; at each, its birth and its death are tried. */
    private void longerPieces(final Tree tree, final int lengthMin, final Extent extent) {
        for (int length = lengthMin; length <= ExtentLayout.LENGTH_MAX; length <<= 1) {
            final long start = extent.chunk() & -length;
            if (start == extent.chunk() && length > 1) {
                continue;
            }
            for (final long epoch : new long[] {extent.birth(), extent.death() - 1}) {
                if (epoch >= 0
                        && covers(tree, extent.branch(), start, epoch, extent.chunk())
                        && other.b() == start
                        && ExtentLayout.epoch(other.value) > extent.birth()) {
                    require(false, extent, "the piece at chunk " + start + " born in " + other.c() + " covers it too");
                    return;
                }
            }
        }
    }

    /** Pieces of the history that begin within one of the recent tree; each of which would find it, were they in one tree. */
    private void shorterPieces(final Extent extent) {
        try {
            final long hi = Key.hi(extent.branch(), extent.chunk() + 1);
            boolean more = extent.length() > 1 && history.ceiling(hi, Key.lo(extent.chunk() + 1, 0), other);
            while (more && other.a() == extent.branch() && other.b() < extent.end()) {
                require(
                        other.length() < ExtentLayout.CHECKSUMS_OFFSET
                                || ExtentLayout.epoch(other.value) <= extent.birth()
                                || extent.death() <= other.c(),
                        extent,
                        "it covers the piece at chunk " + other.b() + " born in " + other.c());
                more = history.ceiling(other.hi(), other.lo() + 1, other);
            }
        } catch (final StoreException ex) {
            throw new CatalogueLookup.UnknownException();
        }
    }

    /** Whether the last entry at or before (chunk, epoch) is of this branch and covers {@code covered}. */
    private boolean covers(final Tree tree, final long branch, final long chunk, final long epoch, final long covered) {
        try {
            return tree.floor(Key.hi(branch, chunk), Key.lo(chunk, epoch), other)
                    && other.a() == branch
                    && other.length() >= ExtentLayout.CHECKSUMS_OFFSET
                    && other.b() + ExtentLayout.length(other.value) > covered;
        } catch (final StoreException ex) {
            throw new CatalogueLookup.UnknownException();
        }
    }

    private void promise(final Extent extent, final long epoch, final BranchFacts facts, final String what) {
        final long item = facts.itemFrom(epoch);
        if (item == BranchFacts.TOP
                || item == facts.oldestItem()
                || !everyRegion && (extent.chunk() * 0x9E37_79B9_7F4A_7C15L >>> 58) != 0) {
            return;
        }
        final boolean ofHead = facts.line.head() && item == facts.line.epoch();
        final long clear = regions.firstClear(extent.branch(), item, ofHead, extent.chunk(), extent.end());
        require(
                clear < 0,
                extent,
                "region " + clear + " is clear in the bitmap of epoch " + item + " (expected: set, for its " + what
                        + ")");
    }

    private void reclaimable(final Extent extent, final BranchFacts facts) {
        final CatalogueRecord.Deletion deletion = facts.deletion;
        require(
                deletion != null && (deletion.historyFrom() <= extent.chunk() || candidate(extent, facts)),
                extent,
                "no snapshot sees it, and the reclaimer will not find it");
    }

    private boolean candidate(final Extent extent, final BranchFacts facts) {
        return facts.deletion.birthMin() <= extent.birth()
                && extent.birth() <= facts.deletion.birthMax()
                && regions.any(extent.branch(), RegionLookup.CANDIDATES, extent.chunk(), extent.end());
    }

    private void require(final boolean holds, final Extent extent, final String problem) {
        if (!holds) {
            findings.add(new Finding(
                    (extent.death() == Extent.HEAD ? "head" : "history") + " extent of " + extent, problem));
        }
    }
}
