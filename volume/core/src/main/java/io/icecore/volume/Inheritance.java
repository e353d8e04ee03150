package io.icecore.volume;

import io.icecore.store.Store;
import io.icecore.store.device.IoBuffer;
import io.icecore.store.space.BlockRun;
import io.icecore.volume.map.Extent;
import io.icecore.volume.map.ExtentLayout;
import io.icecore.volume.map.HeadMap;
import io.icecore.volume.map.Heir;
import io.icecore.volume.map.HistoryMap;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Ends a branch's dependence on its parent, in the background: <em>adopt</em> moves what the only child of a headless
 * branch needs into the child, <em>flatten</em> copies it. Both hand it over through {@link Heir}.
 *
 * <p>A branch is never the source of one adoption and the target of another. The bitmap of the child's oldest kept item,
 * to which the inherited versions belong, is all ones: nothing has to be noted there.
 */
final class Inheritance {
    /** Entries moved under one hold of the lock. */
    private static final int ENTRIES_PER_HOLD = 32;

    private static final long CHUNK_END = VolumeChanges.SIZE_MAX / VolumeData.CHUNK_LENGTH;

    private final Volumes volumes;
    private final Store store;
    private final CatalogueTree tree;
    private final SnapshotDeletion deletion;
    private final HeadMap head;
    private final HistoryMap history;
    private final Heir heir;
    private final Extent extent = new Extent();
    private final IoBuffer window =
            new IoBuffer(ByteBuffer.allocateDirect(ExtentLayout.LENGTH_MAX * VolumeData.CHUNK_LENGTH));
    private final UnsafeBuffer sums = new UnsafeBuffer(new byte[ExtentLayout.LENGTH_MAX * Integer.BYTES]);
    private final Checksums checksums = new Checksums();

    Inheritance(final Volumes volumes, final SnapshotDeletion deletion) {
        this.volumes = volumes;
        this.deletion = deletion;
        store = volumes.store();
        tree = volumes.tree();
        head = volumes.data().head();
        history = volumes.data().history();
        heir = new Heir(store, head, history);
    }

    // ---- when

    private List<JobRecord> jobs() {
        final List<JobRecord> jobs = new ArrayList<>();
        for (boolean more = tree.nextId(CatalogueTree.JOB, 0); more; ) {
            final JobRecord job = JobRecord.read(tree);
            jobs.add(job);
            more = tree.next(CatalogueTree.JOB, job.child, job.kind + 1)
                    || tree.nextId(CatalogueTree.JOB, job.child + 1);
        }
        return jobs;
    }

    /**
     * Begins an adoption when this is a headless branch whose only kept snapshot is hidden and has one living child.
     * Under the lock.
     */
    boolean adoptionDue(final Branch branch) {
        if (branch.head || branch.keptCount() != 1 || branch.visibleCount() != 0) {
            return false;
        }
        final Map<Long, Long> children = volumes.branches().children(branch.number);
        if (children.size() != 1) {
            return false;
        }
        final Branch child = volumes.branches().get(children.keySet().iterator().next());
        final boolean clash = jobs().stream()
                .anyMatch(job -> job.child == branch.number
                        || job.kind == JobRecord.ADOPT && (job.parent == branch.number || job.parent == child.number));
        if (child.dead() || clash) {
            return false;
        }
        volumes.changing();
        new JobRecord(JobRecord.ADOPT, branch.number, child.number).write(tree);
        return true;
    }

    /** Branches of the volume that read through another volume: they have to be flattened. */
    private List<Branch> dependent(final VolumeRecord volume) {
        final List<Branch> found = new ArrayList<>();
        for (final long number : Branches.ofVolume(tree, volume.id)) {
            final Branch branch = volumes.branches().get(number);
            if (branch.hasParent() && volumes.branches().get(branch.parentBranch).volume != volume.id) {
                found.add(branch);
            }
        }
        return found;
    }

    /** Cuts a volume loose from its origin. Returns when that is done; begun once, it goes on in the background. */
    void flatten(final String volumeName) {
        final List<Branch> branches = volumes.changeDurably(() -> {
            final List<Branch> dependent = dependent(volumes.volume(volumeName));
            volumes.changing();
            for (final Branch branch : dependent) {
                if (!tree.get(CatalogueTree.JOB, branch.number, JobRecord.FLATTEN)) {
                    new JobRecord(JobRecord.FLATTEN, branch.parentBranch, branch.number).write(tree);
                }
            }
            return dependent;
        });
        for (final Branch branch : branches) {
            while (step(branch.number, JobRecord.FLATTEN)) {
                // One window after the other; the lock is free in between.
            }
        }
        store.commit();
    }

