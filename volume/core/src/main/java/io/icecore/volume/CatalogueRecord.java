package io.icecore.volume;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.tree.TreeEntry;
import java.time.Instant;
import java.util.Map;
import java.util.Set;

/**
 * A record of the catalogue, decoded for those who look at a store as a whole: check, repair and dump. Volumes work on
 * the records themselves. {@link CatalogueTree} has the keys.
 */
public sealed interface CatalogueRecord {
    /** The next number of each kind, never given out yet. */
    record Counters(long nextVolume, long nextBranch) implements CatalogueRecord {}

    /** @param branch the one its head is on */
    record Volume(long id, String name, long branch, long sizeBytes, Instant created, boolean deleted)
            implements CatalogueRecord {
        /** Where its entry in the index of names is. */
        public long nameHash() {
            return Names.hash(0, name);
        }
    }

    record VolumeName(long hash, long ordinal, long volume) implements CatalogueRecord {}

    /**
     * @param head      false when it was rolled back or deleted
     * @param discarded nothing of it is kept any more: its snapshot records are leftovers
     * @param kept      snapshots kept, the hidden ones included
     */
    record Line(
            long number,
            long volume,
            boolean head,
            boolean discarded,
            long parentBranch,
            long parentEpoch,
            long epoch,
            int kept,
            int hidden,
            int held,
            long writtenChunks,
            long diedChunks,
            long mappedChunks)
            implements CatalogueRecord {}

    record VolumeBranch(long volume, long branch) implements CatalogueRecord {}

    record Point(
            long branch,
            long epoch,
            String name,
            Instant created,
            long sizeBytes,
            boolean hidden,
            long writtenChunks,
            long diedChunks,
            Map<String, String> labels,
            Set<String> holds)
            implements CatalogueRecord {
        /** Where its entry in the index of names is. */
        public long nameHash(final long volume) {
            return Names.hash(volume, name);
        }
    }

    record PointName(long hash, long ordinal, long volume, long branch, long epoch) implements CatalogueRecord {}

    record Child(long parent, long child, long epoch) implements CatalogueRecord {}

    record Policy(long volume, String text) implements CatalogueRecord {}

    /**
     * @param historyFrom all history from this chunk on has to be visited; {@link #NONE}: only candidate regions
     * @param headFrom    the same for the head of a headless branch
     */
    record Deletion(long branch, long birthMin, long birthMax, long historyFrom, long headFrom, long pendingChunks)
            implements CatalogueRecord {
        public static final long NONE = ReclaimRecord.NONE;
    }

    record Job(long child, int kind, long parent, long from) implements CatalogueRecord {}

    record Attribute(long volume, long ordinal, String name, int valueBytes) implements CatalogueRecord {}

    record OfStore(StorePolicy policy) implements CatalogueRecord {}

    /** @throws CorruptStoreException when the entry is no record of a known kind */
    static CatalogueRecord decode(final TreeEntry entry) {
        final CatalogueTree tree = new CatalogueTree(entry);
        final long id = entry.b();
        final long sub = entry.c();
        return switch ((int) entry.a()) {
            case CatalogueTree.COUNTERS -> {
                final RecordReader reader = tree.read("counters");
                yield new Counters(reader.getLong(), reader.getLong());
            }
            case CatalogueTree.VOLUME -> volume(VolumeRecord.read(tree));
            case CatalogueTree.VOLUME_NAME ->
                new VolumeName(id, sub, tree.read("volume name").getLong());
            case CatalogueTree.BRANCH -> line(Branch.read(tree));
            case CatalogueTree.VOLUME_BRANCH -> {
                tree.read("branch of a volume");
                yield new VolumeBranch(id, sub);
            }
            case CatalogueTree.SNAPSHOT -> point(SnapshotRecord.read(tree));
            case CatalogueTree.SNAPSHOT_NAME -> {
                final RecordReader reader = tree.read("snapshot name");
                yield new PointName(id, sub, reader.getLong(), reader.getInt(), reader.getInt());
            }
            case CatalogueTree.CHILD ->
                new Child(id, sub, tree.read("child branch").getInt());
            case CatalogueTree.POLICY ->
                new Policy(id, new String(tree.read("policy").getBytes(), UTF_8));
            case CatalogueTree.RECLAIM -> deletion(ReclaimRecord.read(tree));
            case CatalogueTree.JOB -> job(JobRecord.read(tree));
            case CatalogueTree.ATTRIBUTE -> {
                final RecordReader reader = tree.read("attribute");
                yield new Attribute(id, sub, reader.getName(), reader.getBytes().length);
            }
            case CatalogueTree.STORE_POLICY -> new OfStore(StorePolicy.read(tree));
            default ->
                throw new CorruptStoreException(
                        "record (" + entry.a() + ", " + id + ", " + sub + ") of the catalogue", -1, "unknown kind");
        };
    }

    private static Volume volume(final VolumeRecord volume) {
        return new Volume(
                volume.id,
                volume.name,
                volume.branch,
                volume.sizeBytes,
                Instant.ofEpochMilli(volume.createdMillis),
                volume.deleted);
    }

    private static Line line(final Branch branch) {
        return new Line(
                branch.number,
                branch.volume,
                branch.head,
                branch.discarded,
                branch.parentBranch,
                branch.parentEpoch,
                branch.epoch,
                branch.keptCount(),
                branch.hiddenCount,
                branch.heldCount,
                branch.writtenChunks,
                branch.diedChunks,
                branch.mappedChunks);
    }

    private static Point point(final SnapshotRecord snapshot) {
        return new Point(
                snapshot.branch,
                snapshot.epoch,
                snapshot.name,
                Instant.ofEpochMilli(snapshot.createdMillis),
                snapshot.sizeBytes,
                snapshot.hidden,
                snapshot.writtenChunks,
                snapshot.diedChunks,
                Map.copyOf(snapshot.labels),
                Set.copyOf(snapshot.holds));
    }

    private static Deletion deletion(final ReclaimRecord record) {
        return new Deletion(
                record.branch,
                record.birthMin,
                record.birthMax,
                record.historyFrom,
                record.headFrom,
                record.pendingChunks);
    }

    private static Job job(final JobRecord job) {
        return new Job(job.child, job.kind, job.parent, job.from);
    }
}
