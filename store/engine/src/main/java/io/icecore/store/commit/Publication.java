package io.icecore.store.commit;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.format.Superblock;
import io.icecore.store.space.SlotGeometry;
import java.util.HashSet;
import java.util.Set;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * The last step of a repair: a superblock that was made outside of any open store becomes the newest commit, by the rules of
 * every commit: all that it names is flushed first, then two copies in two groups, then a flush.
 */
public final class Publication {
    private final BlockDevice device;
    private final SuperblockSlots slots;
    private final Superblock superblock;
    private final Set<Long> halfWritten;
    private final long[] own;

    /** @param keep slots that must not be written, for they hold what opening would choose if this were not completed */
    public Publication(
            final BlockDevice device, final SlotGeometry geometry, final Superblock superblock, final Set<Long> keep) {
        this.device = device;
        this.superblock = superblock;
        slots = new SuperblockSlots(device, geometry);
        final SuperblockSlots.Contents contents = slots.readAll(true);
        halfWritten = new HashSet<>(contents.damaged());
        halfWritten.removeAll(keep); // Which may not be superblocks.
        slots.avoid(contents.unreadable());
        slots.protect(Set.of());
        slots.protect(keep);
        own = slots.announce(keep, superblock.cursor, superblock.generation, superblock.blockCount);
        final long[] next = slots.announce(
                Set.of(own[0], own[1]), superblock.cursor, superblock.generation + 1, superblock.blockCount);
        superblock.nextSlots[0] = next[0];
        superblock.nextSlots[1] = next[1];
    }

    /** Blocks that the copies go to. */
    public long[] slots() {
        return own.clone();
    }

    /** The copy that goes to one of them. */
    public UnsafeBuffer copyFor(final long slot) {
        final UnsafeBuffer image = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
        superblock.encode(image, 0, slot);
        return image;
    }

    /**
     * Nothing is the newest commit before the second flush has returned; then it is. What an attempt that was cut off has half
     * written is blanked by the first, as in opening.
     */
    public void publish() {
        slots.blank(halfWritten);
        device.flush();
        slots.write(superblock, own);
        device.flush();
    }
}
