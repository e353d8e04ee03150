package io.icecore.volume;

import io.icecore.store.Store;
import java.time.Clock;

/** Opens stores again. */
final class TestStores {
    private TestStores() {}

    static Catalog reopen(final Catalog catalog, final MemoryDevice device, final Clock clock) {
        catalog.close();
        return Catalog.open(Store.open(device), clock);
    }
}
