package io.icecore.volume.nbd;

import io.icecore.volume.Export;
import io.icecore.volume.ExportTable;
import io.icecore.volume.NoSuchException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Exports in memory by name; a name with an {@code @} is a snapshot. */
final class MemoryExportTable implements ExportTable {
    private final Map<String, MemoryExport> exports = new LinkedHashMap<>();

    MemoryExport add(final String name, final int size) {
        return add(new MemoryExport(name, size, name.contains("@")));
    }

    MemoryExport add(final MemoryExport export) {
        exports.put(export.name(), export);
        return export;
    }

    @Override
    public List<String> names(final int snapshotsMax) {
        final Stream<String> volumes = exports.keySet().stream().filter(name -> !name.contains("@"));
        final Stream<String> snapshots = exports.keySet().stream().filter(name -> name.contains("@"));
        return Stream.concat(volumes, snapshots.limit(snapshotsMax)).toList();
    }

    @Override
    public Export open(final String spec) {
        if (spec.isBlank()) {
            throw new IllegalArgumentException("no spec: " + spec);
        }
        final MemoryExport export = exports.get(spec);
        if (export == null) {
            throw new NoSuchException("no such volume: " + spec);
        }
        export.opens.incrementAndGet();
        return export;
    }
}
