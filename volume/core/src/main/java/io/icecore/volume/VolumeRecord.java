package io.icecore.volume;

import java.util.HashMap;
import java.util.Map;

/**
 * A volume as the catalogue has it.
 *
 * <pre>
 * size  field    content
 *    1  version
 *    1  flags    1: deleted; stays while branches stand on its snapshots
 *    4  branch   the one its head is on
 *    8  size     bytes
 *    8  created  milliseconds since 1970
 *    n  name     length (1), UTF-8
 * </pre>
 */
final class VolumeRecord {
    private static final int FLAG_DELETED = 1;

    final long id;
    final String name;
    final long createdMillis;

    /** Changed under the store's lock; read by requests without it. */
    volatile long sizeBytes;

    volatile long branch;
    volatile boolean deleted;

    VolumeRecord(final long id, final String name, final long branch, final long sizeBytes, final long createdMillis) {
        this.id = id;
        this.name = name;
        this.branch = branch;
        this.sizeBytes = sizeBytes;
        this.createdMillis = createdMillis;
    }

    /** Decodes the record that the tree has found. */
    static VolumeRecord read(final CatalogueTree tree) {
        final long id = tree.id();
        final RecordReader reader = tree.read("volume");
        final int flags = reader.getByte();
        final long branch = reader.getInt();
        final long sizeBytes = reader.getLong();
        final long createdMillis = reader.getLong();
        final VolumeRecord volume = new VolumeRecord(id, reader.getName(), branch, sizeBytes, createdMillis);
        volume.deleted = (flags & FLAG_DELETED) != 0;
        return volume;
    }

    void write(final CatalogueTree tree) {
        tree.write()
                .putByte(deleted ? FLAG_DELETED : 0)
                .putInt(branch)
                .putLong(sizeBytes)
                .putLong(createdMillis)
                .putName(name);
        tree.put(CatalogueTree.VOLUME, id, 0);
    }

    /** The volumes in use, each once, so that all who use one see the same size. Under the store's lock. */
    static final class Cache {
        private final CatalogueTree tree;
        private final Map<Long, VolumeRecord> volumes = new HashMap<>();

        Cache(final CatalogueTree tree) {
            this.tree = tree;
        }

        VolumeRecord get(final long id) {
            VolumeRecord volume = volumes.get(id);
            if (volume == null) {
                if (!tree.get(CatalogueTree.VOLUME, id, 0)) {
                    throw new NoSuchException("no such volume: number " + id);
                }
                volume = read(tree);
                volumes.put(id, volume);
            }
            return volume;
        }

        void put(final VolumeRecord volume) {
            volumes.put(volume.id, volume);
            volume.write(tree);
        }

        void remove(final long id) {
            volumes.remove(id);
            tree.remove(CatalogueTree.VOLUME, id, 0);
        }

        void clear() {
            volumes.clear();
        }
    }
}
