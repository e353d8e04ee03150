package io.icecore.volume;

/**
 * What a store does about its space.
 *
 * @param whenFull      what becomes of writes
 * @param keepFreeBytes with {@link WhenFull#EXPIRE}: rolling snapshots go as soon as less than this is free; 0: the
 *                      default, a fiftieth of the store
 */
public record StorePolicy(WhenFull whenFull, long keepFreeBytes) {
    /** Of a store that was never told otherwise. */
    public static final StorePolicy DEFAULT = new StorePolicy(WhenFull.ERROR, 0);

    private static final int DEFAULT_SHARE = 50;

    public StorePolicy {
        if (keepFreeBytes < 0) {
            throw new IllegalArgumentException("keep-free: " + keepFreeBytes + " (expected: 0 or more)");
        }
    }

    /** Bytes to keep free in a store of this size: at most half of it. */
    public long keepFreeBytes(final long sizeBytes) {
        return keepFreeBytes == 0 ? sizeBytes / DEFAULT_SHARE : Math.min(keepFreeBytes, sizeBytes / 2);
    }

    /** The policy of the store; the default when none was set. */
    static StorePolicy load(final CatalogueTree tree) {
        return tree.get(CatalogueTree.STORE_POLICY, 0, 0) ? read(tree) : DEFAULT;
    }

    /** Decodes the record that the tree has found. */
    static StorePolicy read(final CatalogueTree tree) {
        final RecordReader reader = tree.read("store policy");
        final int ordinal = reader.getByte();
        if (ordinal >= WhenFull.values().length) {
            throw reader.corrupt("when-full " + ordinal + " (expected: below " + WhenFull.values().length + ")");
        }
        return new StorePolicy(WhenFull.values()[ordinal], reader.getLong());
    }

    void write(final CatalogueTree tree) {
        tree.write().putByte(whenFull.ordinal()).putLong(keepFreeBytes);
        tree.put(CatalogueTree.STORE_POLICY, 0, 0);
    }
}
