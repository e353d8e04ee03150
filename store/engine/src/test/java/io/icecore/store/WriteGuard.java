package io.icecore.store;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.sim.SimBlockDevice.Kind;
import io.icecore.store.sim.SimBlockDevice.Operation;
import io.icecore.store.space.FreeSpaceMap;
import io.icecore.store.space.SlotGeometry;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;

/**
 * Watches every write: none may touch a block that one of the two newest durable commits uses, nor one of their slots. All
 * that opening may have to fall back on, and all that a reader may be looking at, stays as it is.
 */
final class WriteGuard {
    private final String replay;

    private BitSet newest = new BitSet();
    private BitSet older = new BitSet();
    private BitSet candidate = new BitSet();
    private Set<Long> newestSlots = new HashSet<>();
    private Set<Long> olderSlots = new HashSet<>();
    private Set<Long> candidateSlots = new HashSet<>();

    /** What was written between the last two flushes of an opening: in the end the slots of the opening commit. */
    private Set<Long> flushedSlots = new HashSet<>();

    private boolean cutPending;
    private int strideBlocks;

    WriteGuard(final String replay) {
        this.replay = replay;
    }

    void opening() {
        newest = new BitSet();
        older = newest;
        olderSlots = new HashSet<>();
        newestSlots = new HashSet<>();
        candidateSlots = new HashSet<>();
        cutPending = false;
        strideBlocks = 0;
    }

    /** The opening commit stands for what it opened. */
    void opened(final Store store) {
        strideBlocks = store.opened().geometry.strideBlocks();
        newest = used(store);
        older = newest;
        newestSlots = flushedSlots;
        candidateSlots = new HashSet<>();
    }

    void cutting() {
        cutPending = true;
    }

    void durable() {
        older = newest;
        newest = candidate;
        olderSlots = newestSlots;
        newestSlots = candidateSlots;
        candidateSlots = new HashSet<>();
    }

    void operation(final Operation operation, final Store store, final long deviceLength) {
        if (store != null && cutPending && !store.lockedByCurrentThread()) {
            cutPending = false; // The cut is over, and nothing has changed since.
            candidate = used(store);
            candidateSlots = new HashSet<>();
        }
        if (operation.kind() == Kind.FLUSH_END && strideBlocks == 0) {
            flushedSlots = candidateSlots;
            candidateSlots = new HashSet<>();
        }
        if (operation.kind() == Kind.WRITE) {
            final long first = operation.position() / BLOCK_LENGTH;
            for (long block = first; block < first + operation.length() / BLOCK_LENGTH; block++) {
                written(block);
            }
        }
    }

    private void written(final long block) {
        final boolean slot = strideBlocks == 0 || block % strideBlocks < SlotGeometry.GROUP_SLOTS;
        if (slot) {
            candidateSlots.add(block);
        }
        if (strideBlocks == 0) {
            return; // Opening: what it must not write is seen by what opens next.
        }
        final boolean protectedBlock = slot
                ? newestSlots.contains(block) || olderSlots.contains(block)
                : newest.get((int) block) || older.get((int) block);
        if (protectedBlock) {
            throw new AssertionError((slot ? "slot " : "block ") + block
                    + " of one of the two newest durable commits was overwritten: " + replay);
        }
    }

    private static BitSet used(final Store store) {
        final FreeSpaceMap space = store.opened().space;
        final int segmentBlocks = store.opened().geometry.segmentBlocks();
        final BitSet used = new BitSet();
        for (long segment = 0; segment * segmentBlocks < space.blockCount(); segment++) {
            final BitSet bits = BitSet.valueOf(space.usedBits(segment));
            for (int bit = bits.nextSetBit(0); bit >= 0; bit = bits.nextSetBit(bit + 1)) {
                used.set((int) (segment * segmentBlocks) + bit);
            }
        }
        return used;
    }
}
