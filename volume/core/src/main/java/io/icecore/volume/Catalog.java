package io.icecore.volume;

import io.icecore.store.Store;
import java.time.Clock;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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
    private final Store store;

    private Catalog(final Store store) {
        this.store = store;
    }

    /** Takes over the store: closing the catalogue closes it. */
    public static Catalog open(final Store store, final Clock clock) {
        return new Catalog(store);
    }

    public Store store() {
        return store;
    }

    public ExportTable exports() {
        throw new UnsupportedOperationException();
    }

    // ---- volumes

    /** @param sizeBytes a positive multiple of 4096, at most 2^58 */
    public VolumeInfo createVolume(final String name, final long sizeBytes) {
        throw new UnsupportedOperationException();
    }

    /** In the order of their names. */
    public List<VolumeInfo> volumes() {
        throw new UnsupportedOperationException();
    }

    public VolumeInfo volume(final String name) {
        throw new UnsupportedOperationException();
    }

    /** Shrinking discards what is beyond the new end (snapshots keep it). */
    public void resizeVolume(final String name, final long sizeBytes) {
        throw new UnsupportedOperationException();
    }

    /** Deletes the volume and all its snapshots; the space follows in the background. */
    public void deleteVolume(final String name) {
        throw new UnsupportedOperationException();
    }

    // ---- snapshots

    /**
     * Takes one snapshot of each volume named, all in the same instant, of all that was acknowledged before.
     *
     * @param name   or null: the time, {@code 2026-11-23T10-05-00} and a suffix where that exists
     */
    public List<Snapshot> createSnapshots(
            final List<String> volumes, final String name, final Map<String, String> labels) {
        throw new UnsupportedOperationException();
    }

    /** Oldest first. Those being deleted are not among them. */
    public List<Snapshot> snapshots(final String volume) {
        throw new UnsupportedOperationException();
    }

    /** The snapshot that a spec stands for; a spec that names a head is an {@link IllegalArgumentException}. */
    public Snapshot snapshot(final Spec spec) {
        throw new UnsupportedOperationException();
    }

    /** All snapshots that a spec stands for: one, or a range, oldest first. */
    public List<Snapshot> snapshots(final Spec spec) {
        throw new UnsupportedOperationException();
    }

    /** All or none: one that is held or in use fails the call. Gone at once for users; the space follows. */
    public void deleteSnapshots(final Collection<Snapshot> snapshots) {
        throw new UnsupportedOperationException();
    }

    /** Bytes that deleting exactly these would give back, without deleting them. */
    public long predictFreed(final Collection<Snapshot> snapshots) {
        throw new UnsupportedOperationException();
    }

    public void hold(final Snapshot snapshot, final String tag) {
        throw new UnsupportedOperationException();
    }

    public void release(final Snapshot snapshot, final String tag) {
        throw new UnsupportedOperationException();
    }

    public void rename(final Snapshot snapshot, final String name) {
        throw new UnsupportedOperationException();
    }

    // ---- policies: one short text a volume, meaningful to whoever sets it

    public Optional<String> policy(final String volume) {
        throw new UnsupportedOperationException();
    }

    /** @param policy at most 1,000 bytes in UTF-8; null clears it */
    public void setPolicy(final String volume, final String policy) {
        throw new UnsupportedOperationException();
    }

    // ---- background deletion

    /** One bounded step, milliseconds long. False when there is nothing to do. */
    public boolean reclaimStep() {
        throw new UnsupportedOperationException();
    }

    public ReclaimStatus reclaimStatus() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {
        store.close();
    }
}
