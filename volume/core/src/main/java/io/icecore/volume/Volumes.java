package io.icecore.volume;

import io.icecore.store.Store;
import io.icecore.store.device.StoreException;
import io.icecore.store.space.StoreFullException;
import java.time.Clock;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * The parts that work together on one store, and the rule for changing it: under the lock, first look and refuse, then
 * change; what breaks off between the first change and the last must never be committed.
 */
final class Volumes {
    /** Attempts to look at one generation only, beside a writer that commits all the time. */
    private static final int LOOKS_MAX = 64;

    private final Store store;
    private final Clock clock;
    private final boolean readOnly;

    /** Used under the lock; the second one for records that entries found by the first one point to. */
    private final CatalogueTree tree;

    private final Names names;
    private final VolumeRecord.Cache records;
    private final Branches branches;
    private final Regions regions;
    private final CommitNotes notes;
    private final VolumeData data;
    private final OpenExports open = new OpenExports();
    private final WaitingWrites waiting;
    private volatile BooleanSupplier roomComing = () -> false;
    private boolean changing;
    private final LongAdder requests = new LongAdder();
    private final LongAdder answers = new LongAdder();
    private volatile boolean tidyDue = true;

    Volumes(final Store store, final Clock clock) {
        this.store = store;
        this.clock = clock;
        readOnly = store.readOnly();
        tree = new CatalogueTree(store);
        names = new Names(new CatalogueTree(store), new CatalogueTree(store));
        records = new VolumeRecord.Cache(tree);
        branches = new Branches(store, tree, () -> takeArrived());
        final RegionLog log = new RegionLog();
        regions = new Regions(store, log, branch -> branches.get(branch).epoch);
        notes = new CommitNotes(branches, log, regions, records::clear);
        data = new VolumeData(store, branches, regions, notes);
        waiting =
                new WaitingWrites(store, () -> storePolicy().whenFull() == WhenFull.WAIT || roomComing.getAsBoolean());
        store.join(notes);
        look(() -> null);
    }

    Store store() {
        return store;
    }

    Clock clock() {
        return clock;
    }

    boolean readOnly() {
        return readOnly;
    }

    CatalogueTree tree() {
        return tree;
    }

    Names names() {
        return names;
    }

    VolumeRecord.Cache records() {
        return records;
    }

    Branches branches() {
        return branches;
    }

    Regions regions() {
        return regions;
    }

    CommitNotes notes() {
        return notes;
    }

    VolumeData data() {
        return data;
    }

    OpenExports open() {
        return open;
    }

    /** An export was asked for something. */
    void requested() {
        requests.increment();
    }

    /** What an export was asked for is done, or has failed. */
    void answered() {
        answers.increment();
    }

    /** How often exports were asked for something. */
    long requests() {
        return requests.sum();
    }

    /** Whether an export is being asked for something now. */
    boolean requestsInFlight() {
        final long answered = answers.sum(); // First: what begins meanwhile may only make it look busier.
        return requests.sum() > answered;
    }

    /** Requests that a full store has put aside. */
    WaitingWrites waiting() {
        return waiting;
    }

    /** Sets who knows whether deletions under way, or about to be, will make room. */
    void roomComing(final BooleanSupplier coming) {
        roomComing = coming;
    }

    StorePolicy storePolicy() {
        return look(() -> StorePolicy.load(tree));
    }

    void setStorePolicy(final StorePolicy policy) {
        changeDurably(() -> {
            changing();
            policy.write(tree);
            return null;
        });
    }

    // ---- looking and changing

    /** Reads the kept epochs of a branch without holding the lock: there may be a hundred thousand. */
    void readKept(final long number) {
        final int[] changes = new int[1];
        final Branch branch = look(() -> {
            final Branch found = branches.get(number);
            changes[0] = found.changes();
            return found.knowsKept() ? null : found;
        });
        if (branch != null) {
            final long[] epochs = branch.readKept(new CatalogueTree(store));
            look(() -> {
                branch.offerKept(epochs, changes[0]);
                return null;
            });
        }
    }

