package io.icecore.volume;

import java.time.Instant;
import java.util.List;
import java.util.Map;

/** Begins branches on snapshots: clones and rollbacks. */
final class BranchChanges {
    private static final String BEFORE_ROLLBACK = "before-rollback-";

    private final Volumes volumes;
    private final SnapshotLookup lookup;
    private final VolumeChanges volumeChanges;
    private final SnapshotChanges snapshotChanges;
    private final SnapshotDeletion deletion;

    BranchChanges(
            final Volumes volumes,
            final SnapshotLookup lookup,
            final VolumeChanges volumeChanges,
            final SnapshotChanges snapshotChanges,
            final SnapshotDeletion deletion) {
        this.volumes = volumes;
        this.lookup = lookup;
        this.volumeChanges = volumeChanges;
        this.snapshotChanges = snapshotChanges;
        this.deletion = deletion;
    }

    VolumeInfo cloneVolume(final Spec spec, final String name) {
        Spec.requireName("volume", name);
        volumes.addDurably(() -> {
            final SnapshotRecord origin = lookup.record(spec);
            volumeChanges.checkFree(name);
            volumes.changing();
            return volumeChanges.add(name, origin.sizeBytes, origin.branch, origin.epoch);
        });
        return volumeChanges.info(name);
    }

    /** The branch that the head was on gets a last snapshot and is headless from then on; the head goes to a new one. */
    Snapshot rollback(final Spec spec) {
        return volumes.addDurably(() -> {
            final SnapshotRecord target = lookup.record(spec);
            final VolumeRecord volume = volumes.volume(spec.volume());
            if (volumes.open().isHeadOpen(volume.branch)) {
                throw new BusyException("volume is exported: " + volume.name);
            }
            snapshotChanges.checkEpoch(volume);
            final Branch old = volumes.branches().withKept(volume.branch);
            final Instant now = volumes.clock().instant();
            final String name =
                    snapshotChanges.freeName(List.of(volume), BEFORE_ROLLBACK + snapshotChanges.defaultName(now));
            volumes.changing();
            final SnapshotRecord before = snapshotChanges.take(volume, name, Map.of(), now);
            final Branch branch = volumes.branches().create(volume.id, target.branch, target.epoch);
            volumes.branches().write(branch);
            deletion.remove(old, new long[0], true);
            volume.branch = branch.number;
            volume.sizeBytes = target.sizeBytes;
            volume.write(volumes.tree());
            volumes.tidyLater();
            return lookup.toSnapshot(volume.name, before);
        });
    }
}
