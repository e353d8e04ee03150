package io.icecore.volume;

import io.icecore.store.Store;
import io.icecore.store.commit.CommitParticipant;
import io.icecore.store.tree.Key;
import io.icecore.store.tree.TreeEntry;
import java.time.Clock;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Opens stores again. A store that keeps its trees in memory only loses them when it is closed; then the catalogue alone
 * is opened again, on the same store, with the notes that a commit would have kept.
 */
final class TestStores {
    private static final boolean DURABLE = isDurable();

    private TestStores() {}

    private static boolean isDurable() {
        final MemoryDevice device = new MemoryDevice(16 << 20);
        Store.format(device, "probe");
        final Store store = Store.open(device);
        store.lock();
        try {
            store.regions().put(Key.hi(1, 1), Key.lo(1, 1), new UnsafeBuffer(new byte[1]), 0, 1);
        } finally {
            store.unlock();
        }
        store.commit();
        store.close();
        try (Store again = Store.open(device)) {
            return again.regions().get(Key.hi(1, 1), Key.lo(1, 1), new TreeEntry());
        }
    }

    /** Whether free blocks are those that no extent owns: no node of a tree takes one. */
    static boolean nodesTakeNoBlocks() {
        return !DURABLE;
    }

    static Catalog reopen(final Catalog catalog, final MemoryDevice device, final Clock clock) {
        if (DURABLE) {
            catalog.close();
            return Catalog.open(Store.open(device), clock);
        }
        final UnsafeBuffer notes = new UnsafeBuffer(new byte[CommitParticipant.NOTES_LENGTH_MAX]);
        final Store store = catalog.store();
        store.lock();
        final int length;
        try {
            length = catalog.parts().notes().beforeCommit(notes);
        } finally {
            store.unlock();
        }
        final Catalog again = Catalog.open(store, clock);
        again.parts().notes().loadNotes(notes, length);
        return again;
    }
}
