package io.icecore.volume;

import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.tree.Key;
import io.icecore.store.tree.TreeEntry;
import io.icecore.volume.map.Extent;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Makes a catalogue, and region bitmaps, that fit what a repair has found: takes the records that are left, is told of every
 * extent, supplies what is missing, and gives out the entries of both trees. Indexes and counts are always made anew, every
 * branch gets a deletion record that has all of it visited, and all regions count as written: always allowed, and true.
 */
public final class CatalogueRebuild {
    /** Receives entries in the order of their keys. */
    @FunctionalInterface
    public interface EntryVisitor {
        void entry(long hi, long lo, DirectBuffer value, int index, int length);
    }

    /** What of a branch the extents tell. */
    private static final class Told {
        private long epochMin;
        private long headEnd;
        private long writtenChunks;
        private long diedChunks;
        private long mappedChunks;
        private final TreeSet<Long> containers = new TreeSet<>();
    }

    private record EntryKey(long hi, long lo) implements Comparable<EntryKey> {
        @Override
        public int compareTo(final EntryKey other) {
            return Key.compare(hi, lo, other.hi, other.lo);
        }
    }

    private final TreeMap<Long, VolumeRecord> volumes = new TreeMap<>();
    private final TreeMap<Long, Branch> branches = new TreeMap<>();
    private final Map<Long, TreeMap<Long, SnapshotRecord>> snapshots = new HashMap<>();
    private final TreeMap<EntryKey, byte[]> others = new TreeMap<>();
    private final List<JobRecord> jobs = new ArrayList<>();
    private final Map<Long, Told> told = new HashMap<>();
    private final List<String> changes = new ArrayList<>();
    private long nextVolume = 1;
    private long nextBranch = 1;

    // ---- what is left

    /**
     * Takes a record. One with the same key replaces it.
     *
     * @throws CorruptStoreException when it is none
     */
    public void add(final TreeEntry entry) {
        final CatalogueTree tree = new CatalogueTree(entry);
        switch ((int) entry.a()) {
            case CatalogueTree.COUNTERS -> {
                final CatalogueRecord.Counters counters = (CatalogueRecord.Counters) CatalogueRecord.decode(entry);
                nextVolume = Math.max(nextVolume, counters.nextVolume());
                nextBranch = Math.max(nextBranch, counters.nextBranch());
            }
            case CatalogueTree.VOLUME -> volumes.put(entry.b(), VolumeRecord.read(tree));
            case CatalogueTree.BRANCH -> branches.put(entry.b(), Branch.read(tree));
            case CatalogueTree.SNAPSHOT -> {
                final SnapshotRecord snapshot = SnapshotRecord.read(tree);
                snapshots.computeIfAbsent(entry.b(), branch -> new TreeMap<>()).put(snapshot.epoch, snapshot);
            }
            case CatalogueTree.JOB -> jobs.add(JobRecord.read(tree));
            case CatalogueTree.POLICY, CatalogueTree.ATTRIBUTE -> {
                CatalogueRecord.decode(entry);
                final byte[] value = new byte[entry.length()];
                entry.value.getBytes(0, value);
                others.put(new EntryKey(entry.hi(), entry.lo()), value);
            }
            default -> CatalogueRecord.decode(entry); // Indexes and deletion records are made anew.
        }
    }

    /**
     * An extent that the store will have. Those of the records are all known by now.
     *
     * @param death or {@link Extent#HEAD}
     */
    public void tell(
            final long branch,
            final long chunk,
            final int length,
            final long birth,
            final long death,
            final boolean zeroes) {
        final Told from = told.computeIfAbsent(branch, number -> new Told());
        final boolean inHead = death == Extent.HEAD;
        final long end = chunk + length;
        from.epochMin = Math.max(from.epochMin, inHead ? birth : death);
        for (long c = chunk >>> RegionBitmap.CONTAINER_SHIFT; c <= end - 1 >>> RegionBitmap.CONTAINER_SHIFT; c++) {
            from.containers.add(c);
        }
        if (zeroes) {
            return;
        }
        final long newest = newestKept(branch);
        if (inHead) {
            from.headEnd = Math.max(from.headEnd, end);
            from.mappedChunks += length;
            from.writtenChunks += birth > newest ? length : 0;
        } else {
            from.diedChunks += death > newest ? length : 0;
        }
    }

