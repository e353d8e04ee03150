package io.icecore.cli.daemon;

import io.icecore.cli.daemon.SimulatedVolumes.Kept;
import io.icecore.store.device.NoSpaceException;
import io.icecore.volume.BusyException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * What was done to the store, and how much of it is durable: all that was done before the newest commit that somebody was told
 * of. What was done since is remembered deed by deed, because a crash keeps some first part of it.
 */
final class SimulatedDeeds {
    private static final int REMEMBERED_MAX = 4000;

    private final SimulatedWorld world;
    private Runnable roomMaker;

    private SimulatedVolumes durable = new SimulatedVolumes();
    private final List<Consumer<SimulatedVolumes>> since = new ArrayList<>();

    /** What is durable, with all that was done since. */
    private SimulatedVolumes now = new SimulatedVolumes();

    /** What the operation under way does: a crash may leave it done or not. */
    private Consumer<SimulatedVolumes> underWay;

    private long acknowledged;

    /** Every content that a snapshot of this name had, for readers that see an older generation. */
    private final Map<String, List<long[]>> taken = new TreeMap<>();

    SimulatedDeeds(final SimulatedWorld world) {
        this.world = world;
    }

    /** What is done when the store is full. */
    void whenFull(final Runnable makeRoom) {
        roomMaker = makeRoom;
    }

    SimulatedVolumes now() {
        return now;
    }

    String someVolume() {
        return world.oneOf(List.copyOf(now.names()));
    }

    // ---- doing

    /** Does something that no client sees. */
    void perform(final String what, final Runnable action) {
        perform(what, null, false, action);
    }

    /** Does something that no client sees; all that was done is durable when it returns. */
    void commit(final String what, final Runnable action) {
        perform(what, null, true, action);
    }

    /** Does something; it and all that was done before is durable when it returns. */
    void commit(final String what, final Consumer<SimulatedVolumes> effect, final Runnable action) {
        perform(what, effect, true, action);
    }

    /**
     * Does something. When the store is full it is left undone, and room is made.
     *
     * @param commits whether all that was done is durable when it returns
     */
    void perform(
            final String what, final Consumer<SimulatedVolumes> effect, final boolean commits, final Runnable action) {
        final Consumer<SimulatedVolumes> outer = underWay; // Waits for room, and is not done before this is.
        underWay = effect;
        try {
            action.run();
        } catch (final NoSpaceException full) {
            if (world.faulty()) {
                throw full; // From the file system below, and perhaps in the midst of a commit.
            }
            world.see("no space: " + now.whenFull.word());
            underWay = outer;
            roomMaker.run();
            return;
        } catch (final BusyException ex) {
            underWay = outer;
            throw ex;
        }
        world.see(what);
        settle(commits);
        if (effect != null) {
            effect.accept(now);
            if (commits) {
                effect.accept(durable);
            } else {
                since.add(effect);
            }
        }
        underWay = outer;
    }

    /** If there was a commit, what was done before it is durable. */
    void settle() {
        settle(false);
    }

    private void settle(final boolean commits) {
        final long generation = world.store().info().generation();
        if (commits || generation > acknowledged) {
            since.forEach(effect -> effect.accept(durable));
            since.clear();
        }
        acknowledged = generation;
    }

    // ---- what the timer did

    /** The timer took a snapshot of what the volume holds now, and has committed it. */
    void learnTaken(final String volume, final String snapshot) {
        now.volume(volume).take(snapshot, true);
        durable.volume(volume)
                .snapshots
                .put(snapshot, now.volume(volume).snapshots.get(snapshot));
        remember(volume, snapshot);
    }

    /** The timer deleted a snapshot, and has committed that. */
    void learnGone(final String volume, final String snapshot) {
        now.volume(volume).snapshots.remove(snapshot);
        durable.volume(volume).snapshots.remove(snapshot);
    }

    // ---- after a crash

    /** How many deeds a crash may leave done or not. */
    int uncertain() {
        return since.size() + (underWay == null ? 0 : 1);
    }

    /** What there is after so many of the uncertain ones, as a copy. */
    SimulatedVolumes after(final int deeds) {
        final SimulatedVolumes moment = durable.copy();
        since.subList(0, Math.min(deeds, since.size())).forEach(effect -> effect.accept(moment));
        if (deeds > since.size()) {
            underWay.accept(moment);
        }
        return moment;
    }

    /** The store is known to stand at this moment, which is durable. */
    void standAt(final SimulatedVolumes moment) {
        now = moment;
        durable = moment.copy();
        since.clear();
        underWay = null;
        acknowledged = world.store().info().generation();
        now.snapshots().forEach((spec, kept) -> {
            if (!taken.containsKey(spec)) {
                remember(spec, kept);
            }
        });
    }

    // ---- snapshots as they were taken

    /** The snapshot was taken just now, unless there was no room for it. */
    void remember(final String volume, final String snapshot) {
        final String spec = volume + "@" + snapshot;
        final Kept kept = now.snapshots().get(spec);
        if (kept != null) {
            remember(spec, kept);
        }
    }

    private void remember(final String spec, final Kept kept) {
        taken.computeIfAbsent(spec, same -> new ArrayList<>()).add(kept.chunks());
    }

    /** Every content that a snapshot of this name had; null when nobody has been told of one. */
    List<long[]> contents(final String spec) {
        return taken.get(spec);
    }

    boolean remembersMany() {
        return taken.size() > REMEMBERED_MAX;
    }

    /** Forgets the snapshots that are neither there now nor among these. */
    void forgetAllBut(final Set<String> visible) {
        final Set<String> kept = new HashSet<>(visible);
        kept.addAll(now.snapshots().keySet());
        taken.keySet().retainAll(kept);
    }
}
