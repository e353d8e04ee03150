package io.icecore.volume;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Makes volumes, lists them, changes their size. */
final class VolumeChanges {
    static final long SIZE_MAX = 1L << 58;

    private final Volumes volumes;

    VolumeChanges(final Volumes volumes) {
        this.volumes = volumes;
    }

    static void checkSize(final long sizeBytes) {
        if (sizeBytes <= 0 || sizeBytes > SIZE_MAX || sizeBytes % VolumeData.CHUNK_LENGTH != 0) {
            throw new IllegalArgumentException("size: " + sizeBytes + " (expected: a positive multiple of "
                    + VolumeData.CHUNK_LENGTH + ", at most " + SIZE_MAX + ")");
        }
    }

    VolumeInfo create(final String name, final long sizeBytes) {
        Spec.requireName("volume", name);
        checkSize(sizeBytes);
        return volumes.addDurably(() -> {
            checkFree(name);
            volumes.changing();
            return info(add(name, sizeBytes, 0, 0));
        });
    }

    void checkFree(final String name) {
        if (volumes.names().findVolume(name) >= 0) {
            throw new BusyException("volume exists: " + name);
        }
    }

    /** A volume on a new branch: on a snapshot, or ({@code parentBranch} 0) on nothing. Under the lock. */
    VolumeRecord add(final String name, final long sizeBytes, final long parentBranch, final long parentEpoch) {
        final CatalogueTree tree = volumes.tree();
        final long id = Numbers.takeVolume(tree);
        final Branch branch = volumes.branches().create(id, parentBranch, parentEpoch);
        volumes.branches().write(branch);
        final long now = volumes.clock().millis();
        final VolumeRecord volume = new VolumeRecord(id, name, branch.number, sizeBytes, now);
        volumes.records().put(volume);
        volumes.names().putVolume(name, id);
        return volume;
    }

    VolumeInfo info(final String name) {
        return volumes.look(() -> info(volumes.volume(name)));
    }

    List<VolumeInfo> all() {
        return volumes.look(() -> {
            final List<VolumeInfo> found = new ArrayList<>();
            ids().forEach(id -> {
                final VolumeRecord volume = volumes.records().get(id);
                if (!volume.deleted) {
                    found.add(info(volume));
                }
            });
            found.sort(Comparator.comparing(VolumeInfo::name));
            return found;
        });
    }

    /** Numbers of all volumes, those being deleted included. */
    List<Long> ids() {
        final CatalogueTree tree = volumes.tree();
        final List<Long> ids = new ArrayList<>();
        for (boolean more = tree.nextId(CatalogueTree.VOLUME, 0);
                more;
                more = tree.nextId(CatalogueTree.VOLUME, tree.id() + 1)) {
            ids.add(tree.id());
        }
        return ids;
    }

    private VolumeInfo info(final VolumeRecord volume) {
        int snapshots = 0;
        for (final long number : Branches.ofVolume(volumes.tree(), volume.id)) {
            snapshots += volumes.branches().get(number).visibleCount();
        }
        final Branch branch = volumes.branches().get(volume.branch);
        return new VolumeInfo(
                volume.name,
                volume.branch,
                volume.sizeBytes,
                branch.mappedChunks * VolumeData.CHUNK_LENGTH,
                snapshots,
                origin(branch),
                Instant.ofEpochMilli(volume.createdMillis));
    }

    /** The snapshot of another volume that the branch reads through, or null. */
    private String origin(final Branch branch) {
        Branch at = branch;
        while (at.hasParent()) {
            final Branch parent = volumes.branches().get(at.parentBranch);
            if (parent.volume != branch.volume) {
                final SnapshotRecord snapshot = SnapshotRecord.load(volumes.tree(), parent.number, at.parentEpoch);
                return volumes.records().get(parent.volume).name + "@" + snapshot.name;
            }
            at = parent;
        }
        return null;
    }

    /**
     * What is beyond the new end is discarded: after shrinking, and once more before growing, so that a shrinking that
     * was cut short can never bring old bytes back.
     */
    void resize(final String name, final long sizeBytes) {
        checkSize(sizeBytes);
        final VolumeRecord volume = volumes.look(() -> volumes.volume(name));
        final long old = volume.sizeBytes;
        if (sizeBytes < old) {
            setSize(volume, sizeBytes);
        }
        final long from = Math.min(old, sizeBytes) / VolumeData.CHUNK_LENGTH;
        volumes.data().discard(volume, from, Math.max(old, sizeBytes) / VolumeData.CHUNK_LENGTH);
        if (sizeBytes > old) {
            setSize(volume, sizeBytes);
        }
        volumes.store().commit();
    }

    private void setSize(final VolumeRecord volume, final long sizeBytes) {
        volumes.change(() -> {
            volumes.changing();
            volume.sizeBytes = sizeBytes;
            volume.write(volumes.tree());
            return null;
        });
    }
}