    private long newestKept(final long branch) {
        final TreeMap<Long, SnapshotRecord> points = snapshots.get(branch);
        return points == null || points.isEmpty() ? Branch.NONE : points.lastKey();
    }

    /** Whose the branch is, in the words of people. */
    public String nameOf(final long branch) {
        final Branch line = branches.get(branch);
        final VolumeRecord volume = line == null ? null : volumes.get(line.volume);
        return volume == null ? "branch " + branch : volume.name;
    }

    /** Whether the branch has a head, or a snapshot, that sees a version of this life. */
    public boolean sees(final long branch, final long birth, final long death) {
        final Branch line = branches.get(branch);
        if (line == null || line.discarded || birth > line.epoch) {
            return false;
        }
        final Long first = snapshots.getOrDefault(branch, new TreeMap<>()).ceilingKey(birth);
        return death == Extent.HEAD && line.head || first != null && first < death;
    }

    public boolean hasParent(final long branch) {
        return branches.containsKey(branch) && branches.get(branch).hasParent();
    }

    /** Branches that are known, or told of, with numbers in this range; and the chunks that each can have. */
    public Map<Long, Long> chunksByBranch(final long fromBranch, final long toBranch) {
        final Map<Long, Long> chunks = new TreeMap<>();
        for (final Branch branch :
                branches.subMap(fromBranch, true, toBranch, true).values()) {
            final VolumeRecord volume = volumes.get(branch.volume);
            long bytes = volume == null ? 0 : volume.sizeBytes;
            for (final SnapshotRecord point :
                    snapshots.getOrDefault(branch.number, new TreeMap<>()).values()) {
                bytes = Math.max(bytes, point.sizeBytes);
            }
            chunks.put(branch.number, (bytes + VolumeData.CHUNK_LENGTH - 1) / VolumeData.CHUNK_LENGTH);
        }
        return chunks;
    }

    // ---- making it fit

    /** After the last extent: supplies what is missing. Returns what had to be supplied or changed, one line each. */
    public List<String> complete(final long nowMillis) {
        for (final long branch : told.keySet()) {
            branchFor(branch, nowMillis);
        }
        for (final long branch : Set.copyOf(snapshots.keySet())) {
            branchFor(branch, nowMillis);
        }
        for (final VolumeRecord volume : List.copyOf(volumes.values())) {
            if (!volume.deleted) {
                headOf(volume);
            }
        }
        for (final Branch branch : List.copyOf(branches.values())) {
            fit(branch, nowMillis);
        }
        uniqueNames();
        dropOrphans();
        nextVolume = Math.max(nextVolume, volumes.isEmpty() ? 1 : volumes.lastKey() + 1);
        nextBranch = Math.max(nextBranch, branches.isEmpty() ? 1 : branches.lastKey() + 1);
        return changes;
    }

    private Branch branchFor(final long number, final long nowMillis) {
        Branch branch = branches.get(number);
        if (branch == null) {
            final long id = Math.max(nextVolume, volumes.isEmpty() ? 1 : volumes.lastKey() + 1);
            nextVolume = id + 1;
            branch = new Branch(number, id);
            branches.put(number, branch);
            volumes.put(id, new VolumeRecord(id, "recovered-" + number, number, VolumeData.CHUNK_LENGTH, nowMillis));
            changes.add("branch " + number + " has no record: its data is volume recovered-" + number + " now");
        }
        return branch;
    }

    private void headOf(final VolumeRecord volume) {
        Branch branch = branches.get(volume.branch);
        if (branch == null) {
            branch = new Branch(volume.branch, volume.id);
            branches.put(volume.branch, branch);
            changes.add("volume " + volume.name + ": its branch " + volume.branch + " has no record, made anew");
        }
        if (!branch.head || branch.discarded) {
            branch.head = true;
            branch.discarded = false;
            changes.add("volume " + volume.name + ": its branch " + volume.branch + " had no head, says its record");
        }
    }

