package io.icecore.recovery.repair;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.icecore.store.format.Blocks;
import io.icecore.store.format.NodePage;
import io.icecore.volume.map.Extent;
import io.icecore.volume.map.ExtentLayout;
import org.agrona.MutableDirectBuffer;

/**
 * An extent, or one chunk of a doubtful extent, that may be saved, and where it was found.
 *
 * @param offset chunks of the extent before it
 */
record Candidate(
        NodePage leaf,
        int index,
        int offset,
        boolean history,
        boolean doubtful,
        long branch,
        long chunk,
        int length,
        long birth,
        long death,
        long block) {

    static Candidate of(final NodePage leaf, final int index, final Extent extent, final boolean history) {
        return new Candidate(
                leaf,
                index,
                0,
                history,
                false,
                extent.branch(),
                extent.chunk(),
                extent.length(),
                extent.birth(),
                extent.death(),
                extent.block());
    }

    /** One chunk of it alone: of an old extent some chunks may still be what they were. */
    static Candidate doubtful(
            final NodePage leaf, final int index, final Extent extent, final boolean history, final int offset) {
        return new Candidate(
                leaf,
                index,
                offset,
                history,
                true,
                extent.branch(),
                extent.chunk() + offset,
                1,
                extent.birth(),
                extent.death(),
                extent.blockOf(extent.chunk() + offset));
    }

    /** Tells it from all others. */
    long key() {
        return leaf.block() << 15 | (long) index << 6 | offset;
    }

    long end() {
        return chunk + length;
    }

    boolean zeroes() {
        return block == ExtentLayout.ZEROES;
    }

    /** Both cannot be true: the same chunk at the same time. */
    boolean clashesWith(final Candidate other) {
        return branch == other.branch
                && chunk < other.end()
                && other.chunk < end()
                && (!history || birth < other.death && other.birth < death);
    }

    int checksum(final int ordinal) {
        final int index = ExtentLayout.CHECKSUMS_OFFSET + (offset + ordinal) * Integer.BYTES;
        return leaf.image().getInt(leaf.valueIndex(this.index) + index, LITTLE_ENDIAN);
    }

    /** Encodes the value of its entry; returns the length. */
    int encode(final MutableDirectBuffer target) {
        target.putInt(ExtentLayout.EPOCH_OFFSET, (int) (history ? death : birth), LITTLE_ENDIAN);
        target.putByte(ExtentLayout.LENGTH_OFFSET, (byte) length);
        Blocks.put(target, ExtentLayout.BLOCK_OFFSET, block);
        for (int i = 0; i < length && !zeroes(); i++) {
            target.putInt(ExtentLayout.CHECKSUMS_OFFSET + i * Integer.BYTES, checksum(i), LITTLE_ENDIAN);
        }
        return ExtentLayout.valueLength(length, block);
    }
}
