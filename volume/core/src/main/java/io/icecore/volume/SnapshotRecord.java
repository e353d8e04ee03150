package io.icecore.volume;

import java.time.Instant;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A kept snapshot as the catalogue has it.
 *
 * <pre>
 * size  field    content
 *    1  version
 *    1  flags    1: hidden (deleted by the user, but branches stand on it)
 *    8  created  milliseconds since 1970
 *    8  size     bytes of the volume at that time
 *    8  written  chunks visible at it and born after the kept snapshot before
 *    8  died     chunks of the history whose death is after it and not after the next kept item; of a branch's newest
 *                kept snapshot the branch has the number, since it changes with every write
 *    n  name     length (1), UTF-8
 *    1  labels   count; then of each key and value: length (1), UTF-8
 *    1  holds    count; then of each: length (1), UTF-8
 * </pre>
 */
final class SnapshotRecord {
    private static final int FLAG_HIDDEN = 1;

    final long branch;
    final long epoch;
    String name;
    long createdMillis;
    long sizeBytes;
    long writtenChunks;
    long diedChunks;
    boolean hidden;
    final Map<String, String> labels = new TreeMap<>();
    final Set<String> holds = new TreeSet<>();

    SnapshotRecord(final long branch, final long epoch, final String name) {
        this.branch = branch;
        this.epoch = epoch;
        this.name = name;
    }

    /** The record of a snapshot that is kept. */
    static SnapshotRecord load(final CatalogueTree tree, final long branch, final long epoch) {
        if (!tree.get(CatalogueTree.SNAPSHOT, branch, epoch)) {
            throw new NoSuchException("no such snapshot: branch " + branch + " epoch " + epoch);
        }
        return read(tree);
    }

    /** Decodes the record that the tree has found. */
    static SnapshotRecord read(final CatalogueTree tree) {
        final SnapshotRecord snapshot = new SnapshotRecord(tree.id(), tree.sub(), null);
        final RecordReader reader = tree.read("snapshot");
        snapshot.hidden = (reader.getByte() & FLAG_HIDDEN) != 0;
        snapshot.createdMillis = reader.getLong();
        snapshot.sizeBytes = reader.getLong();
        snapshot.writtenChunks = reader.getLong();
        snapshot.diedChunks = reader.getLong();
        snapshot.name = reader.getName();
        for (int i = reader.getByte(); i > 0; i--) {
            final String key = reader.getName();
            snapshot.labels.put(key, reader.getName());
        }
        for (int i = reader.getByte(); i > 0; i--) {
            snapshot.holds.add(reader.getName());
        }
        return snapshot;
    }

    /** Only the flags: enough to tell visible snapshots from hidden ones. */
    static boolean readHidden(final CatalogueTree tree) {
        return (tree.read("snapshot").getByte() & FLAG_HIDDEN) != 0;
    }

    void write(final CatalogueTree tree) {
        final RecordWriter writer = tree.write()
                .putByte(hidden ? FLAG_HIDDEN : 0)
                .putLong(createdMillis)
                .putLong(sizeBytes)
                .putLong(writtenChunks)
                .putLong(diedChunks)
                .putName(name)
                .putByte(labels.size());
        labels.forEach((key, value) -> writer.putName(key).putName(value));
        writer.putByte(holds.size());
        holds.forEach(writer::putName);
        tree.put(CatalogueTree.SNAPSHOT, branch, epoch);
    }

    /**
     * Shares what most snapshots have alike with one made before: of a hundred thousand, that is most of the memory.
     *
     * @param died  of the newest kept snapshot the branch's number, else that of the record
     * @param alike another snapshot, or null
     */
    Snapshot toSnapshot(final String volume, final long died, final Snapshot alike) {
        return new Snapshot(
                volume,
                branch,
                epoch,
                name,
                Instant.ofEpochMilli(createdMillis),
                sizeBytes,
                writtenChunks * VolumeData.CHUNK_LENGTH,
                died * VolumeData.CHUNK_LENGTH,
                alike != null && alike.labels().equals(labels) ? alike.labels() : Collections.unmodifiableMap(labels),
                holds.isEmpty() ? Set.of() : Collections.unmodifiableSet(holds));
    }
}
