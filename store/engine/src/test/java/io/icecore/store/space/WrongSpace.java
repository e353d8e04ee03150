package io.icecore.store.space;

import java.lang.reflect.Field;
import org.agrona.collections.LongArrayList;
import org.agrona.collections.LongHashSet;

/** What the free-space map does in mutants. */
public final class WrongSpace {
    private static final LongHashSet RECENT = new LongHashSet();

    private WrongSpace() {}

    /** A run in flight is a part of the commit at once. */
    public static long allocateSettled(final FreeSpaceMap map, final int countMax, final long reserve) {
        final long run = map.allocate(countMax, reserve);
        map.settle(BlockRun.block(run), BlockRun.count(run));
        return run;
    }

    /** No commit pins what is freed. */
    public static void releaseAtOnce(final FreeSpaceMap map, final long block, final int count) {
        final LongArrayList freed = freed(map);
        freed.removeAt(freed.size() - 1);
        freed.removeAt(freed.size() - 1);
        map.abandon(block, count);
    }

    public static void settled(final FreeSpaceMap map, final long block, final int count) {
        for (long at = block; at < block + count; at++) {
            RECENT.add(at);
        }
    }

    public static void newCommit(final FreeSpaceMap map) {
        RECENT.clear();
    }

    /** A block that the same commit allocated is written again by it. */
    public static void releaseRecent(final FreeSpaceMap map, final long block, final int count) {
        for (long at = block; at < block + count; at++) {
            if (!RECENT.contains(at)) {
                return;
            }
        }
        releaseAtOnce(map, block, count);
    }

    /** The log that a fold begins is lost as well. */
    public static void clearLog(final FreeSpaceMap map) {
        map.log().clear();
    }

    private static LongArrayList freed(final FreeSpaceMap map) {
        try {
            final Field field = FreeSpaceMap.class.getDeclaredField("freed");
            field.setAccessible(true);
            return (LongArrayList) field.get(map);
        } catch (final ReflectiveOperationException ex) {
            throw new IllegalArgumentException("mutant does not fit the code any more: " + ex, ex);
        }
    }
}
