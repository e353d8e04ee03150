package io.icecore.volume;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.StoreException;
import io.icecore.store.sim.PowerLoss;
import io.icecore.store.sim.SimBlockDevice;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;

/** Runs a workload on volumes and crashes it at each of its device operations, several times each, to see what opens. */
final class SnapshotCrashSearch {
    private static final long DEVICE_BYTES = 16L << 20;
    private static final int OPERATIONS_AFTER = 60;
    private static final int STEPS_AFTER = 8;

    /** Wraps the device that the store writes to, for mutants. Opening after a crash has the plain device. */
    Function<BlockDevice, BlockDevice> deviceOf = device -> device;

    /** Crash states checked so far. */
    long states;

    /** When to stop, in nanoseconds; checked at every crash point. */
    long deadline = Long.MAX_VALUE;

    /** How often each kind of operation and of commit was met: what is not among them was not tested. */
    final Map<String, Long> seen = new TreeMap<>();

    /** How many crashes fell into each kind of operation. */
    final Map<String, Long> crashes = new TreeMap<>();

    private long onlyPoint = -1;
    private long onlyOutcome = -1;
    private long point;
    private CrashVolumes workload;
    private CrashVolumes last;

    void only(final long replayedPoint, final long replayedOutcome) {
        onlyPoint = replayedPoint;
        onlyOutcome = replayedOutcome;
    }

    /** A named workload: its steps, and its seed, decide everything. */
    void run(final String name, final long seed, final int outcomes, final Consumer<CrashVolumes> steps) {
        point = 0;
        workload = CrashVolumes.format(DEVICE_BYTES, seed);
        workload.store.deviceOf = deviceOf;
        workload.store.seen = seen;
        workload.store.onOperation = () -> crash(name, seed, outcomes);
        try {
            workload.open();
            steps.accept(workload);
            workload.finish();
            workload.reopen();
        } catch (final CrashFailure ex) {
            throw ex;
        } catch (final RuntimeException | AssertionError ex) {
            throw new CrashFailure(replay(name, seed, -1, -1), "no crash, after " + workload.store.operation(), ex);
        }
    }

    /** Names the crash that replays it. */
    private static final class CrashFailure extends AssertionError {
        private static final long serialVersionUID = 1L;

        CrashFailure(final String replay, final String where, final Throwable cause) {
            super(cause.getMessage() + "\n  crash in: " + where + "\n  replay: " + replay, cause);
        }
    }

    private static String replay(final String name, final long seed, final long point, final long outcome) {
        return "-Dtest=SnapshotCrashTest#replay -Dexcluded.tags= -Dsnapshot.workload=" + name + " -Dsnapshot.seed="
                + seed + " -Dsnapshot.point=" + point + " -Dsnapshot.outcome=" + outcome;
    }

    private void crash(final String name, final long seed, final int outcomes) {
        final long here = point++;
        if (onlyPoint >= 0 && here != onlyPoint || System.nanoTime() > deadline) {
            return;
        }
        if (onlyOutcome >= 0) {
            crashOnce(name, seed, here, onlyOutcome);
            return;
        }
        final SplittableRandom random = new SplittableRandom(seed * 31 + here);
        for (int outcome = 0; outcome < outcomes; outcome++) {
            crashOnce(name, seed, here, random.nextLong() >>> 1);
        }
    }

    private void crashOnce(final String name, final long seed, final long here, final long outcome) {
        final String where = workload.store.operation();
        crashes.merge(where, 1L, Long::sum);
        try {
            recover(workload, workload.store.device(), outcome, 2);
        } catch (final RuntimeException | AssertionError ex) {
            throw new CrashFailure(replay(name, seed, here, outcome), where + "\n  then: " + last.store.trace(), ex);
        }
    }

    /** Opens what a crash left, goes on for a while or to the end of all deletion, and crashes again, so many times. */
    private void recover(
            final CrashVolumes before, final SimBlockDevice crashed, final long seed, final int crashesLeft) {
        states++;
        final SplittableRandom random = new SplittableRandom(seed);
        final SimBlockDevice image = random.nextInt(8) == 0 ? crashed.kill() : crashed.powerCycle(random.nextLong());
        final boolean crashAgain = crashesLeft > 0 && random.nextInt(3) == 0;
        if (crashAgain) {
            image.losePowerAt(random.nextInt(OPERATIONS_AFTER));
        }
        final CrashVolumes next = before.after(image, random.nextLong());
        last = next;
        try {
            next.open();
            if (random.nextInt(3) == 0) {
                next.finish();
            }
            if (crashAgain || random.nextInt(3) == 0) {
                next.run(1 + random.nextInt(STEPS_AFTER));
            }
            if (random.nextInt(4) == 0) {
                next.finish();
            }
        } catch (final StoreException ex) {
            if (!PowerLoss.isCauseOf(ex)) {
                throw ex;
            }
        }
        if (crashAgain) {
            next.store.see("crashed again in: " + next.store.operation());
            recover(next, next.store.device(), random.nextLong(), crashesLeft - 1);
        }
    }
}
