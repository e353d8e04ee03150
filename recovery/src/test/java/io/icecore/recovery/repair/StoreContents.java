package io.icecore.recovery.repair;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.Store;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.Checksum;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.volume.Catalog;
import io.icecore.volume.Export;
import io.icecore.volume.Snapshot;
import io.icecore.volume.VolumeInfo;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.agrona.concurrent.UnsafeBuffer;

/** All that clients can see of a store: sizes, snapshots, and every chunk that is not all zeroes, by checksum. */
final class StoreContents {
    private static final int ZEROES = Checksum.of(new UnsafeBuffer(new byte[BLOCK_LENGTH]), 0, BLOCK_LENGTH);

    private static final long WINDOW = 64L * BLOCK_LENGTH;

    /** Where random histories write. */
    private static final long[] ISLANDS = {0, (65536L - 128) * BLOCK_LENGTH, 2L * 65536 * BLOCK_LENGTH};

    /** In place of a checksum: reading failed. */
    static final int UNREADABLE = 1;

    final Map<String, String> facts = new TreeMap<>();
    final Map<String, TreeMap<Long, Integer>> chunks = new TreeMap<>();

    /** Volumes that stand on another. */
    final Set<String> clones = new TreeSet<>();

    /** The device is opened as a copy, for writing: so reads need not ask each time whether somebody else has written. */
    static StoreContents of(final SimBlockDevice device) {
        final StoreContents contents = new StoreContents();
        try (Catalog catalog = Catalog.open(Store.open(device.kill()), Clock.systemUTC())) {
            for (final VolumeInfo volume : catalog.volumes()) {
                contents.add(catalog, volume.name(), "size " + volume.sizeBytes());
                if (volume.parent() != null) {
                    contents.clones.add(volume.name());
                }
                for (final Snapshot snapshot : catalog.snapshots(volume.name())) {
                    contents.add(
                            catalog,
                            volume.name() + "@" + snapshot.name(),
                            "size " + snapshot.sizeBytes() + " " + snapshot.created() + " " + snapshot.labels() + " "
                                    + snapshot.holds());
                }
            }
        }
        return contents;
    }

    private void add(final Catalog catalog, final String name, final String fact) {
        facts.put(name, fact);
        final TreeMap<Long, Integer> found = new TreeMap<>();
        final UnsafeBuffer buffer = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
        try (Export export = catalog.exports().open(name)) {
            final List<long[]> ranges = new ArrayList<>();
            try {
                ranges(export, 0, export.size(), ranges);
            } catch (final CorruptStoreException ex) { // Of one chunk; the others are to be looked at all the same.
                ranges.clear();
                for (final long island : ISLANDS) {
                    for (long at = island; at < Math.min(island + 8 * WINDOW, export.size()); at += WINDOW) {
                        window(export, at, Math.min(WINDOW, export.size() - at), ranges);
                    }
                }
            }
            for (final long[] range : ranges) {
                for (long at = range[0]; at < range[0] + range[1]; at += BLOCK_LENGTH) {
                    found.put(at / BLOCK_LENGTH, checksum(export, at, buffer));
                }
            }
        }
        found.values().removeIf(checksum -> checksum == ZEROES);
        chunks.put(name, found);
    }

    private static void window(final Export export, final long at, final long length, final List<long[]> ranges) {
        try {
            ranges(export, at, length, ranges);
        } catch (final CorruptStoreException ex) {
            ranges.add(new long[] {at, length});
        }
    }

    private static void ranges(final Export export, final long at, final long length, final List<long[]> ranges) {
        final List<long[]> found = new ArrayList<>();
        export.extents(at, length, (offset, count, zero) -> {
            if (!zero) {
                found.add(new long[] {offset, count});
            }
            return true;
        });
        ranges.addAll(found);
    }

    private static int checksum(final Export export, final long at, final UnsafeBuffer buffer) {
        try {
            export.read(at, buffer, 0, BLOCK_LENGTH);
            return Checksum.of(buffer, 0, BLOCK_LENGTH);
        } catch (final StoreException ex) {
            return UNREADABLE;
        }
    }
}
