package io.icecore.recovery.check;

import io.icecore.store.commit.OpenedStore;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.format.Superblock;
import io.icecore.store.tree.Forest;
import io.icecore.store.tree.TreeEntry;
import io.icecore.volume.CatalogueRecord;
import io.icecore.volume.VolumeNotes;
import io.icecore.volume.map.Extent;
import java.util.List;
import java.util.Map;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * What the entries of the trees mean to volumes, entry by entry as the walk comes to them. Where something that an entry
 * depends on is damaged, nothing is said of it: the damage itself is reported by the walk.
 */
final class VolumeCheck {
    private final CatalogueLookup lookup;
    private final CatalogueCheck catalogue;
    private final ExtentCheck extents;
    private final VolumeNotes notes;
    private final Findings findings;
    private final TreeEntry entry = new TreeEntry();
    private final Extent extent = new Extent();

    /** The branch that entries come of at the moment; null where there is none of that number. */
    private BranchFacts facts;

    private long factsOf = -1;

    /** Chunks of the head with a block, of the branch whose head entries come at the moment. */
    private long mappedOf = -1;

    private long mappedChunks;
    private boolean inHistory;
    private boolean headDamaged;
    private boolean uncertain;

    VolumeCheck(final CommitReader commit, final Findings findings) {
        this.findings = findings;
        final Superblock superblock = commit.superblock();
        final Forest forest = commit.forest();
        lookup = new CatalogueLookup(forest);
        notes = notes(superblock);
        CatalogueCheck check = null;
        try {
            check = new CatalogueCheck(lookup, findings);
        } catch (final CatalogueLookup.UnknownException ex) {
            uncertain = true;
        }
        catalogue = check;
        extents = new ExtentCheck(
                forest, new RegionLookup(forest, notes), superblock.rootLevels[OpenedStore.REGIONS], findings);
    }

    private VolumeNotes notes(final Superblock superblock) {
        try {
            return VolumeNotes.decode(new UnsafeBuffer(superblock.notes), superblock.notes.length);
        } catch (final CorruptStoreException ex) {
            findings.add(Finding.of(ex));
            return new VolumeNotes(Map.of(), List.of());
        }
    }

    /** Some lookup failed. */
    boolean uncertain() {
        return uncertain;
    }

    void treeDamaged(final int tree) {
        headDamaged |= tree == OpenedStore.HEAD;
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
                catalogue.container(entry.value, entry.length(), entry.a(), entry.b(), entry.c(), factsOf(entry.a()));
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
    void extent(final NodePage leaf, final int index, final boolean history) {
        inHistory = history;
        extent.read(leaf, index, history);
    }

    /** The extent read last. */
    Extent extent() {
        return extent;
    }

    /** Checks the extent read last. */
    void checkExtent() {
        try {
            if (inHistory) {
                extents.inHistory(extent, factsOf(extent.branch()));
            } else {
                countMapped();
                extents.inHead(extent, factsOf(extent.branch()));
            }
        } catch (final CatalogueLookup.UnknownException ex) {
            uncertain = true;
        }
    }

    private BranchFacts factsOf(final long branch) {
        if (branch != factsOf) {
            factsOf = -1;
            facts = BranchFacts.find(lookup, branch);
            factsOf = branch;
        }
        return facts;
    }

    private void countMapped() {
        if (extent.branch() != mappedOf) {
            compareMapped();
            mappedOf = extent.branch();
            mappedChunks = 0;
        }
        mappedChunks += extent.zeroes() ? 0 : extent.length();
    }

    /** The branch counts what its head maps: in the notes of the commit, or else in its record. */
    private void compareMapped() {
        if (mappedOf < 0 || headDamaged) {
            return;
        }
        final BranchFacts branch = factsOf(mappedOf);
        if (branch == null || !branch.line.head()) {
            return; // Nobody asks what a headless branch maps, and an adoption does not keep count.
        }
        final long[] counters = notes.counters().get(mappedOf);
        final long counted = counters == null ? branch.line.mappedChunks() : counters[2];
        if (counted != mappedChunks) {
            findings.add(new Finding(
                    "catalogue " + branch.line,
                    counted + " mapped chunks (expected: " + mappedChunks + ", as in the head tree)"));
        }
    }

    /** After the last entry. */
    void finish() {
        try {
            compareMapped();
        } catch (final CatalogueLookup.UnknownException ex) {
            uncertain = true;
        }
    }
}
