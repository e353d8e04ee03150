package io.icecore.store;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.commit.SuperblockSlots;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.Superblock;
import io.icecore.store.sim.PowerLoss;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.sim.mutant.Probes;
import io.icecore.store.space.SlotGeometry;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Predicate;

/** Runs a workload and crashes it at each of its device operations, several times each, to see what opens. */
final class CrashSearch {
    private static final int STEPS = 40;
    private static final int OPERATIONS_AFTER = 60;
    private static final int CRASHES_AFTER = 2;

    /** Crash states checked so far, and fingerprints of those that were different. */
    private long states;

    private final Set<Long> distinct;

    /** How often each kind of event was met: what is not among them was not tested. */
    private final Map<String, Long> seen = new TreeMap<>();

    private final String variant;
    private long onlyPoint = -1;
    private long onlyOutcome = -1;
    private long point;
    private boolean traced;
    private CrashWorkload workload;

    /** @param variant property that a replay needs besides those of the crash, or empty */
    private CrashSearch(final String variant, final Set<Long> distinct) {
        this.variant = variant;
        this.distinct = distinct;
    }

    /**
     * Searches with {@code count} seeds from {@code first} on. Called through a mutant, so
     * it speaks the JDK's types only.
     *
     * @param distinct gets a fingerprint of each state of the device that was opened, all content of it
     * @return how often each event was met, by name; "states" among them
     */
    static Map<String, Long> search(
            final String variant, final long first, final long count, final int outcomes, final Set<Long> distinct) {
        final CrashSearch search = new CrashSearch(variant, distinct);
        for (long seed = first; seed < first + count; seed++) {
            search.run(seed, outcomes);
        }
        search.seen.put("states", search.states);
        search.seen.putAll(Probes.counts());
        return search.seen;
    }

    /** One crash again. Negative numbers stand for all. */
    static void replay(final String variant, final long seed, final long point, final long outcome) {
        final CrashSearch search = new CrashSearch(variant, new HashSet<>());
        search.traced = outcome >= 0;
        search.onlyPoint = point;
        search.onlyOutcome = outcome;
        search.run(seed, 1);
    }

    /** The workload of this seed; the seed also decides how it begins. */
    private void run(final long seed, final int outcomes) {
        point = 0;
        final String replay = variant + " -Dcrash.seed=" + seed;
        workload = CrashWorkload.format(CrashStart.of(seed), seed, replay);
        workload.seen = seen;
        try {
            workload.paused = true;
            workload.open();
            CrashStart.of(seed).reach(workload);
            workload.paused = false;
            workload.onOperation = () -> crash(seed, outcomes);
            workload.run(STEPS);
            workload.reopen();
        } catch (final RuntimeException ex) {
            throw new AssertionError(ex + "\n  replay: " + replay, ex);
        }
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
        final String replay = "-Dtest=CommitCrashTest#replay -Dexcluded.tags= " + variant + " -Dcrash.seed=" + seed
                + " -Dcrash.point=" + here + " -Dcrash.outcome=" + outcome;
        try {
            recover(workload.device, workload.acknowledged, workload.inFlight, outcome, replay, CRASHES_AFTER, -1);
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
            final int crashes,
            final long decayedGeneration) {
        states++;
        final SplittableRandom random = new SplittableRandom(seed);
        final boolean killed = random.nextInt(8) == 0;
        final SimBlockDevice image = killed ? crashed.kill() : crashed.powerCycle(random.nextLong());
        see(killed ? "killed" : "power lost");
        final int decay = random.nextInt(16);
        final boolean decays =
                decay < 5 && acknowledged.generation != decayedGeneration; // One copy of two, never both.
        if (decays && decay < 4) {
            loseOneCopy(image, acknowledged.generation, random);
        } else if (decays) {
            loseOneGroup(image, acknowledged.generation, random);
        }
        distinct.add(image.fingerprint());
        if (crashes > 0) {
            image.losePowerAt(random.nextInt(OPERATIONS_AFTER));
        }
        final long decayed = decays ? acknowledged.generation : decayedGeneration;
        final CrashWorkload next = new CrashWorkload(image, random.nextLong(), acknowledged, inFlight, replay);
        next.seen = seen;
        next.traced = traced;
        next.trace((killed ? "killed" : "power lost") + (decays ? ", decay " + decay : "") + ": acknowledged cut "
                + acknowledged.ordinal + ", in flight " + (inFlight == null ? "none" : inFlight.ordinal));
        try {
            next.open();
            next.run(crashes == 0 ? random.nextInt(3) : 1 + random.nextInt(12));
        } catch (final StoreException ex) {
            if (!PowerLoss.isCauseOf(ex)) {
                throw ex;
            }
            see(next.opened() ? "second crash after opening" : "second crash while opening");
        }
        if (crashes > 0) {
            recover(next.device, next.acknowledged, next.inFlight, random.nextLong(), replay, crashes - 1, decayed);
        }
    }

    private void see(final String what) {
        seen.merge(what, 1L, Long::sum);
    }

    // ---- decay: of a commit that was acknowledged, any one copy may go, or all slots of one group

    private void loseOneCopy(final SimBlockDevice device, final long generation, final SplittableRandom random) {
        final List<Superblock> copies = copies(device, sb -> sb.generation == generation);
        if (!copies.isEmpty()) {
            flip(device, copies.get(random.nextInt(copies.size())).block, random);
            see("superblock copy lost");
        }
    }

    private void loseOneGroup(final SimBlockDevice device, final long generation, final SplittableRandom random) {
        final List<Superblock> copies = copies(device, sb -> sb.generation == generation);
        if (!copies.isEmpty()) {
            final long first = copies.get(random.nextInt(copies.size())).block
                    / SlotGeometry.GROUP_SLOTS
                    * SlotGeometry.GROUP_SLOTS;
            for (long block = first; block < first + SlotGeometry.GROUP_SLOTS; block++) {
                flip(device, block, random);
            }
            see("group of slots lost");
        }
    }

    private static void flip(final SimBlockDevice device, final long block, final SplittableRandom random) {
        device.flipBit(block * BLOCK_LENGTH + random.nextInt(BLOCK_LENGTH), random.nextInt(8));
    }

    private static List<Superblock> copies(final BlockDevice device, final Predicate<Superblock> wanted) {
        return new SuperblockSlots(device, SuperblockSlots.find(device))
                .readAll(true).copies().stream().filter(wanted).toList();
    }
}
