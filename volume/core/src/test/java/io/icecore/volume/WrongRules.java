package io.icecore.volume;

import io.icecore.store.tree.Seek;
import io.icecore.volume.map.Extent;
import io.icecore.volume.map.HeadMap;
import io.icecore.volume.map.Heir;
import io.icecore.volume.map.HistoryMap;
import java.lang.reflect.Field;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongUnaryOperator;

/** What mutants of the volume layer call in place of its own methods. Each mutant has a copy of this class of its own. */
final class WrongRules {
    private static boolean discarding;

    /** Kept epochs of a branch when the last mark was made. */
    private static final Map<Long, long[]> KEPT_AT_MARK = new HashMap<>();

    private WrongRules() {}

    private static Object fieldOf(final Object owner, final String name) {
        try {
            final Field field = owner.getClass().getDeclaredField(name);
            field.setAccessible(true);
            return field.get(owner);
        } catch (final ReflectiveOperationException ex) {
            throw new IllegalStateException("mutant does not fit the code any more: " + name, ex);
        }
    }

    // ---- region bitmaps

    static void putUnlessHead(
            final Regions regions, final long branch, final long epoch, final long container, final RegionBitmap bits) {
        if (((LongUnaryOperator) fieldOf(regions, "currentEpoch")).applyAsLong(branch) != epoch) {
            regions.put(branch, epoch, container, bits);
        }
    }

    static void orOnly(final RegionBitmap any, final RegionBitmap bits, final RegionBitmap twice) {
        any.or(bits);
    }

    static void neighboursOnly(final RegionBitmap any, final RegionBitmap bits, final RegionBitmap twice) {
        any.accumulate(bits, twice);
        any.clear();
        any.or(bits);
    }

    static void dropRegionsTaken(
            final SnapshotChanges changes,
            final VolumeRecord volume,
            final String name,
            final Map<String, String> labels,
            final Instant now) {
        final Volumes volumes = (Volumes) fieldOf(changes, "volumes");
        final Branch branch = volumes.branches().get(volume.branch);
        volumes.regions().drop(branch.number, branch.epoch - 1);
    }

    static void beginDiscard(final VolumeData data, final Branch branch, final long chunk, final int count) {
        discarding = true;
    }

    static void endDiscard(final VolumeData data, final Branch branch, final long chunk, final int count) {
        discarding = false;
    }

    static void addUnlessDiscarding(final Regions regions, final long branch, final long chunk, final long count) {
        if (!discarding) {
            regions.add(branch, chunk, count);
        }
    }

    // ---- reclaiming

    static int oneTooFar(final VersionWalk walk) {
        return Math.min(RegionBitmap.REGIONS, walk.doneBefore() + 1);
    }

    static void startWithoutHead(
            final VersionWalk walk,
            final long branch,
            final long container,
            final long birthMin,
            final long birthMax,
            final boolean withHead) {
        walk.start(branch, container, birthMin, birthMax, false);
    }

    static Seek ceilingOfHistoryOnly(
            final HistoryMap history,
            final long branch,
            final long chunk,
            final long birth,
            final boolean patient,
            final Extent into) {
        return history.ceiling(branch, chunk, birth, patient, into);
    }

    static Seek ceilingOfHistoryOnly(
            final HeadMap head, final long branch, final long chunk, final boolean patient, final Extent into) {
        return Seek.NONE;
    }

    static void firstBirthsOnly(final ReclaimRecord record, final long min, final long max) {
        if (record.birthMin == Long.MAX_VALUE) {
            record.includeBirths(min, max);
        }
    }

    static void rememberKept(
            final SnapshotDeletion deletion, final Branch branch, final long[] gone, final boolean head) {
        final long[] kept = new long[branch.keptCount()];
        for (int i = 0; i < kept.length; i++) {
            kept[i] = branch.kept(i);
        }
        KEPT_AT_MARK.put(branch.number, kept);
    }

    static boolean seesAsMarked(final Branch branch, final long birth, final long death) {
        final long[] kept = KEPT_AT_MARK.get(branch.number);
        if (kept == null) {
            return branch.sees(birth, death);
        }
        for (final long epoch : kept) {
            if (birth <= epoch && epoch < death) {
                return true;
            }
        }
        return false;
    }

    // ---- writing, inheriting

    static long newestEver(final Branch branch) {
        return branch.epoch - 1;
    }

    static void inheritUnlessZeroes(
            final Heir heir, final long branch, final long oldestKept, final Extent extent, final Heir.Gains gains) {
        if (!extent.zeroes()) {
            heir.inherit(branch, oldestKept, extent, gains);
        }
    }
}
