package io.icecore.cli.daemon;

import io.icecore.cli.daemon.SimulatedVolumes.Kept;
import io.icecore.cli.daemon.SimulatedVolumes.Volume;
import io.icecore.recovery.point.RetentionPlan;
import io.icecore.recovery.point.RollingPolicy;
import io.icecore.recovery.point.RollingSnapshots;
import io.icecore.store.device.StoreException;
import io.icecore.volume.Snapshot;
import io.icecore.volume.WhenFull;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The snapshot timer. Nobody tells it what to take and what to delete: that is learned from the store afterwards. What it took
 * must hold what the volume held, and what it deleted the policy must have had no use for.
 */
final class SimulatedTimer {
    private final SimulatedWorld world;
    private final SimulatedDeeds deeds;
    private final SimulatedContents contents;
    private RollingSnapshots rolling;
    private boolean ticking;

    SimulatedTimer(final SimulatedWorld world, final SimulatedDeeds deeds, final SimulatedContents contents) {
        this.world = world;
        this.deeds = deeds;
        this.contents = contents;
    }

    /** A process has opened the store. */
    void begin() {
        rolling = new RollingSnapshots(world.catalog());
    }

    void tick() {
        final Map<String, List<Snapshot>> before = new TreeMap<>();
        deeds.now().names().forEach(volume -> before.put(volume, snapshots(volume)));
        ticking = true;
        rolling.tick(world.clock.instant());
        world.probePower();
        if (failed()) {
            world.see("timer reports an error");
            if (world.faulty()) {
                throw new StoreException("the timer met a planned failure");
            }
        }
        deeds.settle();
        before.forEach(this::learn);
        ticking = false;
    }

    private boolean failed() {
        return world.poisoned()
                || world.store().noRoomBelow() != null
                || rolling.status().stream().anyMatch(status -> status.lastError() != null);
    }

    private List<Snapshot> snapshots(final String volume) {
        return world.catalog().snapshots(volume);
    }

    /** What it took holds what the volume holds now; what it thinned the policy has no use for. */
    private void learn(final String volume, final List<Snapshot> before) {
        final List<Snapshot> after = snapshots(volume);
        final Set<String> there =
                new HashSet<>(after.stream().map(Snapshot::name).toList());
        final List<Snapshot> all = new ArrayList<>(before);
        for (final Snapshot snapshot : after) {
            if (!deeds.now().volume(volume).snapshots.containsKey(snapshot.name())) {
                all.add(snapshot);
                requireRolling(snapshot);
                contents.prove(world.catalog(), snapshot.spec(), deeds.now().volume(volume).chunks);
                deeds.learnTaken(volume, snapshot.name());
                world.see("rolling snapshot");
            }
        }
        final List<Snapshot> gone = all.stream()
                .filter(snapshot -> !there.contains(snapshot.name()))
                .toList();
        if (!gone.isEmpty()) {
            final RollingPolicy policy = RollingPolicy.decode(deeds.now().volume(volume).policy);
            final Set<Snapshot> dropped = new HashSet<>(
                    RetentionPlan.of(policy, all, world.clock.instant()).dropped());
            for (final Snapshot snapshot : gone) {
                world.see(dropped.contains(snapshot) ? "thinned" : "expired");
                if (!dropped.contains(snapshot)) {
                    requireExpendable(snapshot, policy, all.subList(all.indexOf(snapshot) + 1, all.size()), there);
                }
                deeds.learnGone(volume, snapshot.name());
            }
        }
    }

    private static void requireRolling(final Snapshot snapshot) {
        if (!snapshot.rolling()) {
            throw new AssertionError("nobody took " + snapshot.spec());
        }
    }

    /** Gone to make room: allowed by the store's policy, no hold on it, and not of the last ones that are to stay. */
    private void requireExpendable(
            final Snapshot snapshot, final RollingPolicy policy, final List<Snapshot> newer, final Set<String> there) {
        final WhenFull whenFull = deeds.now().whenFull;
        final long kept = newer.stream()
                .filter(other -> other.rolling() && there.contains(other.name()))
                .count();
        if (whenFull != WhenFull.EXPIRE
                || !snapshot.rolling()
                || !snapshot.holds().isEmpty()
                || kept < Math.max(1, policy.keepLast())) {
            throw new AssertionError("gone: " + snapshot + ", and " + kept + " newer ones stay; policy " + policy
                    + ", when full: " + whenFull.word());
        }
    }

    // ---- after a crash

    /** Whether a tick was begun that did not end. */
    boolean interrupted() {
        return ticking;
    }

    /** It may have taken its snapshots, of what the volume held, and thinned some, or not: the volume becomes what is there. */
    String learnInterrupted(final Volume volume, final Map<String, Snapshot> there) {
        for (final Snapshot snapshot : there.values()) {
            if (!volume.snapshots.containsKey(snapshot.name())) {
                if (!snapshot.rolling()) {
                    return "nobody took " + snapshot.spec();
                }
                final String difference = contents.difference(world.catalog(), snapshot.spec(), volume.chunks);
                if (difference != null) {
                    return difference;
                }
                volume.take(snapshot.name(), true);
                world.see("interrupted timer had taken");
            }
        }
        for (final String snapshot : List.copyOf(volume.snapshots.keySet())) {
            final Kept kept = volume.snapshots.get(snapshot);
            if (!there.containsKey(snapshot) && kept.rolling() && kept.holds().isEmpty()) {
                volume.snapshots.remove(snapshot);
                world.see("interrupted timer had thinned");
            }
        }
        return null;
    }

    /** What the interrupted tick did is known. */
    void learned() {
        ticking = false;
    }
}
