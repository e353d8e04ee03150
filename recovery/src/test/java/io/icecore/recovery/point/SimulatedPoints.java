package io.icecore.recovery.point;

import io.icecore.store.device.NoSpaceException;
import io.icecore.volume.BusyException;
import io.icecore.volume.NoSuchException;
import io.icecore.volume.Snapshot;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** The catalogue's promises in memory, on a clock that the test sets, with the failures that the test wants. */
final class SimulatedPoints implements RecoveryPoints {
    Instant now = Instant.parse("2026-11-23T10:02:13Z");

    final Map<String, List<Snapshot>> snapshots = new TreeMap<>();
    final Map<String, String> policies = new HashMap<>();
    final Set<String> inUse = new HashSet<>();

    /** What taking a snapshot of this volume fails with. */
    final Map<String, RuntimeException> failing = new LinkedHashMap<>();

    RuntimeException readingFails;
    RuntimeException deletingFails;
    int reads;
    int lists;

    /** Volumes of each commit that took snapshots. */
    final List<List<String>> commits = new ArrayList<>();

    /** Sizes of each batch that was deleted. */
    final List<Integer> deletions = new ArrayList<>();

    long missingBytes;
    boolean exhausted;
    private long epoch;

    SimulatedPoints with(final String volume, final String every, final String keep, final int keepLast) {
        snapshots.putIfAbsent(volume, new ArrayList<>());
        policies.put(volume, RollingPolicy.parse(every, keep, keepLast).encode());
        return this;
    }

    Snapshot add(final Snapshot snapshot) {
        snapshots
                .computeIfAbsent(snapshot.volume(), volume -> new ArrayList<>())
                .add(snapshot);
        epoch = Math.max(epoch, snapshot.epoch());
        return snapshot;
    }

    void fillUp() {
        snapshots.keySet().forEach(volume -> failing.put(volume, new NoSpaceException("store: full: test")));
    }

    List<Instant> times(final String volume) {
        return snapshots.get(volume).stream().map(Snapshot::created).toList();
    }

    @Override
    public List<String> volumes() {
        reads++;
        if (readingFails != null) {
            throw readingFails;
        }
        return List.copyOf(snapshots.keySet());
    }

    @Override
    public Optional<String> policy(final String volume) {
        requireVolume(volume);
        return Optional.ofNullable(policies.get(volume));
    }

    @Override
    public List<Snapshot> snapshots(final String volume) {
        requireVolume(volume);
        lists++;
        return List.copyOf(snapshots.get(volume));
    }

    @Override
    public List<Snapshot> take(final List<String> volumes) {
        volumes.forEach(this::requireVolume);
        for (final String volume : volumes) {
            if (failing.containsKey(volume)) {
                throw failing.get(volume);
            }
        }
        commits.add(volumes);
        final List<Snapshot> taken = new ArrayList<>();
        volumes.forEach(volume -> taken.add(add(Snapshots.rolling(volume, ++epoch, now))));
        return taken;
    }

    @Override
    public void delete(final Collection<Snapshot> doomed) {
        if (deletingFails != null) {
            throw deletingFails;
        }
        for (final Snapshot snapshot : doomed) {
            if (!snapshots.get(snapshot.volume()).contains(snapshot)) {
                throw new NoSuchException("no such snapshot: " + snapshot.spec());
            }
            if (inUse.contains(snapshot.spec()) || !snapshot.holds().isEmpty()) {
                throw new BusyException("snapshot in use: " + snapshot.spec());
            }
        }
        doomed.forEach(snapshot -> snapshots.get(snapshot.volume()).remove(snapshot));
        deletions.add(doomed.size());
    }

    @Override
    public long missingBytes() {
        return missingBytes;
    }

    @Override
    public void expiryExhausted(final boolean exhausted) {
        this.exhausted = exhausted;
    }

    private void requireVolume(final String volume) {
        if (!snapshots.containsKey(volume)) {
            throw new NoSuchException("no such volume: " + volume);
        }
    }
}
