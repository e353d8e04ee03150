package io.icecore.store.commit;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.IoBuffer;
import io.icecore.store.device.NoSpaceException;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.Superblock;
import io.icecore.store.format.UnknownFormatException;
import io.icecore.store.space.SlotGeometry;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.agrona.collections.LongHashSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The places, spread over the device, where superblocks are written and found.
 *
 * <p>Invariants:
 * <ul>
 *   <li>R1. A commit is written twice, to slots of two different groups: near what it wrote, and far away. (Where slots
 *       are bad, to others; to two of one group only if no other has a good one left.)</li>
 *   <li>R2. The slots of the two newest durable commits are never written. So what opening may choose, the newest commit or
 *       its parent, is never at risk.</li>
 *   <li>R3. Every superblock announces the two slots of the next commit. So an unreadable slot that was not announced
 *       cannot hold a newer commit.</li>
 *   <li>R4. A slot that failed once is not used again by this opening. With fewer than {@value #GOOD_FOR_TWO} good ones
 *       only the newest durable commit is protected, and with fewer than {@value #GOOD_MIN} nothing more is written.</li>
 * </ul>
 */
public final class SuperblockSlots {
    private static final Logger LOG = LoggerFactory.getLogger(SuperblockSlots.class);

    /** Longest stride that is looked for: that of a store of 128 TiB. */
    private static final long STRIDE_MAX = 1L << 29;

    /** Two for each of the two newest durable commits, two for the next. */
    private static final int GOOD_FOR_TWO = 6;

    /** Two for the newest durable commit, two for the next. */
    private static final int GOOD_MIN = 4;

    /**
     * What all slots hold.
     *
     * @param damaged       slots that are not blank and hold no superblock, as a write that power cut off leaves them
     * @param unknownFormat of the newest copy that this program cannot read, or null
     */
    public record Contents(
            List<Superblock> copies, Set<Long> damaged, Set<Long> unreadable, UnknownFormatException unknownFormat) {}

    private final BlockDevice device;
    private final SlotGeometry geometry;
    private final IoBuffer buffer =
            new IoBuffer(ByteBuffer.allocateDirect(BLOCK_LENGTH * (SlotGeometry.GROUP_SLOTS + 1))
                    .alignedSlice(BLOCK_LENGTH));

    /** Slots (by block) of the newest durable commit and of the one before it. */
    private Set<Long> newest = Set.of();

    private Set<Long> older = Set.of();

    /** Slots that could not be read or written (R4). */
    private final Set<Long> bad = new HashSet<>();

    private StoreException lastFailure;

    public SuperblockSlots(final BlockDevice device, final SlotGeometry geometry) {
        this.device = device;
        this.geometry = geometry;
    }

    /** Opening found these commits in these slots, or wrote one: they are protected (R2). Older first. */
    void protect(final Set<Long> slots) {
        older = newest;
        newest = Set.copyOf(slots);
    }

    /** Slots that opening could not read are not written (R4). */
    void avoid(final Set<Long> slots) {
        bad.addAll(slots);
    }

    private long good(final long blockCount) {
        return geometry.slotBlocks(blockCount) - bad.size();
    }

    /** Slots that must not be written now (R2, R4). */
    Set<Long> protectedSlots(final long blockCount) {
        final long good = good(blockCount);
        if (good < GOOD_MIN) {
            throw new StoreException(
                    "superblock slots that can be written: " + good + " (expected: at least " + GOOD_MIN
                            + "); the store can only be read: " + device.name(),
                    lastFailure);
        }
        final Set<Long> slots = new HashSet<>(newest);
        slots.addAll(bad);
        if (good >= GOOD_FOR_TWO) {
            slots.addAll(older);
        }
        return slots;
    }

    /** Two free slots for the commit after one that is being written to {@code own}: near the cursor, and far from it. */
    long[] announce(final Set<Long> own, final long cursor, final long generation, final long blockCount) {
        final Set<Long> taken = new HashSet<>(own);
        taken.addAll(bad);
        if (good(blockCount) >= GOOD_FOR_TWO) {
            taken.addAll(newest); // By then the older one of the two that are protected.
        }
        final int groups = geometry.groups(blockCount);
        final int near = geometry.groupNear(cursor, blockCount);
        final int far = (near + Math.max(1, groups / 2)) % groups;
        final long first = pick(near, generation, taken, groups, Set.of());
        return new long[] {first, pick(far, generation + 1, taken, groups, Set.of(first))};
    }

    private long pick(
            final int group, final long generation, final Set<Long> taken, final int groups, final Set<Long> other) {
        long beside = -1;
        for (int step = 0; step < groups; step++) {
            for (int i = 0; i < SlotGeometry.GROUP_SLOTS; i++) {
                final long slot = geometry.slotBlock((group + step) % groups * SlotGeometry.GROUP_SLOTS
                        + (int) ((generation + i) % SlotGeometry.GROUP_SLOTS));
                if (!taken.contains(slot)) {
                    if (!besideAnyOf(other, slot)) {
                        taken.add(slot);
                        return slot;
                    }
                    beside = slot;
                }
            }
        }
        if (beside >= 0) {
            return beside;
        }
        throw new StoreException("no superblock slot left on " + device.name());
    }

    /** Writes two copies (R1); a slot that fails is replaced by another. Returns the slots written. */
    Set<Long> write(final Superblock superblock, final long[] wanted) {
        final Set<Long> tried = new HashSet<>();
        final Set<Long> written = new HashSet<>();
        lastFailure = null;
        for (int attempt = 0; written.size() < 2; attempt++) {
            final long first = attempt < wanted.length ? wanted[attempt] : geometry.slotBlock(0);
            final long slot = choose(first, superblock.blockCount, tried, written);
            tried.add(slot);
            superblock.encode(buffer, 0, slot);
            try {
                device.write(slot * BLOCK_LENGTH, buffer, 0, BLOCK_LENGTH);
                written.add(slot);
            } catch (final StoreException ex) {
                lastFailure = ex;
                if (!(ex instanceof NoSpaceException)) { // That there is no space will pass.
                    leaveAlone(slot, ex);
                }
            }
        }
        return written;
    }

    /** This slot, or else any that may be written: of a group that has no copy yet, if there is one (R1). */
    private long choose(final long wanted, final long blockCount, final Set<Long> tried, final Set<Long> written) {
        final Set<Long> taken = protectedSlots(blockCount);
        taken.addAll(tried);
        if (!taken.contains(wanted) && !besideAnyOf(written, wanted)) {
            return wanted;
        }
        long beside = -1;
        for (int number = 0; number < geometry.slotBlocks(blockCount); number++) {
            final long slot = geometry.slotBlock(number);
            if (!taken.contains(slot)) {
                if (!besideAnyOf(written, slot)) {
                    return slot;
                }
                beside = slot;
            }
        }
        if (beside >= 0) {
            return beside;
        }
        final String message = "superblock could not be written twice on " + device.name();
        throw lastFailure instanceof NoSpaceException
                ? new NoSpaceException(message + ": " + lastFailure.getMessage(), lastFailure)
                : new StoreException(message, lastFailure);
    }

    private boolean besideAnyOf(final Set<Long> slots, final long slot) {
        for (final long other : slots) {
            if (geometry.sameGroup(other, slot)) {
                return true;
            }
        }
        return false;
    }

    private void leaveAlone(final long slot, final StoreException failure) {
        LOG.warn("superblock slot failed, another takes its place: device={} block={}", device.name(), slot, failure);
        bad.add(slot);
    }

    /**
     * Overwrites these slots with zeroes. Superblocks of two attempts to write one commit differ in their first sector, and
     * hardly in the others: what remains of the one in its slot could become whole by the half of the other, after it.
     */
    void blank(final Set<Long> slots) {
        buffer.setMemory(0, BLOCK_LENGTH, (byte) 0);
        for (final long slot : slots) {
            try {
                device.write(slot * BLOCK_LENGTH, buffer, 0, BLOCK_LENGTH);
            } catch (final NoSpaceException ex) {
                throw ex;
            } catch (final StoreException ex) {
                leaveAlone(slot, ex);
            }
        }
    }

    /** Overwrites every slot with zeroes, for format: no superblock of an earlier store survives. */
    void wipe(final long blockCount) {
        buffer.setMemory(0, buffer.capacity(), (byte) 0);
        for (int group = 0; group < geometry.groups(blockCount); group++) {
            final long block = geometry.slotBlock(group * SlotGeometry.GROUP_SLOTS);
            device.write(block * BLOCK_LENGTH, buffer, 0, SlotGeometry.GROUP_SLOTS * BLOCK_LENGTH);
        }
    }

    /** Reads every slot of the device, the length of which decides how many there can be. */
    public Contents readAll(final boolean medium) {
        final List<Superblock> copies = new ArrayList<>();
        final Set<Long> damaged = new HashSet<>();
        final Set<Long> unreadable = new HashSet<>();
        UnknownFormatException unknownFormat = null;
        final int groups = geometry.groups(device.length() / BLOCK_LENGTH);
        for (int group = 0; group < groups; group++) {
            final long first = geometry.slotBlock(group * SlotGeometry.GROUP_SLOTS);
            readGroup(first, medium, unreadable);
            for (int i = 0; i < SlotGeometry.GROUP_SLOTS; i++) {
                try {
                    if (!unreadable.contains(first + i) && !blank(i)) {
                        copies.add(Superblock.decode(buffer, i * BLOCK_LENGTH, first + i));
                    }
                } catch (final UnknownFormatException ex) {
                    if (unknownFormat == null || ex.generation() > unknownFormat.generation()) {
                        unknownFormat = ex;
                    }
                } catch (final CorruptStoreException ex) {
                    LOG.debug("superblock slot holds no superblock: {}", ex.getMessage());
                    damaged.add(first + i);
                }
            }
        }
        return new Contents(copies, damaged, unreadable, unknownFormat);
    }

    private void readGroup(final long first, final boolean medium, final Set<Long> unreadable) {
        try {
            read(first, 0, SlotGeometry.GROUP_SLOTS, medium);
        } catch (final StoreException ex) {
            for (int i = 0; i < SlotGeometry.GROUP_SLOTS; i++) { // Which of them is it?
                try {
                    read(first + i, i, 1, medium);
                } catch (final StoreException single) {
                    LOG.warn("superblock slot cannot be read: device={} block={}", device.name(), first + i, single);
                    unreadable.add(first + i);
                }
            }
        }
    }

    private void read(final long block, final int at, final int count, final boolean medium) {
        if (medium) {
            device.readMedium(block * BLOCK_LENGTH, buffer, at * BLOCK_LENGTH, count * BLOCK_LENGTH);
        } else {
            device.read(block * BLOCK_LENGTH, buffer, at * BLOCK_LENGTH, count * BLOCK_LENGTH);
        }
    }

    private boolean blank(final int slot) {
        return buffer.getLong(slot * BLOCK_LENGTH) == 0;
    }

    /**
     * Finds the geometry of the store on a device: from its first group of slots, or, where that is damaged, from any
     * group that any possible stride would have.
     *
     * @throws CorruptStoreException when there is no superblock at all
     */
    public static SlotGeometry find(final BlockDevice device) {
        final long blockCount = device.length() / BLOCK_LENGTH;
        final LongHashSet looked = new LongHashSet();
        UnknownFormatException unknownFormat = null;
        for (long stride = SlotGeometry.SEGMENT_BLOCKS;
                stride < Math.max(blockCount, 2 * SlotGeometry.SEGMENT_BLOCKS) && stride <= STRIDE_MAX;
                stride *= 2) {
            final SlotGeometry guess = new SlotGeometry(SlotGeometry.SEGMENT_BLOCKS, (int) stride);
            final SuperblockSlots slots = new SuperblockSlots(device, guess);
            for (int group = 0; group < guess.groups(blockCount); group++) {
                final long first = guess.slotBlock(group * SlotGeometry.GROUP_SLOTS);
                try {
                    final Superblock found = looked.add(first) ? slots.anyOf(first) : null;
                    if (found != null) {
                        return new SlotGeometry(found.segmentBlocks, found.slotStrideBlocks);
                    }
                } catch (final UnknownFormatException ex) {
                    unknownFormat = ex;
                }
            }
        }
        if (unknownFormat != null) {
            throw unknownFormat;
        }
        throw new CorruptStoreException("store", 0, "no superblock found; not an Icecore store: " + device.name());
    }

    /** A superblock of the group that begins at this block, or null. */
    private Superblock anyOf(final long first) {
        final Set<Long> unreadable = new HashSet<>();
        readGroup(first, true, unreadable);
        UnknownFormatException unknownFormat = null;
        for (int i = 0; i < SlotGeometry.GROUP_SLOTS; i++) {
            try {
                if (!unreadable.contains(first + i)) {
                    return Superblock.decode(buffer, i * BLOCK_LENGTH, first + i);
                }
            } catch (final UnknownFormatException ex) {
                unknownFormat = ex;
            } catch (final CorruptStoreException ex) {
                LOG.trace("no superblock here: {}", ex.getMessage());
            }
        }
        if (unknownFormat != null) {
            throw unknownFormat;
        }
        return null;
    }
}
