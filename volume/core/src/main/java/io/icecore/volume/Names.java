package io.icecore.volume;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icecore.store.tree.Key;

/**
 * The two name indexes of the catalogue. Names with the same hash stand side by side with
 * different ordinals. The instance follows the rule of its tree: one for each thread, or for the holder of the lock.
 */
final class Names {
    private static final long FNV_OFFSET = 0xCBF2_9CE4_8422_2325L;
    private static final long FNV_PRIME = 0x100_0000_01B3L;

    private final CatalogueTree tree;
    private final CatalogueTree target;

    /** @param target used for the records that index entries point to, so that a walk of the index can go on */
    Names(final CatalogueTree tree, final CatalogueTree target) {
        this.tree = tree;
        this.target = target;
    }

    /** FNV-1a over the owner's number and the name, folded to the 48 bits of a key's second field. */
    static long hash(final long owner, final String name) {
        long hash = FNV_OFFSET;
        for (int i = 0; i < Long.BYTES; i++) {
            hash = (hash ^ (owner >>> i * Byte.SIZE & 0xFF)) * FNV_PRIME;
        }
        for (final byte b : name.getBytes(UTF_8)) {
            hash = (hash ^ (b & 0xFF)) * FNV_PRIME;
        }
        return (hash ^ hash >>> 48) & Key.B_MAX;
    }

    // ---- volumes

    /** Number of the volume, or -1. */
    long findVolume(final String name) {
        final long hash = hash(0, name);
        for (boolean more = tree.next(CatalogueTree.VOLUME_NAME, hash, 0);
                more;
                more = tree.next(CatalogueTree.VOLUME_NAME, hash, tree.sub() + 1)) {
            final long id = tree.read("volume name").getLong();
            if (target.get(CatalogueTree.VOLUME, id, 0)
                    && VolumeRecord.read(target).name.equals(name)) {
                return id;
            }
        }
        return -1;
    }

    void putVolume(final String name, final long id) {
        final long hash = hash(0, name);
        final long ordinal = freeOrdinal(CatalogueTree.VOLUME_NAME, hash);
        tree.write().putLong(id);
        tree.put(CatalogueTree.VOLUME_NAME, hash, ordinal);
    }

    void removeVolume(final String name) {
        if (findVolume(name) >= 0) {
            tree.remove(CatalogueTree.VOLUME_NAME, hash(0, name), tree.sub());
        }
    }

    // ---- snapshots of a volume

    /** The visible snapshot of this name, or null. */
    SnapshotRecord findSnapshot(final long volume, final String name) {
        final long hash = hash(volume, name);
        for (boolean more = tree.next(CatalogueTree.SNAPSHOT_NAME, hash, 0);
                more;
                more = tree.next(CatalogueTree.SNAPSHOT_NAME, hash, tree.sub() + 1)) {
            final RecordReader reader = tree.read("snapshot name");
            final long owner = reader.getLong();
            final long branch = reader.getInt();
            final long epoch = reader.getInt();
            if (owner == volume && target.get(CatalogueTree.SNAPSHOT, branch, epoch)) {
                final SnapshotRecord snapshot = SnapshotRecord.read(target);
                if (snapshot.name.equals(name)) {
                    return snapshot;
                }
            }
        }
        return null;
    }

    void putSnapshot(final long volume, final String name, final long branch, final long epoch) {
        final long hash = hash(volume, name);
        final long ordinal = freeOrdinal(CatalogueTree.SNAPSHOT_NAME, hash);
        tree.write().putLong(volume).putInt(branch).putInt(epoch);
        tree.put(CatalogueTree.SNAPSHOT_NAME, hash, ordinal);
    }

    void removeSnapshot(final long volume, final String name) {
        if (findSnapshot(volume, name) != null) {
            tree.remove(CatalogueTree.SNAPSHOT_NAME, hash(volume, name), tree.sub());
        }
    }

    private long freeOrdinal(final int kind, final long hash) {
        long ordinal = 0;
        while (tree.next(kind, hash, ordinal) && tree.sub() == ordinal) {
            ordinal++;
        }
        return ordinal;
    }
}