    /** Moves a store opened read-only to the newest generation. Not by way of {@link #look}, which would ask twice. */
    boolean refresh() {
        store.lock();
        try {
            return readOnly && store.refresh();
        } finally {
            store.unlock();
        }
    }

    private void takeArrived() {
        notes.takeArrived();
    }

    /**
     * Runs the action under the lock. Once more when, in a store opened read-only, the ground moved under it: what it
     * returns was seen in one generation.
     */
    <T> T look(final Supplier<T> action) {
        store.lock();
        try {
            for (int attempt = 1; attempt <= LOOKS_MAX; attempt++) {
                final long stamp = store.stamp();
                notes.takeArrived();
                try {
                    final T result = action.get();
                    if (!movedSince(stamp)) {
                        return result;
                    }
                } catch (final RuntimeException ex) {
                    if (!movedSince(stamp)) {
                        throw ex;
                    }
                }
            }
        } finally {
            store.unlock();
        }
        throw new StoreException(
                "store changes faster than it can be looked at: " + store.info().path());
    }

    private boolean movedSince(final long stamp) {
        return readOnly && store.stamp() != stamp;
    }

    /** Runs the action under the lock. What it changes belongs to the next commit. */
    <T> T change(final Supplier<T> action) {
        if (readOnly) {
            throw new ReadOnlyException("read-only: " + store.info().path());
        }
        store.lock();
        try {
            notes.ensureUsable();
            changing = false;
            final T result = action.get();
            changing = false;
            return result;
        } catch (final RuntimeException | Error ex) {
            if (changing) {
                notes.poison(ex);
            }
            throw ex;
        } finally {
            store.unlock();
        }
    }

    /** As {@link #change}, of the background: whoever waits for the lock by now has it first. */
    <T> T changeBehindOthers(final Supplier<T> action) {
        store.giveWay();
        return change(action);
    }

    /** Runs the action under the lock and makes what it changed durable. */
    <T> T changeDurably(final Supplier<T> action) {
        final T result = change(action);
        store.commit();
        return result;
    }

    /** As {@link #changeDurably}, of an action that adds to the trees: refused while the store is full. */
    <T> T addDurably(final Supplier<T> action) {
        final Supplier<T> guarded = () -> {
            store.requireRoom();
            return action.get();
        };
        try {
            return changeDurably(guarded);
        } catch (final StoreFullException ex) {
            if (!store.releasePinned()) {
                throw ex;
            }
            return changeDurably(guarded);
        }
    }

    /** All checks have passed: from here to the end of the action a failure leaves things half done. */
    void changing() {
        assert store.lockedByCurrentThread();
        changing = true;
    }

    /** Things are consistent again, though the action goes on. */
    void changed() {
        changing = false;
    }

    /** Something may have become superfluous: housekeeping should look. Set on opening, too. */
    void tidyLater() {
        tidyDue = true;
    }

    /** Whether housekeeping should look; from now on no more, until {@link #tidyLater}. */
    boolean takeTidyDue() {
        final boolean due = tidyDue;
        tidyDue = false;
        return due;
    }

    // ---- volumes and exports

    /** The volume of this name. Under the lock. */
    VolumeRecord volume(final String name) {
        final long id = names.findVolume(name);
        if (id < 0) {
            throw new NoSuchException("no such volume: " + name);
        }
        return records.get(id);
    }

    /** @param snapshot or null: the head. Under the lock. */
    Export openExport(final VolumeRecord volume, final SnapshotRecord snapshot) {
        final OpenExport export = new OpenExport(this, volume, snapshot);
        open.add(export.branch(), export.epoch());
        return export;
    }

    void released(final long branch, final long epoch) {
        store.lock();
        try {
            open.remove(branch, epoch);
        } finally {
            store.unlock();
        }
    }
}
