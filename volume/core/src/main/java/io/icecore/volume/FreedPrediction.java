package io.icecore.volume;

import io.icecore.volume.map.Extent;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What deleting snapshots would give back. A run that begins at a branch's oldest kept snapshot: the sum of what died
 * after each, which is at hand. Any other run: its candidate regions are visited, one container under each hold of the
 * lock, so that a long answer delays nobody.
 */
final class FreedPrediction {
    private final Volumes volumes;
    private final SnapshotLookup lookup;
    private final Extent extent = new Extent();
    private final RegionBitmap any = new RegionBitmap();
    private final RegionBitmap twice = new RegionBitmap();
    private final RegionBitmap next = new RegionBitmap();

    FreedPrediction(final Volumes volumes, final SnapshotLookup lookup) {
        this.volumes = volumes;
        this.lookup = lookup;
    }

    /** A maximal run of snapshots to be removed. */
    private record Run(long branch, long[] epochs, long next, boolean oldest, long birthMin) {
        long last() {
            return epochs[epochs.length - 1];
        }

        /** Versions that died later are seen by something that stays. */
        long deathMax() {
            return next == Regions.TOP ? Extent.HEAD : next;
        }
    }

    /** Bytes. Snapshots with branches on them would stay, hidden, so they count for nothing. */
    long predict(final Collection<Snapshot> snapshots) {
        final TreeMap<Long, TreeSet<Long>> byBranch = new TreeMap<>();
        volumes.look(() -> {
            for (final Snapshot snapshot : snapshots) {
                final SnapshotRecord record = lookup.current(snapshot);
                byBranch.computeIfAbsent(record.branch, branch -> new TreeSet<>())
                        .add(record.epoch);
            }
            return null;
        });
        long chunks = 0;
        for (final long branch : byBranch.keySet()) {
            volumes.readKept(branch);
            for (final Run run : runs(branch, byBranch.get(branch))) {
                chunks += freedBy(run);
            }
        }
        return chunks * VolumeData.CHUNK_LENGTH;
    }

    private Collection<Run> runs(final long number, final TreeSet<Long> epochs) {
        return volumes.look(() -> {
            final Set<Long> withChildren =
                    new HashSet<>(volumes.branches().children(number).values());
            final Branch branch = volumes.branches().withKept(number);
            final List<Run> runs = new ArrayList<>();
            for (int i = 0; i < branch.keptCount(); i++) {
                final int first = i;
                while (i < branch.keptCount()
                        && epochs.contains(branch.kept(i))
                        && !withChildren.contains(branch.kept(i))) {
                    i++;
                }
                if (i > first) {
                    runs.add(run(branch, first, i));
                }
            }
            return runs;
        });
    }

    private static Run run(final Branch branch, final int first, final int end) {
        final long[] epochs = new long[end - first];
        for (int i = first; i < end; i++) {
            epochs[i - first] = branch.kept(i);
        }
        final long ofHead = branch.head ? branch.epoch : Regions.TOP;
        final long next = end < branch.keptCount() ? branch.kept(end) : ofHead;
        return new Run(branch.number, epochs, next, first == 0, first == 0 ? 0 : branch.kept(first - 1) + 1);
    }

    private long freedBy(final Run run) {
        final boolean atHand = volumes.look(
                () -> run.oldest && run.next != Regions.TOP && ReclaimRecord.load(volumes.tree(), run.branch) == null);
        if (atHand) {
            return sumOfDied(run);
        }
        long chunks = 0;
        long container = 0;
        while (container >= 0) {
            final long[] at = {container};
            chunks += volumes.look(() -> {
                at[0] = run.oldest && run.next == Regions.TOP
                        ? nextContainerOfMaps(run.branch, at[0])
                        : nextContainer(run, at[0]);
                return at[0] < 0 ? 0 : freedIn(run, at[0]);
            });
            container = at[0] < 0 ? -1 : at[0] + 1;
        }
        return chunks;
    }

    private long sumOfDied(final Run run) {
        return volumes.look(() -> {
            final Branch branch = volumes.branches().get(run.branch);
            long chunks = 0;
            for (final long epoch : run.epochs) {
                chunks += epoch == branch.newest()
                        ? branch.diedChunks
                        : SnapshotRecord.load(volumes.tree(), run.branch, epoch).diedChunks;
            }
            return chunks;
        });
    }

    /** First container at or after this one in which the branch has a version. */
    private long nextContainerOfMaps(final long branch, final long from) {
        final long chunk = from << RegionBitmap.CONTAINER_SHIFT;
        long found = Long.MAX_VALUE;
        if (volumes.data().history().ceiling(branch, chunk, 0, extent)) {
            found = extent.chunk() >>> RegionBitmap.CONTAINER_SHIFT;
        }
        if (volumes.data().head().ceiling(branch, chunk, extent)) {
            found = Math.min(found, extent.chunk() >>> RegionBitmap.CONTAINER_SHIFT);
        }
        return found == Long.MAX_VALUE ? -1 : found;
    }

    private long nextContainer(final Run run, final long from) {
        long found = run.next == Regions.TOP ? -1 : volumes.regions().lookNext(run.branch, run.next, from);
        for (final long epoch : run.epochs) {
            final long container = volumes.regions().lookNext(run.branch, epoch, from);
            if (container >= 0 && (found < 0 || container < found)) {
                found = container;
            }
        }
        return found;
    }

    private long freedIn(final Run run, final long container) {
        final Branch branch = volumes.branches().withKept(run.branch);
        candidates(run, container);
        final VersionWalk walk =
                new VersionWalk(volumes.data().head(), volumes.data().history());
        walk.start(run.branch, container, run.birthMin, run.last(), !branch.head);
        long chunks = 0;
        for (VersionWalk.Step step = walk.next(twice, extent);
                step != VersionWalk.Step.END;
                step = walk.next(twice, extent)) {
            if (step == VersionWalk.Step.FOUND
                    && !extent.zeroes()
                    && extent.death() <= run.deathMax()
                    && branch.sees(extent.birth(), extent.death())) {
                chunks += extent.length();
            }
        }
        return chunks;
    }

    /** Puts the candidate regions of the container into {@link #twice}. */
    private void candidates(final Run run, final long container) {
        any.clear();
        twice.clear();
        if (run.oldest) {
            any.set(0, RegionBitmap.REGIONS);
        }
        for (int i = run.oldest ? 1 : 0; i < run.epochs.length; i++) {
            accumulate(run.branch, run.epochs[i], container);
        }
        if (run.next == Regions.TOP) {
            twice.or(any);
        } else {
            accumulate(run.branch, run.next, container);
        }
    }

    private void accumulate(final long branch, final long epoch, final long container) {
        next.clear();
        volumes.regions().look(branch, epoch, container, next);
        any.accumulate(next, twice);
    }
}
