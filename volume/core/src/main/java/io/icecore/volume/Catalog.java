package io.icecore.volume;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.icecore.store.Store;
import io.icecore.store.device.NoSpaceException;
import java.time.Clock;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.agrona.concurrent.SystemNanoClock;

/**
 * All volumes and snapshots of a store: the way in for everything above.
 *
 * <p>Thread-safe. Every change is one commit and durable when the method returns. Names of volumes, snapshots, labels and
 * holds are 1 to 128 characters of letters, digits, dot, dash and underscore, not beginning with a dash or a dot
 * ({@code latest} is taken); anything else is an {@link IllegalArgumentException} that says so. What does not exist is a
 * {@link NoSuchException}, what exists or is held or in use a {@link BusyException}, a change in a store opened read-only
 * a {@link ReadOnlyException}.
 */
public final class Catalog implements AutoCloseable {
    private final Volumes volumes;
    private final VolumeChanges volumeChanges;
    private final SnapshotLookup lookup;
    private final SnapshotChanges snapshotChanges;
    private final Attributes attributes;
    private final Exports exports;
    private final Reclaimer reclaimer;
    private final SnapshotDeletion deletion;
    private final VolumeDeletion volumeDeletion;
    private final Inheritance inheritance;
    private final Housekeeping housekeeping;
    private final BranchChanges branchChanges;
    private final ReclaimPace pace;
    private final ExtentMover mover;
    private final RecentDrain drain;
    private final Cleaner cleaner;
    private final Defragmenter defragmenter;
    private final CleanerPace cleanerPace;
    private final FreedFigures figures = new FreedFigures();
    private volatile boolean expiryExhausted;
    private int turn;

    private Catalog(final Volumes volumes) {
        this.volumes = volumes;
        volumeChanges = new VolumeChanges(volumes);
        lookup = new SnapshotLookup(volumes);
        snapshotChanges = new SnapshotChanges(volumes, lookup);
        attributes = new Attributes(volumes);
        exports = new Exports(volumes, lookup, volumeChanges);
        reclaimer = new Reclaimer(volumes);
        deletion = new SnapshotDeletion(volumes, lookup, reclaimer);
        volumeDeletion = new VolumeDeletion(volumes, deletion, attributes);
        inheritance = new Inheritance(volumes, deletion);
        housekeeping = new Housekeeping(volumes, deletion, volumeDeletion, inheritance);
        branchChanges = new BranchChanges(volumes, lookup, volumeChanges, snapshotChanges, deletion);
        mover = new ExtentMover(volumes);
        drain = new RecentDrain(volumes);
        cleaner = new Cleaner(volumes, mover);
        defragmenter = new Defragmenter(volumes, mover);
        cleanerPace = new CleanerPace(volumes, this::cleanStep, this::defragmentStep, SystemNanoClock.INSTANCE);
        pace = new ReclaimPace(volumes, reclaimer, this::reclaimStep, this::othersStep, SystemNanoClock.INSTANCE);
        volumes.roomComing(this::roomComing);
    }

    /** Takes over the store: closing the catalogue closes it. */
    public static Catalog open(final Store store, final Clock clock) {
        return new Catalog(new Volumes(store, clock));
    }

    public Store store() {
        return volumes.store();
    }

    /** For tests that look at the trees below. */
    Volumes parts() {
        return volumes;
    }

    public ExportTable exports() {
        return exports;
    }

    // ---- volumes

    /** @param sizeBytes a positive multiple of 4096, at most 2^58 */
    public VolumeInfo createVolume(final String name, final long sizeBytes) {
        return volumeChanges.create(name, sizeBytes);
    }

    /** In the order of their names. */
    public List<VolumeInfo> volumes() {
        return volumeChanges.all();
    }

    public VolumeInfo volume(final String name) {
        return volumeChanges.info(name);
    }

    /** Shrinking discards what is beyond the new end (snapshots keep it). */
    public void resizeVolume(final String name, final long sizeBytes) {
        volumeChanges.resize(name, sizeBytes);
    }

    /** Deletes the volume and all its snapshots; the space follows in the background. */
    public void deleteVolume(final String name) {
        volumeDeletion.delete(name);
        pace.hurry();
    }

    // ---- snapshots

