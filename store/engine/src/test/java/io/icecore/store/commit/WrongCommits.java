package io.icecore.store.commit;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.Superblock;
import io.icecore.store.space.SpaceLog;
import io.icecore.store.space.WrongSpace;
import io.icecore.store.tree.Forest;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/** What committing and opening do in mutants. */
public final class WrongCommits {
    private static boolean ahead;
    private static int nearGroup;
    private static OpenedStore folded;

    private WrongCommits() {}

    // ---- committing

    /** What was written while the flush ran is not listed by the next commit. */
    public static void forgetUncovered(final Committer committer, final Superblock next, final Set<Long> slots) {
        storeOf(committer).uncovered.clear();
    }

    /** A superblock is written before the flush of its parent has returned. */
    public static void writeOneAhead(final Committer committer, final int flags) {
        if (ahead) {
            return;
        }
        ahead = true;
        try {
            final OpenedStore store = storeOf(committer);
            final Superblock next = (Superblock) call(Committer.class, committer, "cut", flags);
            call(Committer.class, committer, "publish", next, store.slots.write(next, store.current.nextSlots));
        } finally {
            ahead = false;
        }
    }

    public static void foldedSpace(final Committer committer) {
        folded = storeOf(committer);
    }

    /** The fold's own blocks are in no log. */
    public static void loseLogOfFold(final Forest forest, final Superblock superblock) {
        if (folded != null) {
            WrongSpace.clearLog(folded.space);
            folded = null;
        }
    }

    /** Both announced slots stand in one group. */
    static long pickNear(
            final SuperblockSlots slots,
            final int group,
            final long generation,
            final Set<Long> taken,
            final int groups,
            final Set<Long> other) {
        nearGroup = other.isEmpty() ? group : nearGroup;
        final Object slot = call(
                SuperblockSlots.class, slots, "pick", nearGroup, generation, new HashSet<>(taken), groups, Set.of());
        taken.add((Long) slot);
        return (Long) slot;
    }

    /** Nothing of the commit before the newest is protected. */
    public static void forgetOlder(final SuperblockSlots slots, final Set<Long> written) {
        set(slots, "older", Set.of());
    }

    static long noSpill(final SpaceLog log, final int index) {
        return 0;
    }

    // ---- opening

    /** Listed nodes need only look like nodes of the commit; listed data is taken for good. */
    static boolean completeByIdentity(final Superblock top, final BlockDevice device, final boolean medium) {
        final UnsafeBuffer block = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
        for (int i = 0; !top.payloadFlushed() && i < top.runs.length; i += 3) {
            for (long at = top.runs[i]; at < top.runs[i] + top.runs[i + 1]; at++) {
                device.readMedium(at * BLOCK_LENGTH, block, 0, BLOCK_LENGTH);
                final boolean node = block.getInt(0, LITTLE_ENDIAN) == 0x4E45_4349;
                if (node && (block.getLong(16, LITTLE_ENDIAN) != at)) {
                    return false;
                }
            }
        }
        return true;
    }

    /** The newest superblock below, whether the torn commit names it or not. */
    static Superblock nextBelow(final Superblock top, final List<Superblock> copies, final BlockDevice device) {
        Superblock below = null;
        for (final Superblock copy : copies) {
            if (copy.generation < top.generation
                    && copy.generation != top.parentGeneration
                    && (below == null || copy.generation > below.generation)) {
                below = copy;
            }
        }
        return below;
    }

    static Set<Long> writeNothing(final SuperblockSlots slots, final Superblock superblock, final long[] wanted) {
        return Set.of(wanted[0], wanted[1]);
    }

    static Set<Long> writeWithoutNotes(final SuperblockSlots slots, final Superblock superblock, final long[] wanted) {
        superblock.notes = new byte[0];
        return slots.write(superblock, wanted);
    }

    static Superblock newestOfAnybody(final List<Superblock> copies) {
        Superblock top = copies.get(0);
        for (final Superblock copy : copies) {
            top = copy.generation > top.generation ? copy : top;
        }
        return top;
    }

    /** What the page cache shows. */
    static void readCached(
            final BlockDevice device,
            final long position,
            final MutableDirectBuffer target,
            final int index,
            final int length) {
        device.read(position, target, index, length);
    }

    /** What cannot be read has not been written. */
    static void readOrNothing(
            final BlockDevice device,
            final long position,
            final MutableDirectBuffer target,
            final int index,
            final int length) {
        try {
            device.readMedium(position, target, index, length);
        } catch (final StoreException ex) {
            target.setMemory(index, length, (byte) 0);
        }
    }

    // ---- reaching in

    private static OpenedStore storeOf(final Committer committer) {
        try {
            final Field field = Committer.class.getDeclaredField("store");
            field.setAccessible(true);
            return (OpenedStore) field.get(committer);
        } catch (final ReflectiveOperationException ex) {
            throw misfit(ex);
        }
    }

    private static void set(final Object owner, final String name, final Object value) {
        try {
            final Field field = owner.getClass().getDeclaredField(name);
            field.setAccessible(true);
            field.set(owner, value);
        } catch (final ReflectiveOperationException ex) {
            throw misfit(ex);
        }
    }

    private static Object call(final Class<?> type, final Object owner, final String name, final Object... arguments) {
        try {
            for (final Method method : type.getDeclaredMethods()) {
                if (method.getName().equals(name) && method.getParameterCount() == arguments.length) {
                    method.setAccessible(true);
                    return method.invoke(owner, arguments);
                }
            }
            throw new NoSuchMethodException(name);
        } catch (final InvocationTargetException ex) {
            if (ex.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw (Error) ex.getCause();
        } catch (final ReflectiveOperationException ex) {
            throw misfit(ex);
        }
    }

    private static IllegalArgumentException misfit(final ReflectiveOperationException ex) {
        return new IllegalArgumentException("mutant does not fit the code any more: " + ex, ex);
    }
}
