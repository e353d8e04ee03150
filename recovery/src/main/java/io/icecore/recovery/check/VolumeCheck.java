package io.icecore.recovery.check;

import io.icecore.store.commit.OpenedStore;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.tree.TreeEntry;
import io.icecore.volume.CatalogueRecord;
import io.icecore.volume.map.Extent;
import java.util.HashMap;
import java.util.Map;

/**
 * What the entries of one part of a tree mean to volumes, entry by entry as the walk comes to them. Where something that an
 * entry depends on is damaged, nothing is said of it: the damage itself is reported by the walk.
 */
final class VolumeCheck {
    private final VolumeFacts facts;
    private final CatalogueLookup lookup;
    private final CatalogueCheck catalogue;
    private final ExtentCheck extents;
    private final TreeEntry entry = new TreeEntry();
    private final Extent extent = new Extent();

    /** The branch that entries come of at the moment; null where there is none of that number. */
    private BranchFacts branch;

    private long branchNumber = -1;
    private final Map<Long, long[]> mapped = new HashMap<>();

    /** That the extent read last is in. */
    private int tree;

    private boolean uncertain;

    VolumeCheck(final VolumeFacts facts, final Findings findings) {
        this.facts = facts;
        lookup = facts.lookup();
        CatalogueCheck check = null;
        try {
            check = new CatalogueCheck(lookup, findings);
        } catch (final CatalogueLookup.UnknownException ex) {
            uncertain = true;
        }
        catalogue = check;
        extents = facts.extentCheck(findings);
    }

    /** Some lookup failed. */
    boolean uncertain() {
        return uncertain;
    }

    /** The part that comes next. */
    void begin(final TreeWalk.Subtree part) {
        if (OpenedStore.holdsExtents(part.tree())) {
            extents.begin(part.tree(), part.fromHi(), part.fromLo());
        }
    }

    /**
     * An entry of the catalogue or of the regions tree.
     *
     * @throws CorruptStoreException when it cannot be decoded
     */
    void entry(final int tree, final NodePage leaf, final int index) {
        entry.copy(leaf, index);
        try {
            if (tree == OpenedStore.CATALOGUE) {
                record(CatalogueRecord.decode(entry));
            } else if (catalogue != null) {
                catalogue.container(entry.value, entry.length(), entry.a(), entry.b(), entry.c(), branch(entry.a()));
            }
        } catch (final CatalogueLookup.UnknownException ex) {
            uncertain = true;
        }
    }

    private void record(final CatalogueRecord record) {
        if (catalogue != null) {
            catalogue.record(record);
        }
    }

    /**
     * Reads an entry of the head or of the history; see {@link #extent}.
     *
     * @throws CorruptStoreException when it is no extent
     */
    void extent(final NodePage leaf, final int index) {
        tree = leaf.tree();
        extent.read(leaf, index, OpenedStore.holdsHistory(tree));
    }

    /** The extent read last. */
    Extent extent() {
        return extent;
    }

    /** Checks the extent read last. */
    void checkExtent() {
        try {
            if (OpenedStore.holdsHistory(tree)) {
                extents.inHistory(tree, extent, branch(extent.branch()));
            } else {
                mapped.computeIfAbsent(extent.branch(), number -> new long[1])[0] +=
                        extent.zeroes() ? 0 : extent.length();
                extents.inHead(extent, branch(extent.branch()));
            }
        } catch (final CatalogueLookup.UnknownException ex) {
            uncertain = true;
        }
    }

    private BranchFacts branch(final long number) {
        if (number != branchNumber) {
            branchNumber = -1;
            branch = facts.branch(lookup, number);
            branchNumber = number;
        }
        return branch;
    }

    /** Adds what this part of the head maps, by branch. */
    void addMapped(final Map<Long, Long> sums) {
        mapped.forEach((number, chunks) -> sums.merge(number, chunks[0], Long::sum));
    }
}