    /**
     * Takes one snapshot of each volume named, all in the same instant, of all that was acknowledged before.
     *
     * @param name   or null: the time, {@code 2026-11-23T10-05-00} and a suffix where that exists
     */
    public List<Snapshot> createSnapshots(
            final List<String> volumes, final String name, final Map<String, String> labels) {
        return snapshotChanges.create(volumes, name, labels);
    }

    /** Oldest first. Those being deleted are not among them. */
    public List<Snapshot> snapshots(final String volume) {
        return lookup.all(volume);
    }

    /** The snapshot that a spec stands for; a spec that names a head is an {@link IllegalArgumentException}. */
    public Snapshot snapshot(final Spec spec) {
        return lookup.one(spec);
    }

    /** All snapshots that a spec stands for: one, or a range, oldest first. */
    public List<Snapshot> snapshots(final Spec spec) {
        return lookup.each(spec);
    }

    /** All or none: one that is held or in use fails the call. Gone at once for users; the space follows. */
    public void deleteSnapshots(final Collection<Snapshot> snapshots) {
        deletion.delete(snapshots);
        pace.hurry();
    }

    /** As {@link #deleteSnapshots}, but nobody waits for the space: it comes back with that of others, in batches. */
    public void thinSnapshots(final Collection<Snapshot> snapshots) {
        deletion.delete(snapshots);
    }

    /** Bytes that deleting exactly these would give back, without deleting them. */
    public long predictFreed(final Collection<Snapshot> snapshots) {
        return new FreedPrediction(volumes, lookup, figures).predict(snapshots);
    }

    /**
     * Bytes that only deleted snapshots hold, which are kept because clones stand on them. Flattening those clones gives them
     * back.
     */
    public long heldByClonesBytes() {
        return new FreedPrediction(volumes, lookup, figures).heldByClones();
    }

    public void hold(final Snapshot snapshot, final String tag) {
        snapshotChanges.hold(snapshot, tag);
    }

    public void release(final Snapshot snapshot, final String tag) {
        snapshotChanges.release(snapshot, tag);
    }

    public void rename(final Snapshot snapshot, final String name) {
        snapshotChanges.rename(snapshot, name);
    }

    /** Receives where two points of history may differ: ranges of bytes, ascending, apart from each other. */
    @FunctionalInterface
    public interface ChangeVisitor {
        /** False ends the visit. */
        boolean range(long offset, long length);
    }

    /**
     * Visits the ranges outside of which two snapshots, or a snapshot and a head, are equal. Costs what was written between
     * them. Ranges may be too wide and may hold equal bytes; they end at the size of the larger one.
     *
     * @return false when nothing is known, because the two have no common ancestor; then everything may differ
     */
    public boolean changes(final Spec one, final Spec other, final ChangeVisitor visitor) {
        final ReadPoint first = lookup.point(one);
        final ReadPoint second = lookup.point(other);
        final long sizeBytes = Math.max(lookup.sizeOf(one), lookup.sizeOf(other));
        return new Changes(volumes).visit(first.lineage(), second.lineage(), sizeBytes, visitor);
    }

    /**
     * Of a store opened read-only: moves to the newest generation of the writer. Returns true when there was a newer one.
     */
    public boolean refresh() {
        return volumes.refresh();
    }

    // ---- branches

    /** A new volume that begins as the snapshot and shares its chunks: O(1). */
    public VolumeInfo cloneVolume(final Spec snapshot, final String name) {
        return branchChanges.cloneVolume(snapshot, name);
    }

    /**
     * The volume takes the content and size of one of its snapshots: O(1). All its snapshots stay. Returns the one taken
     * of what it was before, so that this can be undone.
     */
    public Snapshot rollback(final Spec snapshot) {
        return branchChanges.rollback(snapshot);
    }

    /** Copies what the volume still shares with its origin, so that it has none. Returns when that is done. */
    public void flatten(final String volume) {
        inheritance.flatten(volume);
    }

    // ---- policies: one short text a volume, meaningful to whoever sets it

    public Optional<String> policy(final String volume) {
        return attributes.policy(volume).map(text -> new String(text, UTF_8));
    }

    /** @param policy at most 1,000 bytes in UTF-8; null clears it */
    public void setPolicy(final String volume, final String policy) {
        attributes.setPolicy(volume, policy == null ? null : policy.getBytes(UTF_8));
    }

    // ---- attributes: small named values that others keep with a volume

