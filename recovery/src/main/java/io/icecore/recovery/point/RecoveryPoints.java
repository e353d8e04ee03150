package io.icecore.recovery.point;

import io.icecore.volume.Snapshot;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** What the timer asks of the catalogue, with the catalogue's promises. Tests put a simulated one in its place. */
interface RecoveryPoints {
    List<String> volumes();

    Optional<String> policy(String volume);

    /** Oldest first. */
    List<Snapshot> snapshots(String volume);

    /** One rolling snapshot of each volume, all in one commit. */
    List<Snapshot> take(List<String> volumes);

    /** All or none. */
    void delete(Collection<Snapshot> snapshots);

    /** Bytes that have to come back by expiring snapshots; 0 where there is enough, or the store's policy is another. */
    long missingBytes();

    /** Whether there was nothing left to expire, though space was missing. */
    void expiryExhausted(boolean exhausted);
}
