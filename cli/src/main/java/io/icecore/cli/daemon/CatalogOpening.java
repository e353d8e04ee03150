package io.icecore.cli.daemon;

import io.icecore.store.Store;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.FileBlockDevice;
import io.icecore.store.device.IoMode;
import io.icecore.volume.Catalog;
import java.nio.file.Path;
import java.time.Clock;
import java.util.function.Function;
import java.util.function.Supplier;

/** From a path to an open catalogue: device, store, catalogue, and in a failure nothing left open. */
public final class CatalogOpening {
    private CatalogOpening() {}

    /** Takes the lock of the store. */
    public static Catalog forWriting(final Path path, final Clock clock) {
        return forWriting(path, IoMode.AUTO, clock);
    }

    static Catalog forWriting(final Path path, final IoMode io, final Clock clock) {
        return open(FileBlockDevice.open(path, io), Store::open, clock);
    }

    /** Beside any writer. */
    public static Catalog forReading(final Path path, final Clock clock) {
        return open(FileBlockDevice.openReadOnly(path), Store::openReadOnly, clock);
    }

    private static Catalog open(
            final BlockDevice device, final Function<BlockDevice, Store> opening, final Clock clock) {
        final Store store = orClose(device, () -> opening.apply(device));
        return orClose(store, () -> Catalog.open(store, clock));
    }

    private static <T> T orClose(final AutoCloseable opened, final Supplier<T> next) {
        try {
            return next.get();
        } catch (final RuntimeException | Error ex) {
            try {
                opened.close();
            } catch (final Exception secondary) {
                ex.addSuppressed(secondary);
            }
            throw ex;
        }
    }
}
