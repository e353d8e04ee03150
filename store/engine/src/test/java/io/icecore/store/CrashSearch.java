package io.icecore.store;

import io.icecore.store.commit.SuperblockSlots;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.Superblock;
import io.icecore.store.sim.PowerLoss;
import io.icecore.store.sim.SimBlockDevice;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.function.Predicate;

/** Runs a workload and crashes it at each of its device operations, several times each, to see what opens. */
final class CrashSearch {
    private static final int STEPS = 40;
    private static final int OPERATIONS_AFTER = 60;

    /** Wraps the device that the store writes to, for mutants. Opening after a crash has the plain device. */
    Function<BlockDevice, BlockDevice> deviceOf = device -> device;

    /** Crash states checked so far. */
    long states;

    /** How often each kind of commit was met: what is not among them was not tested. */
    final java.util.Map<String, Integer> seen = new java.util.TreeMap<>();

    private long onlyPoint = -1;
    private long onlyOutcome = -1;
    private long point;
    private CrashWorkload workload;

    void only(final long replayedPoint, final long replayedOutcome) {
        onlyPoint = replayedPoint;
        onlyOutcome = replayedOutcome;
    }

    /** The workload of this seed; the seed also decides how it begins. */
    void run(final long seed, final int outcomes) {
        final SplittableRandom random = new SplittableRandom(seed);
        point = 0;
        workload = CrashWorkload.format(16L << 20, seed, "-Dcrash.seed=" + seed);
        workload.deviceOf = deviceOf;
        workload.onOperation = () -> crash(seed, outcomes);
        workload.seen = seen;
        workload.open();
        workload.run(STEPS);
        workload.reopen();
    }

    private void crash(final long seed, final int outcomes) {
        final long here = point++;
        if (onlyPoint >= 0 && here != onlyPoint) {
            return;
        }
        if (onlyOutcome >= 0) {
            crashOnce(seed, here, onlyOutcome);
            return;
        }
        final SplittableRandom random = new SplittableRandom(seed * 31 + here);
        for (int outcome = 0; outcome < outcomes; outcome++) {
            crashOnce(seed, here, random.nextLong() >>> 1);
        }
    }

    private void crashOnce(final long seed, final long here, final long outcome) {
        final String replay = "-Dtest=CommitCrashTest#replay -Dexcluded.tags= -Dcrash.seed=" + seed + " -Dcrash.point="
                + here + " -Dcrash.outcome=" + outcome;
        try {
            recover(workload.device, workload.acknowledged, workload.inFlight, outcome, replay, 2);
        } catch (final RuntimeException | AssertionError ex) {
            throw new AssertionError(ex.getMessage() + "\n  replay: " + replay, ex);
        }
    }

    /** Opens what a crash left, goes on for a while, and crashes again, so many times. */
    private void recover(
            final SimBlockDevice crashed,
            final StoreContent acknowledged,
            final StoreContent inFlight,
            final long seed,
            final String replay,
            final int crashes) {
        states++;
        final SplittableRandom random = new SplittableRandom(seed);
        final SimBlockDevice image = random.nextInt(8) == 0 ? crashed.kill() : crashed.powerCycle(random.nextLong());
        if (random.nextInt(4) == 0) {
            loseOneCopy(image, acknowledged.generation, random);
        }
        if (crashes > 0) {
            image.losePowerAt(random.nextInt(OPERATIONS_AFTER));
        }
        final CrashWorkload next = new CrashWorkload(image, random.nextLong(), acknowledged, inFlight, replay);
        next.seen = seen;
        try {
            next.open();
            next.run(1 + random.nextInt(12));
        } catch (final StoreException ex) {
            if (!PowerLoss.isCauseOf(ex)) {
                throw ex;
            }
        }
        if (crashes > 0) {
            recover(next.device, next.acknowledged, next.inFlight, random.nextLong(), replay, crashes - 1);
        }
    }

    /** Of a commit with two good copies, one decays. */
    static void loseOneCopy(final SimBlockDevice device, final long generation, final SplittableRandom random) {
        final List<Superblock> copies = copies(device, sb -> sb.generation == generation);
        if (copies.size() == 2) {
            final long block = copies.get(random.nextInt(2)).block;
            device.flipBit(
                    block * BlockDevice.BLOCK_LENGTH + random.nextInt(BlockDevice.BLOCK_LENGTH), random.nextInt(8));
        }
    }

    static List<Superblock> copies(final SimBlockDevice device, final Predicate<Superblock> wanted) {
        return new SuperblockSlots(device, SuperblockSlots.find(device))
                .readAll(true).copies().stream().filter(wanted).toList();
    }
}