    private void fit(final Branch branch, final long nowMillis) {
        final Told from = told.getOrDefault(branch.number, new Told());
        if (branch.discarded) {
            snapshots.remove(branch.number); // Leftovers.
            branch.recount(0, 0, 0);
        }
        if (branch.hasParent()) {
            keepParent(branch, nowMillis);
        }
        VolumeRecord volume = volumes.get(branch.volume);
        if (volume == null) {
            volume = new VolumeRecord(
                    branch.volume, "recovered-" + branch.number, branch.number, VolumeData.CHUNK_LENGTH, nowMillis);
            volumes.put(volume.id, volume);
            branch.head = true;
            changes.add("branch " + branch.number + ": its volume has no record: " + volume.name + " now");
        }
        branch.epoch = Math.max(branch.epoch, Math.max(from.epochMin, newestKept(branch.number) + 1));
        branch.mappedChunks = from.mappedChunks;
        branch.writtenChunks = from.writtenChunks;
        branch.diedChunks = from.diedChunks;
        if (!volume.deleted && volume.branch == branch.number && branch.head) {
            if (from.headEnd * VolumeData.CHUNK_LENGTH > volume.sizeBytes) {
                volume.sizeBytes = from.headEnd * VolumeData.CHUNK_LENGTH;
                changes.add("volume " + volume.name + ": as large as its data now: " + volume.sizeBytes + " bytes");
            }
        }
    }

    /** The snapshot that a branch stands on is kept, or it would read zeroes where it shares. */
    private void keepParent(final Branch branch, final long nowMillis) {
        if (!branches.containsKey(branch.parentBranch) || branch.parentBranch >= branch.number) {
            changes.add("branch " + branch.number + " of " + nameOf(branch.number) + ": its parent "
                    + branch.parentBranch + " is lost, and with it what they shared");
            branch.parentBranch = 0;
            branch.parentEpoch = 0;
            return;
        }
        final TreeMap<Long, SnapshotRecord> points =
                snapshots.computeIfAbsent(branch.parentBranch, number -> new TreeMap<>());
        if (!points.containsKey(branch.parentEpoch)) {
            final SnapshotRecord point =
                    new SnapshotRecord(branch.parentBranch, branch.parentEpoch, "recovered-" + branch.parentEpoch);
            point.createdMillis = nowMillis;
            point.sizeBytes = VolumeData.CHUNK_LENGTH;
            point.hidden = true;
            points.put(branch.parentEpoch, point);
            changes.add("branch " + branch.number + " of " + nameOf(branch.number)
                    + ": the snapshot it stands on has no" + " record, made anew");
        }
    }

    private void uniqueNames() {
        final Set<String> taken = new HashSet<>();
        for (final VolumeRecord volume : List.copyOf(volumes.values())) {
            if (!volume.deleted && !taken.add(volume.name)) {
                final VolumeRecord renamed = new VolumeRecord(
                        volume.id,
                        "recovered-volume-" + volume.id,
                        volume.branch,
                        volume.sizeBytes,
                        volume.createdMillis);
                volumes.put(volume.id, renamed);
                changes.add("a second volume " + volume.name + " is " + renamed.name + " now");
            }
        }
        for (final Map.Entry<Long, TreeMap<Long, SnapshotRecord>> entry : snapshots.entrySet()) {
            for (final SnapshotRecord point : entry.getValue().values()) {
                final Branch line = branches.get(entry.getKey());
                if (!point.hidden && !taken.add(line.volume + "@" + point.name)) {
                    final String before = point.name;
                    point.name = "recovered-" + point.branch + "-" + point.epoch;
                    changes.add("a second snapshot " + before + " of " + nameOf(point.branch) + " is " + point.name);
                }
            }
        }
    }

    private void dropOrphans() {
        others.keySet().removeIf(key -> {
            final boolean orphan = !volumes.containsKey(Key.b(key.hi(), key.lo()));
            if (orphan) {
                changes.add("a policy or attribute of a volume without a record is dropped");
            }
            return orphan;
        });
        jobs.removeIf(job -> !branches.containsKey(job.child) || !branches.containsKey(job.parent));
    }

