package io.icecore.volume;

import java.util.ArrayList;
import java.util.List;

/** Opens exports by spec. */
final class Exports implements ExportTable {
    private final Volumes volumes;
    private final SnapshotLookup lookup;
    private final VolumeChanges changes;

    Exports(final Volumes volumes, final SnapshotLookup lookup, final VolumeChanges changes) {
        this.volumes = volumes;
        this.lookup = lookup;
        this.changes = changes;
    }

    @Override
    public List<String> names(final int snapshotsMax) {
        final List<String> names = new ArrayList<>();
        for (final VolumeInfo volume : changes.all()) {
            names.add(volume.name());
            for (final String snapshot : lookup.newestNames(volume.name(), snapshotsMax)) {
                names.add(volume.name() + "@" + snapshot);
            }
        }
        return names;
    }

    @Override
    public Export open(final String text) {
        final Spec spec = Spec.parse(text, volumes.clock().getZone());
        return volumes.look(() -> {
            final VolumeRecord volume = volumes.volume(spec.volume());
            final SnapshotRecord snapshot = spec.kind() == Spec.Kind.HEAD ? null : lookup.record(spec);
            return volumes.openExport(volume, snapshot);
        });
    }
}
