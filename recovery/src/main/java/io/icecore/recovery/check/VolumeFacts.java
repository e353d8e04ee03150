package io.icecore.recovery.check;

import io.icecore.store.commit.OpenedStore;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.Superblock;
import io.icecore.store.tree.Forest;
import io.icecore.volume.VolumeNotes;
import java.util.List;
import java.util.Map;
import org.agrona.concurrent.UnsafeBuffer;

/** What is known of the volumes of one commit, shared by those who check its parts. Thread-safe. */
final class VolumeFacts {
    private final Forest forest;
    private final Superblock superblock;
    private final VolumeNotes notes;
    private final BranchCache branches = new BranchCache();

    VolumeFacts(final CommitReader commit, final Findings findings) {
        superblock = commit.superblock();
        forest = commit.forest();
        notes = notes(findings);
    }

    private VolumeNotes notes(final Findings findings) {
        try {
            return VolumeNotes.decode(new UnsafeBuffer(superblock.notes), superblock.notes.length);
        } catch (final CorruptStoreException ex) {
            findings.add(Finding.of(ex));
            return new VolumeNotes(Map.of(), List.of());
        }
    }

    CatalogueLookup lookup() {
        return new CatalogueLookup(forest);
    }

    ExtentCheck extentCheck(final Findings findings) {
        return new ExtentCheck(
                forest, new RegionLookup(forest, notes), superblock.rootLevels[OpenedStore.REGIONS], findings);
    }

    BranchFacts branch(final CatalogueLookup lookup, final long number) {
        return branches.get(lookup, number);
    }

    /**
     * Branches count what their heads map: in the notes of the commit, or else in their records.
     *
     * @param mapped chunks with a block in the head tree, by branch
     * @return false when something could not be looked up
     */
    boolean compareMapped(final Map<Long, Long> mapped, final Findings findings) {
        try {
            final CatalogueLookup lookup = lookup();
            for (final Map.Entry<Long, Long> entry : mapped.entrySet()) {
                final BranchFacts branch = branch(lookup, entry.getKey());
                if (branch != null && branch.line.head()) { // Nobody asks what a headless branch maps.
                    compareMapped(branch, entry.getValue(), findings);
                }
            }
            return true;
        } catch (final CatalogueLookup.UnknownException ex) {
            return false;
        }
    }

    private void compareMapped(final BranchFacts branch, final long mapped, final Findings findings) {
        final long[] counters = notes.counters().get(branch.line.number());
        final long counted = counters == null ? branch.line.mappedChunks() : counters[2];
        if (counted != mapped) {
            findings.add(new Finding(
                    "catalogue " + branch.line,
                    counted + " mapped chunks (expected: " + mapped + ", as in the head tree)"));
        }
    }
}
