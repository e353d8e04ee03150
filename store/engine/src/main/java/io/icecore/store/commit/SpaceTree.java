package io.icecore.store.commit;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.space.SegmentSource;
import io.icecore.store.tree.Key;
import io.icecore.store.tree.Tree;
import io.icecore.store.tree.TreeEntry;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * The space tree: which blocks of each segment were allocated when the tree was last folded. Key (0, segment, 0); no
 * entry for a segment that is free.
 *
 * <pre>
 * offset        size  field      content
 *      0           2  usedCount  1 to the blocks of a segment
 *      2  blocks / 8  bits       bit b of byte b / 8: block b is allocated; absent when all are
 * </pre>
 */
public final class SpaceTree implements SegmentSource {
    private static final int BITS_OFFSET = Short.BYTES;

    private final Tree tree;
    private final int segmentBlocks;
    private final TreeEntry entry = new TreeEntry();
    private final UnsafeBuffer value;

    SpaceTree(final Tree tree, final int segmentBlocks) {
        this.tree = tree;
        this.segmentBlocks = segmentBlocks;
        value = new UnsafeBuffer(new byte[BITS_OFFSET + segmentBlocks / 8]);
    }

    @Override
    public void load(final long segment, final long[] usedBits) {
        if (!tree.get(Key.hi(0, segment), Key.lo(segment, 0), entry)) {
            return;
        }
        decode(entry, segment, segmentBlocks, usedBits);
    }

    /**
     * Decodes an entry of this tree; the bits are all clear before.
     *
     * @throws CorruptStoreException when length, count and bits do not agree
     */
    public static void decode(
            final TreeEntry entry, final long segment, final int segmentBlocks, final long[] usedBits) {
        final int length = entry.length();
        final boolean full = length == BITS_OFFSET;
        if (!full && length != BITS_OFFSET + segmentBlocks / 8) {
            throw corrupt(segment, segmentBlocks, "length " + length);
        }
        final int usedCount = Short.toUnsignedInt(entry.value.getShort(0, LITTLE_ENDIAN));
        int bits = full ? segmentBlocks : 0;
        for (int word = 0; word < usedBits.length; word++) {
            usedBits[word] = full ? -1L : entry.value.getLong(BITS_OFFSET + word * Long.BYTES, LITTLE_ENDIAN);
            bits += full ? 0 : Long.bitCount(usedBits[word]);
        }
        if (bits != usedCount) {
            throw corrupt(segment, segmentBlocks, "bits set: " + bits + " (expected: " + usedCount + ")");
        }
    }

    private static CorruptStoreException corrupt(final long segment, final int segmentBlocks, final String problem) {
        return new CorruptStoreException("space entry of segment " + segment, segment * segmentBlocks << 12, problem);
    }

    @Override
    public long firstUsedFrom(final long segment) {
        return tree.ceiling(Key.hi(0, segment), Key.lo(segment, 0), entry) ? entry.b() : -1;
    }

    @Override
    public void store(final long segment, final long[] usedBits) {
        final int length = encode(usedBits, segmentBlocks, value);
        final long hi = Key.hi(0, segment);
        final long lo = Key.lo(segment, 0);
        if (length == 0) {
            tree.remove(hi, lo);
        } else {
            tree.put(hi, lo, value, 0, length);
        }
    }

    /** Encodes the value of a segment; returns its length, 0 for a segment that is free and has no entry. */
    public static int encode(final long[] usedBits, final int segmentBlocks, final MutableDirectBuffer target) {
        int usedCount = 0;
        for (int word = 0; word < usedBits.length; word++) {
            usedCount += Long.bitCount(usedBits[word]);
            target.putLong(BITS_OFFSET + word * Long.BYTES, usedBits[word], LITTLE_ENDIAN);
        }
        target.putShort(0, (short) usedCount, LITTLE_ENDIAN);
        return usedCount == 0 ? 0 : usedCount == segmentBlocks ? BITS_OFFSET : BITS_OFFSET + segmentBlocks / 8;
    }
}