    // ---- giving it out

    /** The entries of the catalogue. */
    public void catalogue(final EntryVisitor visitor) {
        final TreeMap<EntryKey, byte[]> entries = new TreeMap<>(others);
        final CatalogueTree tree = new CatalogueTree((hi, lo, value, index, length) -> {
            final byte[] bytes = new byte[length];
            value.getBytes(index, bytes);
            entries.put(new EntryKey(hi, lo), bytes);
        });
        tree.write().putLong(nextVolume).putLong(nextBranch);
        tree.put(CatalogueTree.COUNTERS, 0, 0);
        final Map<Long, Long> ordinals = new HashMap<>();
        for (final VolumeRecord volume : volumes.values()) {
            volume.write(tree);
            if (!volume.deleted) {
                final long hash = Names.hash(0, volume.name);
                tree.write().putLong(volume.id);
                tree.put(CatalogueTree.VOLUME_NAME, hash, ordinals.merge(hash, 1L, Long::sum) - 1);
            }
        }
        ordinals.clear();
        for (final Branch branch : branches.values()) {
            put(branch, tree, ordinals);
        }
        jobs.forEach(job -> job.write(tree));
        final UnsafeBuffer value = new UnsafeBuffer(new byte[0]);
        entries.forEach((key, bytes) -> {
            value.wrap(bytes);
            visitor.entry(key.hi(), key.lo(), value, 0, bytes.length);
        });
    }

    private void put(final Branch branch, final CatalogueTree tree, final Map<Long, Long> ordinals) {
        final TreeMap<Long, SnapshotRecord> points = snapshots.getOrDefault(branch.number, new TreeMap<>());
        int hidden = 0;
        int held = 0;
        for (final SnapshotRecord point : points.values()) {
            point.write(tree);
            hidden += point.hidden ? 1 : 0;
            held += point.holds.isEmpty() ? 0 : 1;
            if (!point.hidden) {
                final long hash = Names.hash(branch.volume, point.name);
                tree.write().putLong(branch.volume).putInt(branch.number).putInt(point.epoch);
                tree.put(CatalogueTree.SNAPSHOT_NAME, hash, ordinals.merge(hash, 1L, Long::sum) - 1);
            }
        }
        branch.recount(points.size(), hidden, held);
        branch.write(tree);
        tree.write();
        tree.put(CatalogueTree.VOLUME_BRANCH, branch.volume, branch.number);
        if (branch.hasParent()) {
            tree.write().putInt(branch.parentEpoch);
            tree.put(CatalogueTree.CHILD, branch.parentBranch, branch.number);
        }
        final ReclaimRecord visit = new ReclaimRecord(branch.number);
        visit.includeBirths(0, Key.C_MAX);
        visit.historyFrom = 0;
        visit.headFrom = branch.head ? ReclaimRecord.NONE : 0;
        visit.write(tree);
    }

    /** The entries of the regions tree: all ones, wherever a branch has anything, but for its oldest item. */
    public void regions(final EntryVisitor visitor) {
        final RegionBitmap all = new RegionBitmap();
        all.set(0, RegionBitmap.REGIONS);
        final UnsafeBuffer value = new UnsafeBuffer(new byte[TreeEntry.VALUE_LENGTH_MAX]);
        final int length = all.encode(value, 0);
        for (final Branch branch : branches.values()) {
            final TreeSet<Long> items = new TreeSet<>(
                    snapshots.getOrDefault(branch.number, new TreeMap<>()).keySet());
            if (branch.head) {
                items.add(branch.epoch);
            }
            items.pollFirst(); // Counts as all ones.
            final Told from = told.get(branch.number);
            for (final long epoch : from == null || branch.discarded ? new TreeSet<Long>() : items) {
                for (final long container : from.containers) {
                    visitor.entry(Key.hi(branch.number, epoch), Key.lo(epoch, container), value, 0, length);
                }
            }
        }
    }
}
