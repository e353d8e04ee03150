package io.icecore.volume;

import io.icecore.volume.map.Extent;
import io.icecore.volume.map.HeadMap;
import io.icecore.volume.map.HistoryMap;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What deleting snapshots would give back. A run that begins at a branch's oldest kept snapshot: the sum of what died
 * after each, which is at hand, and of a branch without a head all that it maps when nothing is left. Any other run: its candidate regions are visited, a few entries under each hold of the
 * lock and with nothing read under it, so that a long answer delays nobody. A single snapshot between two others is visited
 * once: see {@link FreedFigures}.
 */
final class FreedPrediction {
    /** A millisecond or so. */
    private static final int ENTRIES_PER_HOLD = 1024;

    private final Volumes volumes;
    private final SnapshotLookup lookup;
    private final FreedFigures figures;
    private final VersionWalk walk;
    private final VersionWalk step;
    private final WalkAhead ahead;
    private boolean ended;
    private final Extent extent = new Extent();
    private final RegionBitmap any = new RegionBitmap();
    private final RegionBitmap twice = new RegionBitmap();
    private final RegionBitmap next = new RegionBitmap();

    FreedPrediction(final Volumes volumes, final SnapshotLookup lookup, final FreedFigures figures) {
        this.volumes = volumes;
        this.lookup = lookup;
        this.figures = figures;
        final HeadMap head = volumes.data().head();
        final HistoryMap history = volumes.data().history();
        walk = new VersionWalk(head, history);
        step = new VersionWalk(head, history);
        ahead = new WalkAhead(head, history);
    }

    /** A maximal run of snapshots to be removed. */
    private record Run(long branch, long[] epochs, long next, boolean nextIsSnapshot, boolean oldest, long birthMin) {
        long last() {
            return epochs[epochs.length - 1];
        }

        /** The answer stays the same while the snapshots before and after it do. */
        boolean lasts() {
            return epochs.length == 1 && !oldest && nextIsSnapshot;
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
            chunks += freedBy(branch, byBranch.get(branch), false);
        }
        return chunks * VolumeData.CHUNK_LENGTH;
    }

    /** Bytes that only hidden snapshots hold: deleted ones, which are kept because clones stand on them. */
    long heldByClones() {
        final TreeMap<Long, TreeSet<Long>> hidden = volumes.look(this::hiddenSnapshots);
        long chunks = 0;
        for (final long branch : hidden.keySet()) {
            chunks += freedBy(branch, hidden.get(branch), true);
        }
        return chunks * VolumeData.CHUNK_LENGTH;
    }

    private TreeMap<Long, TreeSet<Long>> hiddenSnapshots() {
        final TreeMap<Long, TreeSet<Long>> hidden = new TreeMap<>();
        final CatalogueTree tree = volumes.tree();
        for (boolean more = tree.nextId(CatalogueTree.BRANCH, 0);
                more;
                more = tree.nextId(CatalogueTree.BRANCH, tree.id() + 1)) {
            final long number = tree.id();
            if (volumes.branches().get(number).hiddenCount > 0) {
                for (final long epoch : volumes.branches().children(number).values()) {
                    if (SnapshotRecord.load(tree, number, epoch).hidden) {
                        hidden.computeIfAbsent(number, branch -> new TreeSet<>())
                                .add(epoch);
                    }
                }
            }
            tree.nextId(CatalogueTree.BRANCH, number);
        }
        return hidden;
    }

    private long freedBy(final long branch, final TreeSet<Long> epochs, final boolean childrenToo) {
        volumes.readKept(branch);
        long chunks = 0;
        for (final Run run : runs(branch, epochs, childrenToo)) {
            chunks += figures.of(run.branch, run.birthMin, run.epochs, run.next, run.lasts(), () -> freedBy(run));
        }
        return chunks;
    }

    /** @param childrenToo also snapshots on which branches stand */
    private Collection<Run> runs(final long number, final TreeSet<Long> epochs, final boolean childrenToo) {
        return volumes.look(() -> {
            final Set<Long> withChildren = childrenToo
                    ? Set.of()
                    : new HashSet<>(volumes.branches().children(number).values());
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
        return new Run(
                branch.number,
                epochs,
                next,
                end < branch.keptCount(),
                first == 0,
                first == 0 ? 0 : branch.kept(first - 1) + 1);
    }

    private long freedBy(final Run run) {
        final boolean atHand = volumes.look(() -> run.oldest && ReclaimRecord.load(volumes.tree(), run.branch) == null);
        if (atHand) {
            return sumOfDied(run) + (run.next == Regions.TOP ? mapped(run.branch) : 0);
        }
        long chunks = 0;
        long container = nextContainer(run, 0);
        while (container >= 0) {
            chunks += freedIn(run, container);
            container = nextContainer(run, container + 1);
        }
        return chunks;
    }

    private long mapped(final long branch) {
        return volumes.look(() -> volumes.branches().get(branch).mappedChunks);
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
        return volumes.look(() -> run.oldest && run.next == Regions.TOP
                ? nextContainerOfMaps(run.branch, from)
                : nextContainerOfRegions(run, from));
    }

    private long nextContainerOfRegions(final Run run, final long from) {
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
        volumes.look(() -> {
            candidates(run, container);
            final boolean headless = !volumes.branches().get(run.branch).head;
            walk.start(run.branch, container, run.birthMin, run.last(), headless);
            return null;
        });
        long chunks = 0;
        boolean patient = true;
        do {
            final boolean mayRead = !patient;
            chunks += volumes.look(() -> freedInSome(run, mayRead));
            walk.startAt(step);
            patient = !ahead.isNoted();
            if (ahead.isNoted()) {
                ahead.run();
            }
        } while (!ended);
        return chunks;
    }

    /** Visits what comes next, from where {@link #walk} stands; {@link #step} then stands where to go on. */
    private long freedInSome(final Run run, final boolean mayRead) {
        final Branch branch = volumes.branches().withKept(run.branch);
        step.startAt(walk);
        ahead.clear();
        long chunks = 0;
        VersionWalk.Step found = VersionWalk.Step.FOUND;
        for (int i = 0; i < ENTRIES_PER_HOLD && found == VersionWalk.Step.FOUND; i++) {
            step.patient(!mayRead || i > 0);
            found = step.next(twice, extent);
            if (found == VersionWalk.Step.FOUND
                    && !extent.zeroes()
                    && extent.death() <= run.deathMax()
                    && branch.sees(extent.birth(), extent.death())) {
                chunks += extent.length();
            }
        }
        ended = found == VersionWalk.Step.END;
        if (found == VersionWalk.Step.UNREAD) {
            ahead.note(step, twice);
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
