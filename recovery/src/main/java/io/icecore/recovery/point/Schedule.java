package io.icecore.recovery.point;

import io.icecore.volume.Snapshot;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * One volume's rolling snapshots as the timer has them in memory. Nothing here needs saving: the policy's text and the
 * time of the newest rolling snapshot give the same schedule again after a restart.
 */
final class Schedule {
    /**
     * Thinning reads the whole list of snapshots, so with very many of them it waits for a few to gather: one in this
     * number. Up to here every snapshot taken is followed by thinning; a list of 86,400 may be 0.1 % too long.
     */
    private static final int SNAPSHOTS_PER_SLACK = 1000;

    private final String volume;
    private final String policyText;
    private final RollingPolicy policy;
    private final DueTime dueTime;
    private final Trouble taking;
    private final Trouble thinning;
    private final Set<String> inUse = new HashSet<>();

    private Instant lastTaken;
    private int snapshotCount;
    private int takenSinceThinning;
    private boolean toThin;

    private Schedule(
            final String volume,
            final String policyText,
            final RollingPolicy policy,
            final DueTime dueTime,
            final Trouble taking) {
        this.volume = volume;
        this.policyText = policyText;
        this.policy = policy;
        this.dueTime = dueTime;
        this.taking = taking;
        this.thinning = new Trouble("thin", volume);
    }

    /** Of a volume whose policy or snapshots cannot be read: takes nothing, and follows no text, so that it is read again. */
    static Schedule unreadable(final String volume, final RuntimeException ex) {
        final Trouble taking = new Trouble("take", volume);
        taking.failed(ex);
        return new Schedule(volume, "", null, null, taking);
    }

    /**
     * @param taking of this volume so far, so that a failure already reported is not reported again
     */
    static Schedule of(
            final String volume,
            final String policyText,
            final List<Snapshot> snapshots,
            final Instant now,
            final Trouble taking) {
        final RollingPolicy policy;
        try {
            policy = RollingPolicy.decode(policyText);
        } catch (final IllegalArgumentException ex) {
            taking.failed(ex);
            return new Schedule(volume, policyText, null, null, taking);
        }
        Instant newest = null;
        for (int i = snapshots.size() - 1; i >= 0 && newest == null; i--) {
            newest = snapshots.get(i).rolling() ? snapshots.get(i).created() : null;
        }
        final Schedule schedule = new Schedule(
                volume,
                policyText,
                policy,
                newest == null ? DueTime.atOnce(policy.every(), now) : DueTime.after(policy.every(), newest),
                taking);
        taking.worked(); // What was wrong, an unreadable policy perhaps, is so no longer; a take that fails says so
        // again.
        schedule.lastTaken = newest;
        schedule.snapshotCount = snapshots.size();
        return schedule;
    }

    String volume() {
        return volume;
    }

    Trouble taking() {
        return taking;
    }

    Trouble thinning() {
        return thinning;
    }

    boolean follows(final String text) {
        return policyText.equals(text);
    }

    boolean due(final Instant now) {
        return policy != null && dueTime.reached(now);
    }

    void taken(final Snapshot snapshot, final Instant now) {
        lastTaken = snapshot.created();
        // The snapshot's own time, as after a restart; never before now, or it would be due again at once.
        dueTime.settle(lastTaken.isAfter(now) ? lastTaken : now);
        snapshotCount++;
        takenSinceThinning++;
        taking.worked();
        if (takenSinceThinning > snapshotCount / SNAPSHOTS_PER_SLACK) {
            thinSoon();
        }
    }

    void notTaken(final RuntimeException ex, final Instant now) {
        dueTime.settle(now);
        taking.failed(ex);
    }

    void thinSoon() {
        toThin = true;
        inUse.clear(); // In use the last time; perhaps no longer.
    }

    boolean toThin() {
        return toThin;
    }

    /** What is to go at {@code now}, oldest first, without those found in use since {@link #thinSoon()}. */
    List<Snapshot> toDrop(final List<Snapshot> snapshots, final Instant now) {
        snapshotCount = snapshots.size();
        final List<Snapshot> drop =
                new ArrayList<>(RetentionPlan.of(policy, snapshots, now).dropped());
        drop.removeIf(snapshot -> inUse.contains(snapshot.spec()));
        return drop;
    }

    /** The newest snapshots that stay whatever happens; -1 when that is not known. */
    int keepLast() {
        return policy == null ? -1 : policy.keepLast();
    }

    List<Snapshot> withoutThoseInUse(final List<Snapshot> snapshots) {
        return snapshots.stream()
                .filter(snapshot -> !inUse.contains(snapshot.spec()))
                .toList();
    }

    void skip(final Snapshot snapshot) {
        inUse.add(snapshot.spec());
    }

    void thinned() {
        toThin = false;
        takenSinceThinning = 0;
    }

    RollingStatus status() {
        final String error = taking.message() != null ? taking.message() : thinning.message();
        return policy == null
                ? new RollingStatus(volume, null, lastTaken, null, error)
                : new RollingStatus(volume, policy.every(), lastTaken, dueTime.next(), error);
    }
}
