package io.icecore.volume;

import io.icecore.store.Store;
import io.icecore.store.tree.Key;
import io.icecore.store.tree.TreeEntry;
import io.icecore.volume.map.Extent;
import io.icecore.volume.map.ExtentLayout;
import io.icecore.volume.map.Lineage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Where two points of history may differ, from the region bitmaps between them: costs what changed, not what exists.
 *
 * <p>Both points read through a common ancestor, or nothing is known. From there to each of them, what was written is in
 * the bitmaps of the snapshots on the way; of a branch that began on the way, it is what the branch has of its own.
 *
 * <p>Bitmaps of snapshots are read without the lock, oldest first: a deletion meanwhile moves bits to younger ones only,
 * so none is missed. Not thread-safe: one for each question.
 */
final class Changes {
    /** Containers looked at in one pass: 2 MiB of bitmaps. */
    private static final int WINDOW = 256;

    private static final long NOTHING_MORE = Long.MAX_VALUE;

    /** What was written on a branch in the epochs after {@code from}, up to {@code to}. From -1: all it has of its own. */
    private record Stretch(long branch, long from, long to) {}

    private final Volumes volumes;
    private final Store store;
    private final TreeEntry entry = new TreeEntry();
    private final Extent extent = new Extent();
    private final RegionBitmap[] window = new RegionBitmap[WINDOW];
    private long windowStart;
    private long next;

    Changes(final Volumes volumes) {
        this.volumes = volumes;
        store = volumes.store();
        Arrays.setAll(window, i -> new RegionBitmap());
    }

    /** Returns false when the two have no common ancestor: then nothing is known, and nothing was visited. */
    boolean visit(
            final Lineage first, final Lineage second, final long sizeBytes, final Catalog.ChangeVisitor visitor) {
        final List<Stretch> stretches = stretches(first, second);
        if (stretches == null) {
            return false;
        }
        final RangeJoiner joiner = new RangeJoiner(visitor, sizeBytes);
        for (windowStart = 0; windowStart != NOTHING_MORE; windowStart = next) {
            next = NOTHING_MORE;
            Arrays.stream(window).forEach(RegionBitmap::clear);
            stretches.forEach(this::collect);
            if (!joiner.add(window, windowStart)) {
                return true;
            }
        }
        joiner.finish();
        return true;
    }

    private static List<Stretch> stretches(final Lineage first, final Lineage second) {
        for (int i = 0; i < first.depth(); i++) {
            for (int j = 0; j < second.depth(); j++) {
                if (first.branch(i) == second.branch(j)) {
                    final List<Stretch> stretches = new ArrayList<>();
                    final long common = Math.min(first.epoch(i), second.epoch(j));
                    addOwn(stretches, first, i);
                    addOwn(stretches, second, j);
                    final long later = Math.max(first.epoch(i), second.epoch(j));
                    if (common < later) {
                        stretches.add(new Stretch(first.branch(i), common, later));
                    }
                    return stretches;
                }
            }
        }
        return null;
    }

    private static void addOwn(final List<Stretch> stretches, final Lineage lineage, final int depth) {
        for (int i = 0; i < depth; i++) {
            stretches.add(new Stretch(lineage.branch(i), -1, lineage.epoch(i)));
        }
    }

    private void collect(final Stretch stretch) {
        if (stretch.from < 0) {
            collectOwn(stretch.branch, stretch.to);
            return;
        }
        for (final long epoch : keptEpochs(stretch)) {
            collectSnapshot(stretch.branch, epoch);
        }
        if (stretch.to == Extent.HEAD) {
            volumes.look(() -> {
                collectHead(stretch.branch);
                return null;
            });
        }
    }

    private long[] keptEpochs(final Stretch stretch) {
        volumes.readKept(stretch.branch);
        return volumes.look(() -> {
            final Branch branch = volumes.branches().withKept(stretch.branch);
            final int from = branch.ordinalFrom(stretch.from + 1);
            final int end = stretch.to == Extent.HEAD ? branch.keptCount() : branch.ordinalFrom(stretch.to + 1);
            final long[] epochs = new long[Math.max(0, end - from)];
            Arrays.setAll(epochs, i -> branch.kept(from + i));
            return epochs;
        });
    }

