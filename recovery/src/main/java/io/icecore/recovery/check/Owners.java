package io.icecore.recovery.check;

import io.icecore.volume.CatalogueRecord;
import io.icecore.volume.map.Extent;
import java.util.ArrayList;
import java.util.List;

/** Says in the words of people whose data a version of some chunks is: volume, and the snapshots that see it. */
public final class Owners {
    /**
     * Who sees a version.
     *
     * @param volume        name, or {@code branch N} where the catalogue does not tell
     * @param firstSnapshot oldest snapshot that sees it, or null
     * @param lastSnapshot  newest of them, or null
     * @param snapshotCount of those between, both included
     * @param head          the live volume sees it
     */
    public record Sight(String volume, String firstSnapshot, String lastSnapshot, int snapshotCount, boolean head) {
        /** {@code vm1 (3 snapshots, monday to friday; head)}. */
        @Override
        public String toString() {
            final List<String> seers = new ArrayList<>();
            if (snapshotCount == 1) {
                seers.add("snapshot " + firstSnapshot);
            } else if (snapshotCount > 1) {
                seers.add(snapshotCount + " snapshots, " + firstSnapshot + " to " + lastSnapshot);
            }
            if (head) {
                seers.add("head");
            }
            return volume + " (" + (seers.isEmpty() ? "seen by nobody, to be reclaimed" : String.join("; ", seers))
                    + ")";
        }
    }

    private final CatalogueLookup lookup;
    private final BranchCache branches = new BranchCache();

    public Owners(final CommitReader commit) {
        lookup = new CatalogueLookup(commit.forest());
    }

    /** Who sees a version of this life. Clones that read it through their parent are not named. */
    public synchronized Sight of(final long branch, final long birth, final long death) {
        try {
            final BranchFacts facts = branches.get(lookup, branch);
            if (facts != null) {
                final boolean head = death == Extent.HEAD && facts.headOfVolume();
                final long[] epochs = facts.seeing(birth, death);
                return new Sight(
                        facts.volume == null ? "branch " + branch : facts.volume.name(),
                        epochs.length == 0 ? null : snapshot(branch, epochs[0]),
                        epochs.length == 0 ? null : snapshot(branch, epochs[epochs.length - 1]),
                        epochs.length,
                        head);
            }
        } catch (final CatalogueLookup.UnknownException ex) {
            return unknown(branch);
        }
        return unknown(branch);
    }

    private static Sight unknown(final long branch) {
        return new Sight("branch " + branch, null, null, 0, false);
    }

    private String snapshot(final long branch, final long epoch) {
        final CatalogueRecord.Point point = lookup.point(branch, epoch);
        return point == null ? "epoch " + epoch : point.name();
    }
}
