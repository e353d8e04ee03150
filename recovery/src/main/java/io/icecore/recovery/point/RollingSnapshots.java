package io.icecore.recovery.point;

import static java.util.stream.Collectors.toMap;

import io.icecore.store.device.NoSpaceException;
import io.icecore.volume.BusyException;
import io.icecore.volume.Catalog;
import io.icecore.volume.NoSuchException;
import io.icecore.volume.Snapshot;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The rolling timer: takes the snapshots that the volumes' policies ask for, and drops what {@link RetentionPlan} says.
 *
 * <p>No thread and no clock of its own: whoever drives it calls {@link #tick} a few times a second and says what time it
 * is. So a simulated clock runs months of it in a moment. State is derived from the catalogue, which is read again every
 * second: a policy set or cleared by anyone takes effect within that time.
 *
 * <p>Invariants:
 * <ul>
 *   <li>T1. Volumes due in the same tick are snapshotted in one commit. Where that fails, each is tried by itself, so
 *       that no volume's failure is another's.</li>
 *   <li>T2. What failed is tried again at the next due time, not at the next tick.</li>
 *   <li>T3. While no snapshot can be taken nothing is thinned: old recovery points are not eaten while no new ones come.
 *       Except when the store is full, for then thinning is the remedy.</li>
 *   <li>T4. A tick deletes at most one batch a volume, so that a first thinning of very many holds nobody up.</li>
 *   <li>T5. In a store whose policy is to expire, the oldest go as soon as space is missing: {@link SpaceExpiry}.</li>
 * </ul>
 */
public final class RollingSnapshots {
    /** One commit marks about this many at once. */
    static final int DELETE_BATCH_MAX = 1000;

    private static final Logger LOG = LoggerFactory.getLogger(RollingSnapshots.class);

    private final RecoveryPoints points;
    private final Trouble reading = new Trouble("read policies", "all");
    private final Trouble expiring = new Trouble("expire", "all");
    private final Map<String, Schedule> schedules = new TreeMap<>();
    private final AtomicBoolean ticking = new AtomicBoolean();

    private long readSecond = Long.MIN_VALUE;
    private volatile List<RollingStatus> status = List.of();

    public RollingSnapshots(final Catalog catalog) {
        this(new CatalogPoints(catalog));
    }

    RollingSnapshots(final RecoveryPoints points) {
        this.points = points;
    }

    /**
     * Does what is due at {@code now}. Blocks for the commits it makes; returns at once when another thread is in it.
     * Failures of the catalogue are logged and kept in {@link #status()}, never thrown.
     */
    public void tick(final Instant now) {
        if (!ticking.compareAndSet(false, true)) {
            return;
        }
        try {
            readPolicies(now);
            takeDue(now);
            for (final Schedule schedule : schedules.values()) {
                thin(schedule, now);
            }
            expire();
            status = schedules.values().stream().map(Schedule::status).toList();
        } finally {
            ticking.set(false);
        }
    }

    /** Volumes with a policy, in the order of their names, as the last tick left them. From any thread. */
    public List<RollingStatus> status() {
        return status;
    }

    private void readPolicies(final Instant now) {
        if (now.getEpochSecond() == readSecond) {
            return;
        }
        readSecond = now.getEpochSecond();
        try {
            final List<String> volumes = points.volumes();
            schedules.keySet().retainAll(volumes);
            volumes.forEach(volume -> readPolicy(volume, now));
            reading.worked();
        } catch (final RuntimeException ex) {
            reading.failed(ex); // The schedules known so far go on.
        }
    }

    private void readPolicy(final String volume, final Instant now) {
        final Schedule schedule = schedules.get(volume);
        try {
            final String text = points.policy(volume).orElse(null);
            if (text == null) {
                schedules.remove(volume);
            } else if (schedule == null || !schedule.follows(text)) {
                final Trouble taking = schedule == null ? new Trouble("take", volume) : schedule.taking();
                schedules.put(volume, Schedule.of(volume, text, points.snapshots(volume), now, taking));
            }
        } catch (final NoSuchException ex) {
            schedules.remove(volume); // Deleted since the list was read.
        } catch (final RuntimeException ex) {
            if (schedule == null) {
                schedules.put(volume, Schedule.unreadable(volume, ex));
            } else {
                schedule.taking().failed(ex); // A schedule known from before goes on.
            }
        }
    }

    private void takeDue(final Instant now) {
        final List<Schedule> due = schedules.values().stream()
                .filter(schedule -> schedule.due(now))
                .toList();
        if (due.isEmpty()) {
            return;
        }
        try {
            take(due, now);
        } catch (final RuntimeException ex) {
            if (due.size() == 1) {
                notTaken(due.get(0), ex, now);
            } else {
                due.forEach(schedule -> takeAlone(schedule, now));
            }
        }
    }

    private void takeAlone(final Schedule schedule, final Instant now) {
        try {
            take(List.of(schedule), now);
        } catch (final RuntimeException ex) {
            notTaken(schedule, ex, now);
        }
    }

    private void take(final List<Schedule> due, final Instant now) {
        final Map<String, Snapshot> taken = points
                .take(due.stream().map(Schedule::volume).toList())
                .stream()
                .collect(toMap(Snapshot::volume, Function.identity()));
        due.forEach(schedule -> schedule.taken(taken.get(schedule.volume()), now));
        LOG.info("took rolling snapshots: volumes={} created={}", taken.keySet(), now);
    }

    private static void notTaken(final Schedule schedule, final RuntimeException ex, final Instant now) {
        schedule.notTaken(ex, now);
        if (ex instanceof NoSpaceException) {
            schedule.thinSoon();
        }
    }

    private void thin(final Schedule schedule, final Instant now) {
        if (!schedule.toThin()) {
            return;
        }
        try {
            final List<Snapshot> drop = schedule.toDrop(points.snapshots(schedule.volume()), now);
            final List<Snapshot> batch = drop.subList(0, Math.min(drop.size(), DELETE_BATCH_MAX));
            if (!batch.isEmpty()) {
                final int deleted = delete(schedule, batch);
                LOG.info("thinned rolling snapshots: volume={} deleted={}", schedule.volume(), deleted);
            }
            if (batch.size() == drop.size()) {
                schedule.thinned();
            }
            schedule.thinning().worked();
        } catch (final RuntimeException ex) {
            schedule.thinning().failed(ex);
            schedule.thinned();
        }
    }

    private void expire() {
        try {
            final long missing = points.missingBytes();
            if (missing == 0) {
                points.expiryExhausted(false);
                expiring.worked();
                return;
            }
            final Map<String, List<Snapshot>> snapshots = new TreeMap<>();
            final Map<String, Integer> keepLast = new TreeMap<>();
            for (final Schedule schedule : schedules.values()) {
                if (schedule.keepLast() >= 0) {
                    snapshots.put(schedule.volume(), schedule.withoutThoseInUse(points.snapshots(schedule.volume())));
                    keepLast.put(schedule.volume(), schedule.keepLast());
                }
            }
            final List<Snapshot> chosen = SpaceExpiry.choose(snapshots, keepLast, missing, DELETE_BATCH_MAX);
            int deleted = 0;
            for (final Schedule schedule : schedules.values()) {
                final List<Snapshot> own = chosen.stream()
                        .filter(snapshot -> snapshot.volume().equals(schedule.volume()))
                        .toList();
                deleted += own.isEmpty() ? 0 : delete(schedule, own);
            }
            points.expiryExhausted(chosen.isEmpty());
            if (deleted > 0) {
                LOG.warn("expired rolling snapshots to make room: deleted={} missingBytes={}", deleted, missing);
            }
            expiring.worked();
        } catch (final RuntimeException ex) {
            expiring.failed(ex);
        }
    }

    /** Deletes all but those in use, which are found by halving: a call that meets one deletes nothing. */
    private int delete(final Schedule schedule, final List<Snapshot> batch) {
        try {
            points.delete(batch);
            return batch.size();
        } catch (final BusyException | NoSuchException ex) {
            if (batch.size() == 1) {
                schedule.skip(batch.get(0));
                return 0;
            }
            final int half = batch.size() / 2;
            return delete(schedule, batch.subList(0, half)) + delete(schedule, batch.subList(half, batch.size()));
        }
    }
}