    /** The container's bitmap, when it is in the window; else it may begin the next one. */
    private RegionBitmap at(final long container) {
        if (container < windowStart + WINDOW) {
            return window[(int) (container - windowStart)];
        }
        next = Math.min(next, container);
        return null;
    }

    private void collectSnapshot(final long branch, final long epoch) {
        long container = windowStart;
        while (container <= Key.C_MAX
                && store.regions().ceiling(Key.hi(branch, epoch), Key.lo(epoch, container), entry)
                && entry.a() == branch
                && entry.b() == epoch) {
            final RegionBitmap bitmap = at(entry.c());
            if (bitmap == null) {
                return;
            }
            bitmap.orEncoded(entry.value, 0, entry.length());
            container = entry.c() + 1;
        }
    }

    private void collectHead(final long number) {
        final long epoch = volumes.branches().get(number).epoch;
        final Regions regions = volumes.regions();
        for (long c = regions.lookNext(number, epoch, windowStart);
                c >= 0;
                c = regions.lookNext(number, epoch, c + 1)) {
            final RegionBitmap bitmap = at(c);
            if (bitmap == null) {
                return;
            }
            regions.look(number, epoch, c, bitmap);
        }
    }

    private void collectOwn(final long branch, final long epoch) {
        // One longest extent early: an extent of the head may reach over the border of the window.
        long chunk = Math.max(0, (windowStart << RegionBitmap.CONTAINER_SHIFT) - ExtentLayout.LENGTH_MAX);
        while (volumes.data().head().ceiling(branch, chunk, extent) && setOwn(epoch)) {
            chunk = extent.chunk() + 1;
        }
        chunk = windowStart << RegionBitmap.CONTAINER_SHIFT;
        long birth = 0;
        while (volumes.data().history().ceiling(branch, chunk, birth, extent) && setOwn(epoch)) {
            chunk = extent.chunk();
            birth = extent.birth() + 1;
        }
    }

    /** False when the extent starts after the window. */
    private boolean setOwn(final long epoch) {
        final long first = Math.max(extent.chunk(), windowStart << RegionBitmap.CONTAINER_SHIFT);
        for (long chunk = first; chunk < extent.end(); chunk++) {
            final RegionBitmap bitmap = at(chunk >>> RegionBitmap.CONTAINER_SHIFT);
            if (bitmap == null) {
                return chunk > extent.chunk();
            }
            if (extent.birth() <= epoch) {
                final int region = (int) (chunk & RegionBitmap.REGIONS - 1);
                bitmap.set(region, region + 1);
            }
        }
        return true;
    }

    /** Makes ranges of bytes of the set regions, across the borders of containers. */
    private static final class RangeJoiner {
        private final Catalog.ChangeVisitor visitor;
        private final long sizeBytes;
        private long from = -1;
        private long end;

        RangeJoiner(final Catalog.ChangeVisitor visitor, final long sizeBytes) {
            this.visitor = visitor;
            this.sizeBytes = sizeBytes;
        }

        boolean add(final RegionBitmap[] bitmaps, final long firstContainer) {
            for (int i = 0; i < bitmaps.length; i++) {
                final long base = firstContainer + i << RegionBitmap.CONTAINER_SHIFT;
                for (int region = bitmaps[i].nextSet(0); region >= 0; ) {
                    final int stop = bitmaps[i].nextClear(region);
                    if (!add(base + region, base + stop)) {
                        return false;
                    }
                    region = bitmaps[i].nextSet(stop);
                }
            }
            return true;
        }

        private boolean add(final long fromChunk, final long endChunk) {
            if (from >= 0 && fromChunk * VolumeData.CHUNK_LENGTH == end) {
                end = endChunk * VolumeData.CHUNK_LENGTH;
                return true;
            }
            final boolean more = finish();
            from = fromChunk * VolumeData.CHUNK_LENGTH;
            end = endChunk * VolumeData.CHUNK_LENGTH;
            return more;
        }

        boolean finish() {
            final long stop = Math.min(end, sizeBytes);
            return from < 0 || from >= stop || visitor.range(from, stop - from);
        }
    }
}
