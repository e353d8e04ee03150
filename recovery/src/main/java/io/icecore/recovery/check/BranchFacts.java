package io.icecore.recovery.check;

import io.icecore.store.tree.Key;
import io.icecore.volume.CatalogueRecord;
import io.icecore.volume.CatalogueTree;
import java.util.Arrays;
import org.agrona.collections.LongArrayList;

/** One branch: its record, its kept epochs, its deletion record. */
final class BranchFacts {
    /** In place of an epoch: what comes after the end of a headless branch. */
    static final long TOP = Key.C_MAX + 1;

    final CatalogueRecord.Line line;
    final CatalogueRecord.Volume volume;

    /** Null when there is nothing to reclaim. */
    final CatalogueRecord.Deletion deletion;

    private final long[] kept;

    private BranchFacts(
            final CatalogueRecord.Line line,
            final CatalogueRecord.Volume volume,
            final CatalogueRecord.Deletion deletion,
            final long[] kept) {
        this.line = line;
        this.volume = volume;
        this.deletion = deletion;
        this.kept = kept;
    }

    /** Null when there is no such branch. */
    static BranchFacts find(final CatalogueLookup lookup, final long number) {
        final CatalogueRecord.Line line = lookup.branch(number);
        if (line == null) {
            return null;
        }
        final LongArrayList kept = new LongArrayList();
        if (!line.discarded()) { // Snapshot records of a discarded branch are leftovers.
            lookup.each(
                    CatalogueRecord.Point.class, CatalogueTree.SNAPSHOT, number, point -> kept.addLong(point.epoch()));
        }
        return new BranchFacts(
                line,
                lookup.volume(line.volume()),
                lookup.find(CatalogueRecord.Deletion.class, CatalogueTree.RECLAIM, number, 0),
                kept.toLongArray());
    }

    int keptCount() {
        return kept.length;
    }

    boolean isKept(final long epoch) {
        return Arrays.binarySearch(kept, epoch) >= 0;
    }

    /** Whether some kept snapshot sees a version with this life. */
    boolean sees(final long birth, final long death) {
        final int at = ordinalFrom(birth);
        return at < kept.length && kept[at] < death;
    }

    /** Kept snapshots that see a version with this life, oldest first. */
    long[] seeing(final long birth, final long death) {
        return Arrays.copyOfRange(kept, ordinalFrom(birth), Math.max(ordinalFrom(birth), ordinalFrom(death)));
    }

    /** The first item of the line (kept snapshot, head or {@link #TOP}) at or after this epoch. */
    long itemFrom(final long epoch) {
        final int at = ordinalFrom(epoch);
        return at < kept.length ? kept[at] : line.head() ? line.epoch() : TOP;
    }

    /** The oldest item: its bitmap counts as all ones. */
    long oldestItem() {
        return itemFrom(0);
    }

    private int ordinalFrom(final long epoch) {
        final int at = Arrays.binarySearch(kept, epoch);
        return at >= 0 ? at : -1 - at;
    }

    /** True when the head is that of a volume in use, which its size bounds. */
    boolean headOfVolume() {
        return line.head() && volume != null && !volume.deleted() && volume.branch() == line.number();
    }
}
