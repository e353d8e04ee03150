package io.icecore.volume;

import io.icecore.store.tree.Key;

/** The numbers of volumes and branches: counted up, never used again. Under the store's lock. */
final class Numbers {
    private Numbers() {}

    static long takeBranch(final CatalogueTree tree) {
        final long[] next = read(tree);
        if (next[1] > Key.A_MAX) {
            throw new BusyException("store: out of branch numbers");
        }
        write(tree, next[0], next[1] + 1);
        return next[1];
    }

    static long takeVolume(final CatalogueTree tree) {
        final long[] next = read(tree);
        write(tree, next[0] + 1, next[1]);
        return next[0];
    }

    private static long[] read(final CatalogueTree tree) {
        if (!tree.get(CatalogueTree.COUNTERS, 0, 0)) {
            return new long[] {1, 1};
        }
        final RecordReader reader = tree.read("counters");
        return new long[] {reader.getLong(), reader.getLong()};
    }

    private static void write(final CatalogueTree tree, final long volume, final long branch) {
        tree.write().putLong(volume).putLong(branch);
        tree.put(CatalogueTree.COUNTERS, 0, 0);
    }
}