    // ---- steps

    /** One bounded piece of the first job; false when there is none. */
    boolean step() {
        final JobRecord first = volumes.look(() -> tree.nextId(CatalogueTree.JOB, 0) ? JobRecord.read(tree) : null);
        return first != null && step(first.child, first.kind);
    }

    /** One piece of this job; false when it has ended. One at a time: the buffers are shared. */
    private synchronized boolean step(final long childNumber, final int kind) {
        if (kind == JobRecord.FLATTEN) {
            return flattenWindow(childNumber);
        }
        return volumes.change(() -> {
            final JobRecord job = current(childNumber, kind);
            if (job == null) {
                return false;
            }
            volumes.changing();
            volumes.data().moves().begin();
            try {
                if (!adoptSome(job)) {
                    finishAdoption(job);
                }
            } finally {
                volumes.data().moves().end();
            }
            return true;
        });
    }

    /** The job, or null when it has ended or has lost its purpose. Under the lock. */
    private JobRecord current(final long childNumber, final int kind) {
        if (!tree.get(CatalogueTree.JOB, childNumber, kind)) {
            return null;
        }
        final JobRecord job = JobRecord.read(tree);
        final boolean exists = tree.get(CatalogueTree.BRANCH, childNumber, 0);
        final Branch child = exists ? volumes.branches().withKept(childNumber) : null;
        if (child == null || child.dead() || !child.hasParent() || child.parentBranch != job.parent) {
            job.remove(tree);
            volumes.tidyLater();
            return null;
        }
        return job;
    }

    private static long oldestKept(final Branch branch) {
        return branch.keptCount() == 0 ? Extent.HEAD : branch.kept(0);
    }

    /** Moves some entries of the parent; false when it has none left. */
    private boolean adoptSome(final JobRecord job) {
        final Branch child = volumes.branches().withKept(job.child);
        for (int i = 0; i < ENTRIES_PER_HOLD; i++) {
            final boolean inHistory = history.ceiling(job.parent, 0, 0, extent);
            if (!inHistory && !head.ceiling(job.parent, 0, extent)) {
                return false;
            }
            if (inHistory) {
                history.remove(job.parent, extent.chunk(), extent.birth());
            } else {
                head.remove(job.parent, extent.chunk());
            }
            if (extent.birth() <= child.parentEpoch && child.parentEpoch < extent.death()) {
                heir.inherit(child.number, oldestKept(child), extent, (chunks, death) -> gained(child, chunks, death));
            } else if (!extent.zeroes()) {
                store.free(extent.block(), extent.length());
            }
        }
        return true;
    }

    /** Counts inherited versions as written before everything the branch has written itself. */
    private void gained(final Branch branch, final int chunks, final long death) {
        if (death == Extent.HEAD) {
            branch.mappedChunks += chunks;
        }
        if (branch.keptCount() == 0) {
            branch.writtenChunks += chunks;
        } else {
            final SnapshotRecord oldest = SnapshotRecord.load(tree, branch.number, branch.kept(0));
            oldest.writtenChunks += chunks;
            oldest.write(tree);
            if (death != Extent.HEAD) {
                countDied(branch, branch.kept(branch.ordinalFrom(death) - 1), chunks);
            }
        }
        volumes.branches().touch(branch);
    }

    private void countDied(final Branch branch, final long epoch, final int chunks) {
        if (epoch == branch.newest()) {
            branch.diedChunks += chunks;
        } else {
            final SnapshotRecord snapshot = SnapshotRecord.load(tree, branch.number, epoch);
            snapshot.diedChunks += chunks;
            snapshot.write(tree);
        }
    }

    private void finishAdoption(final JobRecord job) {
        final Branches branches = volumes.branches();
        final Branch parent = branches.withKept(job.parent);
        final Branch child = branches.get(job.child);
        branches.reparent(child, parent.parentBranch, parent.parentEpoch);
        if (parent.hasParent()) {
            if (tree.get(CatalogueTree.JOB, child.number, JobRecord.FLATTEN)) {
                final JobRecord flatten = JobRecord.read(tree); // Reads one level up from now on.
                flatten.parent = parent.parentBranch;
                flatten.write(tree);
            }
            branches.reparent(parent, 0, 0);
        }
        parent.discardAll();
        branches.write(parent);
        job.remove(tree);
        volumes.tidyLater();
    }

