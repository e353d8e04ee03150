package io.icecore.cli.tour;

import io.icecore.cli.daemon.CatalogOpening;
import io.icecore.store.device.StoreException;
import io.icecore.volume.Catalog;
import io.icecore.volume.Export;
import io.icecore.volume.NoSuchException;
import io.icecore.volume.Snapshot;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Random;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * A process that has the store open read-only for as long as it is told and reads snapshots all the time. A snapshot is
 * named after the number of writes that it holds. Ends with 0 when every byte was right, and says how many it read.
 */
final class ReaderProcess {
    private static final int ATTEMPTS = 3;

    private ReaderProcess() {}

    /** Arguments: store, volume, seed of the writes, seconds. */
    public static void main(final String[] arguments) {
        final Random random = new Random();
        final WriteSequence writes = new WriteSequence(Long.parseLong(arguments[2]));
        final long end = System.nanoTime() + Long.parseLong(arguments[3]) * 1_000_000_000L;
        long read = 0;
        long refreshed = 0;
        long retried = 0;
        long gone = 0;
        try (Catalog catalog = CatalogOpening.forReading(Path.of(arguments[0]), Clock.systemUTC())) {
            while (System.nanoTime() < end) {
                refreshed += random.nextInt(3) == 0 && catalog.refresh() ? 1 : 0;
                for (int attempt = 1; ; attempt++) {
                    try {
                        read += readOne(catalog, arguments[1], writes, random) ? 1 : 0;
                        break;
                    } catch (final NoSuchException ex) {
                        gone++; // Deleted since it was listed.
                        break;
                    } catch (final StoreException ex) {
                        if (attempt == ATTEMPTS) {
                            throw ex;
                        }
                        retried++;
                        catalog.refresh();
                    }
                }
            }
        }
        System.out.println("read=" + read + " refreshed=" + refreshed + " gone=" + gone + " retried=" + retried);
    }

    private static boolean readOne(
            final Catalog catalog, final String volume, final WriteSequence writes, final Random random) {
        final List<Snapshot> snapshots = catalog.snapshots(volume);
        if (snapshots.isEmpty()) {
            return false;
        }
        final Snapshot snapshot = snapshots.get(random.nextInt(snapshots.size()));
        final ByteBuffer disk = ByteBuffer.allocateDirect(WriteSequence.CHUNKS * WriteSequence.CHUNK);
        try (Export export = catalog.exports().open(snapshot.spec())) {
            export.read(0, new UnsafeBuffer(disk), 0, disk.capacity());
        }
        final String difference =
                writes.difference(disk, Integer.parseInt(snapshot.name().substring(1)));
        if (difference != null) {
            throw new AssertionError(snapshot.spec() + ": " + difference);
        }
        return true;
    }
}
