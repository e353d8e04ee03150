package io.icecore.volume;

import java.util.List;

/** What can be exported, by name: the one thing that servers know of volumes. Thread-safe. */
public interface ExportTable {
    /** Names for discovery: every volume, and of each its newest {@code snapshotsMax} snapshots, newest first. */
    List<String> names(int snapshotsMax);

    /**
     * Opens an export by its name or any other spec that stands for one: {@code vm1}, {@code vm1@name},
     * {@code vm1@latest}, {@code vm1@-15m}, {@code vm1@2026-11-23T10:05}. The caller closes it. While it is open the
     * volume or snapshot cannot be deleted.
     *
     * @throws NoSuchException when the spec fits nothing
     * @throws IllegalArgumentException when it is no spec
     */
    Export open(String spec);
}