    public Optional<byte[]> attribute(final String volume, final String key) {
        return attributes.attribute(volume, key);
    }

    /** @param value at most 64 KiB; null removes the attribute */
    public void setAttribute(final String volume, final String key, final byte[] value) {
        attributes.setAttribute(volume, key, value);
    }

    // ---- a full store

    public StorePolicy storePolicy() {
        return volumes.storePolicy();
    }

    public void setStorePolicy(final StorePolicy policy) {
        volumes.setStorePolicy(policy);
    }

    /** From now on requests may wait for room, because {@link #waitingStep()} is called again and again. */
    public void letWritesWait() {
        volumes.waiting().open();
    }

    /** Requests that wait for room. */
    public int waitingWrites() {
        return volumes.waiting().count();
    }

    /** Lets those that wait go on, as far as there is room. */
    public void waitingStep() {
        volumes.waiting().step();
    }

    /** Those that wait fail, and nobody waits any more. */
    public void endWaiting() {
        volumes.waiting().close();
    }

    /** With {@link WhenFull#EXPIRE}: whoever expires snapshots has none left that may go, or has some again. */
    public void expiryExhausted(final boolean exhausted) {
        expiryExhausted = exhausted;
    }

    private boolean roomComing() {
        return reclaimer.mayFree() || !expiryExhausted && storePolicy().whenFull() == WhenFull.EXPIRE;
    }

    /** Bytes that can be written before the store is full. */
    public long freeBytes() {
        return volumes.store().freeBlocks() * VolumeData.CHUNK_LENGTH;
    }

    // ---- background deletion

    /** One bounded step, milliseconds long. False when there is nothing to do. */
    public boolean reclaimStep() {
        return reclaimStep(Reclaimer.ENTRIES_PER_STEP);
    }

    /** @param entriesMax how many entries to visit at most */
    boolean reclaimStep(final int entriesMax) {
        return reclaimStep(entriesMax, Integer.MAX_VALUE);
    }

    /** See {@link Reclaimer#step}. */
    private synchronized boolean reclaimStep(final int entriesMax, final int nodesMax) {
        if (volumes.readOnly()) {
            return false;
        }
        // Now and then the others first: a long deletion does not keep short work waiting.
        final boolean others = (++turn & 3) == 0 && othersStep();
        final boolean worked = others || reclaimer.step(entriesMax, nodesMax) || othersStep();
        volumes.store().relieve();
        return worked;
    }

    /** Only what does not free the space of snapshots, such as flattening. */
    private synchronized boolean othersStep() {
        if (volumes.readOnly()) {
            return false;
        }
        try {
            return housekeeping.step() || inheritance.step() || drain.step();
        } catch (final NoSpaceException ex) {
            return false; // A flatten copies, and has to wait for room. What makes room goes on.
        }
    }

    /** For a thread of the background: a step when one is due. Returns how long to pause, in milliseconds. */
    public long reclaimAtPace() {
        final long pauseMillis = pace.step();
        volumes.waiting().step();
        return pauseMillis;
    }

    /** One bounded step of emptying segments when free ones run low. False when there is nothing to do. */
    public boolean cleanStep() {
        return !volumes.readOnly() && cleaner.step();
    }

    /**
     * Puts one window of a head in order that was read in a long stretch and found scattered. False when none is waiting. On
     * the thread that calls {@link #cleanStep}.
     */
    public boolean defragmentStep() {
        return !volumes.readOnly() && defragmenter.step();
    }

    /** Drains some of the recent history, as {@link #reclaimStep} does once it is worth it. False when all of it is drained. */
    public synchronized boolean drainStep() {
        if (volumes.readOnly()) {
            return false;
        }
        drain.begin();
        return drain.step() && drain.passing();
    }

    /** Bytes that cleaning and defragmenting have moved since the store was opened. */
    public long movedBytes() {
        return mover.movedBytes();
    }

    /** For a thread of the background. Returns how long to pause, in milliseconds. */
    public long cleanAtPace() {
        return cleanerPace.step();
    }

    public ReclaimStatus reclaimStatus() {
        return pace.status();
    }

    /** Bytes that deletions so far are expected to give back yet. */
    public long pendingBytes() {
        return Math.max(0, reclaimer.pendingChunks()) * VolumeData.CHUNK_LENGTH;
    }

    @Override
    public void close() {
        volumes.waiting().close();
        volumes.store().close();
    }
}
