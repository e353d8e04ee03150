package io.icecore.volume;

import io.icecore.store.Store;
import io.icecore.store.tree.Key;
import io.icecore.store.tree.Tree;
import io.icecore.store.tree.TreeEntry;
import org.agrona.DirectBuffer;

/**
 * The catalogue tree: everything about volumes that is not a map of blocks. Each record begins with a version byte.
 *
 * <pre>
 * kind                       id (48 bits)            sub (32 bits)     record
 * -------------------------  ----------------------  ----------------  --------------------------------------------
 * {@value #COUNTERS} numbers                  0                       0                 next volume (8), next branch (8)
 * {@value #VOLUME} volume                   volume                  0                 {@link VolumeRecord}
 * {@value #VOLUME_NAME} volume name              hash of the name        ordinal           volume (8)
 * {@value #BRANCH} branch                   branch                  0                 {@link Branch}
 * {@value #VOLUME_BRANCH} branches of a volume     volume                  branch            empty
 * {@value #SNAPSHOT} snapshot                 branch                  epoch             {@link SnapshotRecord}
 * {@value #SNAPSHOT_NAME} snapshot name            hash of volume, name    ordinal           volume (8), branch (4), epoch (4)
 * {@value #CHILD} child branch             parent branch           child branch      epoch of the parent (4)
 * {@value #POLICY} policy                   volume                  0                 text, length (2)
 * {@value #RECLAIM} deletion record          branch                  0                 {@link ReclaimRecord}
 * {@value #JOB} adopt or flatten         child branch            kind              {@link JobRecord}
 * {@value #ATTRIBUTE} attribute                volume                  ordinal           name, length (1); bytes, length (2)
 * {@value #STORE_POLICY} policy of the store      0                       0                 {@link StorePolicy}
 * </pre>
 *
 * <p>Names with the same hash have different ordinals; the record a name entry points to has the name itself. Branches
 * count from 1 and are never numbered again, so (branch, epoch) names one snapshot for ever.
 *
 * <p>Holds the entry of its last lookup: one instance for each thread, or for the holder of the store's lock.
 */
public final class CatalogueTree {
    public static final int COUNTERS = 1;
    public static final int VOLUME = 2;
    public static final int VOLUME_NAME = 3;
    public static final int BRANCH = 4;
    public static final int VOLUME_BRANCH = 5;
    public static final int SNAPSHOT = 6;
    public static final int SNAPSHOT_NAME = 7;
    public static final int CHILD = 8;
    public static final int POLICY = 9;
    public static final int RECLAIM = 10;
    public static final int JOB = 11;
    public static final int ATTRIBUTE = 12;
    public static final int STORE_POLICY = 13;

    static final int VERSION = 1;

    /** Where records that are put go, when that is no tree. */
    interface Sink {
        void put(long hi, long lo, DirectBuffer value, int index, int length);
    }

    private final Tree tree;
    private final Sink sink;
    private final TreeEntry entry;
    private final RecordReader reader = new RecordReader();
    private final RecordWriter writer = new RecordWriter();

    CatalogueTree(final Store store) {
        tree = store.catalogue();
        sink = tree::put;
        entry = new TreeEntry();
    }

    /** Of one record that a walk over the nodes has found: to read it, not to look anything up. */
    CatalogueTree(final TreeEntry found) {
        tree = null;
        sink = null;
        entry = found;
    }

    /** Of records that are made anew, to be put into a tree by others. */
    CatalogueTree(final Sink sink) {
        tree = null;
        this.sink = sink;
        entry = new TreeEntry();
    }

    boolean get(final int kind, final long id, final long sub) {
        return tree.get(Key.hi(kind, id), Key.lo(id, sub), entry);
    }

    /** Finds the first record of this kind and id at or after {@code sub}. */
    boolean next(final int kind, final long id, final long sub) {
        return sub <= Key.C_MAX
                && tree.ceiling(Key.hi(kind, id), Key.lo(id, sub), entry)
                && entry.a() == kind
                && entry.b() == id;
    }

    /** Finds the first record of this kind at or after (id, 0). */
    boolean nextId(final int kind, final long id) {
        return id <= Key.B_MAX && tree.ceiling(Key.hi(kind, id), Key.lo(id, 0), entry) && entry.a() == kind;
    }

    /** Finds the last record of this kind and id at or before {@code sub}. */
    boolean previous(final int kind, final long id, final long sub) {
        return sub >= 0 && tree.floor(Key.hi(kind, id), Key.lo(id, sub), entry) && entry.a() == kind && entry.b() == id;
    }

    /** Second field of the key of the record found. */
    long id() {
        return entry.b();
    }

    /** Third field of the key of the record found. */
    long sub() {
        return entry.c();
    }

    /** Reads the record found. */
    RecordReader read(final String structure) {
        return reader.wrap(entry, structure, VERSION);
    }

    /** Starts a new record. */
    RecordWriter write() {
        return writer.start(VERSION);
    }

    /** Stores what was written since {@link #write()}. */
    void put(final int kind, final long id, final long sub) {
        sink.put(Key.hi(kind, id), Key.lo(id, sub), writer.buffer, 0, writer.length());
    }

    boolean remove(final int kind, final long id, final long sub) {
        return tree.remove(Key.hi(kind, id), Key.lo(id, sub));
    }
}
