package io.icecore.recovery.point;

import io.icecore.volume.Snapshot;
import io.icecore.volume.TimeSpan;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which snapshots of a volume a policy keeps at a given time, and why: a pure function, the same for the timer, for a
 * preview and for tests.
 *
 * <p>Rules:
 * <ul>
 *   <li>P1. Only snapshots with the rolling label and without holds are ever dropped.</li>
 *   <li>P2. A step with spacing keeps the first snapshot of each span. Spans are aligned to the epoch (UTC), so the
 *       choice does not depend on when the plan is made.</li>
 *   <li>P3. A coarser step chooses among those that every finer step chose, also where one spacing is no multiple of the
 *       other. Hence a snapshot kept now would have been kept at any earlier time: thinning step by step leaves what
 *       thinning once would, and a clock that is set back drops nothing that was still wanted.</li>
 *   <li>P4. The newest {@code keepLast} rolling snapshots stay whatever their age, and the newest one always.</li>
 *   <li>P5. A snapshot dated in the future stays: the clock was set back, and its age is not known.</li>
 * </ul>
 *
 * <p>Order is that of taking, not of the clock: "first" and "newest" hold when the clock was changed in between.
 *
 * @param decisions one for each snapshot, in the order given
 */
public record RetentionPlan(List<Decision> decisions) {
    /** @param why for people: {@code first of its hour until 7d} */
    public record Decision(Snapshot snapshot, boolean kept, String why) {}

    public RetentionPlan {
        decisions = List.copyOf(decisions);
    }

    /** @param snapshots all of one volume, oldest first, as the catalogue lists them */
    public static RetentionPlan of(final RollingPolicy policy, final List<Snapshot> snapshots, final Instant now) {
        final Spans spans = new Spans(policy.keep());
        final Decision[] decisions = new Decision[snapshots.size()];
        final int[] stepsChoosing = new int[snapshots.size()];
        for (int i = 0; i < stepsChoosing.length; i++) {
            // Held ones count as first of their span too: released, they take their place again.
            stepsChoosing[i] = snapshots.get(i).rolling() ? spans.stepsThatChoose(snapshots.get(i)) : 0;
        }
        int rank = 0; // Of rolling snapshots, from the newest.
        for (int i = stepsChoosing.length - 1; i >= 0; i--) {
            final Snapshot snapshot = snapshots.get(i);
            rank += snapshot.rolling() ? 1 : 0;
            decisions[i] = decide(policy, snapshot, now, stepsChoosing[i], rank);
        }
        return new RetentionPlan(List.of(decisions));
    }

    /** Oldest first. */
    public List<Snapshot> dropped() {
        return decisions.stream()
                .filter(decision -> !decision.kept())
                .map(Decision::snapshot)
                .toList();
    }

    /** Oldest first. */
    public List<Snapshot> kept() {
        return decisions.stream().filter(Decision::kept).map(Decision::snapshot).toList();
    }

    private static Decision decide(
            final RollingPolicy policy,
            final Snapshot snapshot,
            final Instant now,
            final int stepsChoosing,
            final int rank) {
        if (!snapshot.rolling()) {
            return new Decision(snapshot, true, "named by a person");
        }
        if (!snapshot.holds().isEmpty()) {
            final List<String> holds = new ArrayList<>(snapshot.holds());
            holds.sort(null);
            return new Decision(snapshot, true, "held: " + String.join(", ", holds));
        }
        final Decision byAge = decideByAge(policy, snapshot, now, stepsChoosing);
        if (byAge.kept() || rank > Math.max(1, policy.keepLast())) {
            return byAge;
        }
        return new Decision(
                snapshot, true, policy.keepLast() <= 1 ? "the newest" : "one of the newest " + policy.keepLast());
    }

    private static Decision decideByAge(
            final RollingPolicy policy, final Snapshot snapshot, final Instant now, final int stepsChoosing) {
        if (snapshot.created().isAfter(now)) {
            return new Decision(snapshot, true, "dated in the future: the clock was set back");
        }
        final Duration age = Duration.between(snapshot.created(), now);
        for (int i = 0; i < policy.keep().size(); i++) {
            final KeepStep step = policy.keep().get(i);
            if (age.compareTo(step.window()) <= 0) {
                return decideByStep(snapshot, step, i < stepsChoosing);
            }
        }
        if (policy.keep().isEmpty()) {
            return new Decision(snapshot, false, "not one of the newest " + policy.keepLast());
        }
        final KeepStep last = policy.keep().get(policy.keep().size() - 1);
        return new Decision(snapshot, false, "older than " + last.windowText());
    }

    private static Decision decideByStep(final Snapshot snapshot, final KeepStep step, final boolean first) {
        final String window = step.windowText();
        if (step.spacing().isEmpty()) {
            return new Decision(snapshot, true, "within " + window + ": all kept");
        }
        final String span = spanName(step.spacing().get());
        return new Decision(
                snapshot, first, (first ? "first of its " : "not the first of its ") + span + " until " + window);
    }

    private static String spanName(final Duration spacing) {
        final String text = TimeSpan.format(spacing);
        return switch (text) {
            case "1s" -> "second";
            case "1m" -> "minute";
            case "1h" -> "hour";
            case "1d" -> "day";
            case "7d" -> "week";
            case "1y" -> "year";
            default -> text;
        };
    }

    /** The spans of each step, and which of them have their first snapshot already. */
    private static final class Spans {
        private final List<KeepStep> steps;
        private final List<Set<Long>> taken = new ArrayList<>();

        Spans(final List<KeepStep> steps) {
            this.steps = steps;
            steps.forEach(step -> taken.add(new HashSet<>()));
        }

        /** The snapshot is chosen by this many steps, from the finest; an "all" step counts. To be asked oldest first. */
        int stepsThatChoose(final Snapshot snapshot) {
            final long second = snapshot.created().getEpochSecond();
            for (int i = 0; i < steps.size(); i++) {
                final Optional<Duration> spacing = steps.get(i).spacing();
                if (spacing.isPresent()
                        && !taken.get(i).add(Math.floorDiv(second, spacing.get().getSeconds()))) {
                    return i; // P3: takes no place in the coarser ones.
                }
            }
            return steps.size();
        }
    }
}