    // ---- flatten

    /** Copies what the child needs within one window of chunks; false when the job has ended. */
    private boolean flattenWindow(final long childNumber) {
        final long[] range = new long[2];
        final boolean found = volumes.change(() -> {
            final JobRecord job = current(childNumber, JobRecord.FLATTEN);
            if (job == null) {
                return false;
            }
            range[0] = job.from;
            return true;
        });
        if (!found) {
            return false;
        }
        final ReadPoint point = ReadPoint.parentOf(volumes.branches(), childNumber);
        if (!volumes.data().findData(point, range[0], CHUNK_END, range)) {
            finishFlatten(childNumber);
            return true;
        }
        range[1] = (range[0] | ExtentLayout.LENGTH_MAX - 1) + 1;
        copyWindow(childNumber, point, range[0], (int) (range[1] - range[0]));
        volumes.change(() -> {
            final JobRecord job = current(childNumber, JobRecord.FLATTEN);
            if (job != null) {
                volumes.changing();
                job.from = range[1];
                job.write(tree);
            }
            return null;
        });
        return true;
    }

    private void copyWindow(final long childNumber, final ReadPoint point, final long chunk, final int count) {
        final boolean[] needed = new boolean[count];
        volumes.look(() -> {
            final Branch child = volumes.branches().withKept(childNumber);
            for (int i = 0; i < count; i++) {
                needed[i] = heir.needs(childNumber, oldestKept(child), chunk + i)
                        && volumes.data().findData(point, chunk + i, chunk + i + 1, new long[1]);
            }
            return null;
        });
        for (int from = 0; from < count; ) {
            int stop = from;
            while (stop < count && needed[stop]) {
                stop++;
            }
            if (stop > from) {
                copy(childNumber, point, chunk + from, stop - from);
            }
            from = Math.max(stop, from + 1);
        }
    }

    private void copy(final long childNumber, final ReadPoint point, final long chunk, final int count) {
        volumes.data().read(point, chunk * VolumeData.CHUNK_LENGTH, window, 0, count * VolumeData.CHUNK_LENGTH);
        checksums.putAll(window, 0, count, sums);
        for (int done = 0; done < count; ) {
            final int left = count - done;
            final long[] allocated = new long[1];
            volumes.data().withRoom(() -> allocated[0] = volumes.change(() -> store.allocate(left)));
            final long run = allocated[0];
            final int length = BlockRun.count(run);
            try {
                store.write(BlockRun.block(run), window, done * VolumeData.CHUNK_LENGTH, length);
            } catch (final RuntimeException | Error ex) {
                volumes.look(() -> {
                    store.abandon(BlockRun.block(run), length);
                    return null;
                });
                throw ex;
            }
            final int at = done;
            volumes.change(() -> {
                hand(childNumber, chunk + at, run, at * Integer.BYTES);
                return null;
            });
            done += length;
        }
        store.relieve();
    }

    /** The chunks may have been written or adopted meanwhile: {@link Heir} looks once more. Under the lock. */
    private void hand(final long childNumber, final long chunk, final long run, final int sumsIndex) {
        final long block = BlockRun.block(run);
        final int count = BlockRun.count(run);
        if (current(childNumber, JobRecord.FLATTEN) == null) {
            store.abandon(block, count);
            return;
        }
        final Branch child = volumes.branches().withKept(childNumber);
        volumes.changing();
        store.settle(block, count, sums, sumsIndex);
        heir.inherit(
                childNumber,
                oldestKept(child),
                chunk,
                count,
                block,
                sums,
                sumsIndex,
                (chunks, death) -> gained(child, chunks, death));
    }

    private void finishFlatten(final long childNumber) {
        volumes.change(() -> {
            final JobRecord job = current(childNumber, JobRecord.FLATTEN);
            if (job == null) {
                return null;
            }
            final Branch child = volumes.branches().get(childNumber);
            final Branch parent = volumes.branches().withKept(child.parentBranch);
            final long epoch = child.parentEpoch;
            volumes.changing();
            volumes.data().moves().begin();
            try {
                volumes.branches().reparent(child, 0, 0);
                job.remove(tree);
                deletion.childLeft(parent, epoch);
            } finally {
                volumes.data().moves().end();
            }
            volumes.tidyLater();
            return null;
        });
    }
}
