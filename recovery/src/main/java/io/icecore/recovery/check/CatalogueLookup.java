package io.icecore.recovery.check;

import io.icecore.store.commit.OpenedStore;
import io.icecore.store.device.StoreException;
import io.icecore.store.tree.Forest;
import io.icecore.store.tree.Key;
import io.icecore.store.tree.Tree;
import io.icecore.store.tree.TreeEntry;
import io.icecore.volume.CatalogueRecord;
import io.icecore.volume.CatalogueTree;
import java.util.function.Consumer;

/** Finds records of the catalogue by key. */
final class CatalogueLookup {
    /** What a lookup needs is damaged: the walk reports that, and what depends on it cannot be told. */
    static final class UnknownException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        UnknownException() {
            super(null, null, false, false);
        }
    }

    private final Tree tree;
    private final TreeEntry entry = new TreeEntry();

    CatalogueLookup(final Forest forest) {
        tree = forest.tree(OpenedStore.CATALOGUE);
    }

    /**
     * The record of this key, or null.
     *
     * @throws UnknownException when that cannot be told
     */
    <T extends CatalogueRecord> T find(final Class<T> type, final int kind, final long id, final long sub) {
        if (id < 0 || id > Key.B_MAX || sub < 0 || sub > Key.C_MAX) {
            return null;
        }
        try {
            return tree.get(Key.hi(kind, id), Key.lo(id, sub), entry) ? type.cast(CatalogueRecord.decode(entry)) : null;
        } catch (final StoreException ex) {
            throw new UnknownException();
        }
    }

    CatalogueRecord.Line branch(final long number) {
        return find(CatalogueRecord.Line.class, CatalogueTree.BRANCH, number, 0);
    }

    CatalogueRecord.Volume volume(final long id) {
        return find(CatalogueRecord.Volume.class, CatalogueTree.VOLUME, id, 0);
    }

    CatalogueRecord.Point point(final long branch, final long epoch) {
        return find(CatalogueRecord.Point.class, CatalogueTree.SNAPSHOT, branch, epoch);
    }

    /** All records of a kind and id, in the order of their third field. */
    <T extends CatalogueRecord> void each(
            final Class<T> type, final int kind, final long id, final Consumer<T> visitor) {
        long sub = 0;
        try {
            while (sub <= Key.C_MAX
                    && tree.ceiling(Key.hi(kind, id), Key.lo(id, sub), entry)
                    && entry.a() == kind
                    && entry.b() == id) {
                final long found = entry.c();
                visitor.accept(type.cast(CatalogueRecord.decode(entry)));
                if (found < sub) {
                    throw new UnknownException(); // Keys out of order: the walk reports it.
                }
                sub = found + 1;
            }
        } catch (final StoreException ex) {
            throw new UnknownException();
        }
    }
}
