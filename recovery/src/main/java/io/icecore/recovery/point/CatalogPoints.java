package io.icecore.recovery.point;

import io.icecore.volume.Catalog;
import io.icecore.volume.Snapshot;
import io.icecore.volume.StorePolicy;
import io.icecore.volume.VolumeInfo;
import io.icecore.volume.WhenFull;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The catalogue as the timer sees it: nothing but the label is added here. */
record CatalogPoints(Catalog catalog) implements RecoveryPoints {
    @Override
    public List<String> volumes() {
        return catalog.volumes().stream().map(VolumeInfo::name).toList();
    }

    @Override
    public Optional<String> policy(final String volume) {
        return catalog.policy(volume);
    }

    @Override
    public List<Snapshot> snapshots(final String volume) {
        return catalog.snapshots(volume);
    }

    @Override
    public List<Snapshot> take(final List<String> volumes) {
        return catalog.createSnapshots(volumes, null, Map.of(Snapshot.ROLLING, "true"));
    }

    @Override
    public void delete(final Collection<Snapshot> snapshots) {
        catalog.thinSnapshots(snapshots);
    }

    /** What deletions so far will give back counts as free; when writers wait all the same, that was not enough. */
    @Override
    public long missingBytes() {
        final StorePolicy policy = catalog.storePolicy();
        if (policy.whenFull() != WhenFull.EXPIRE) {
            return 0;
        }
        final long keepFree = policy.keepFreeBytes(catalog.store().info().sizeBytes());
        final long pending = catalog.pendingBytes();
        if (pending == 0 && catalog.waitingWrites() > 0) {
            return keepFree;
        }
        return Math.max(0, keepFree - catalog.freeBytes() - pending);
    }

    @Override
    public void expiryExhausted(final boolean exhausted) {
        catalog.expiryExhausted(exhausted);
    }
}
