package io.icecore.volume.map;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.icecore.store.device.BlockDevice;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.tree.TreeEntry;
import org.agrona.DirectBuffer;

/**
 * One extent of the head or of the history, as a lookup found it. A flyweight over a copy of the entry: reused by its
 * owner, valid until the next lookup into it.
 */
public final class Extent {
    /** Death of what is still in the head; seen as a snapshot, the head itself. Later than every epoch. */
    public static final long HEAD = 0xFFFF_FFFFL;

    private final TreeEntry entry = new TreeEntry();
    private boolean history;

    TreeEntry entry() {
        return entry;
    }

    /**
     * Takes an entry of a leaf of the head or of the history: what a walk over the nodes does, instead of a lookup.
     *
     * @throws io.icecore.store.format.CorruptStoreException when it is no extent
     */
    public Extent read(final NodePage leaf, final int index, final boolean inHistory) {
        entry.copy(leaf, index);
        return verified(inHistory);
    }

    /** Checks what the tree returned, so that the accessors can rely on it. */
    Extent verified(final boolean inHistory) {
        history = inHistory;
        final int valueLength = entry.length();
        if (valueLength < ExtentLayout.CHECKSUMS_OFFSET) {
            throw corrupt("value length " + valueLength + " (expected: >= " + ExtentLayout.CHECKSUMS_OFFSET + ")");
        }
        final int length = length();
        if (length < 1 || length > ExtentLayout.LENGTH_MAX) {
            throw corrupt("length " + length + " (expected: 1 to " + ExtentLayout.LENGTH_MAX + ")");
        }
        if (valueLength != ExtentLayout.valueLength(length, block())) {
            throw corrupt("value length " + valueLength + " (expected: " + ExtentLayout.valueLength(length, block())
                    + " for " + length + " chunks)");
        }
        if (inHistory && (chunk() & length - 1) != 0 || inHistory && Integer.bitCount(length) != 1) {
            throw corrupt("length " + length + " (expected: a power of two that divides chunk " + chunk() + ")");
        }
        return this;
    }

    private CorruptStoreException corrupt(final String problem) {
        return new CorruptStoreException(
                (history ? "history" : "head") + " extent of branch " + branch() + " chunk " + chunk(),
                block() * BlockDevice.BLOCK_LENGTH,
                problem);
    }

    public long branch() {
        return entry.a();
    }

    /** First chunk. */
    public long chunk() {
        return entry.b();
    }

    /** Chunks. */
    public int length() {
        return ExtentLayout.length(entry.value);
    }

    /** First chunk after it. */
    public long end() {
        return chunk() + length();
    }

    /** Epoch in which it was written; 0 when it was inherited from a parent that is gone. */
    public long birth() {
        return history ? entry.c() : ExtentLayout.epoch(entry.value);
    }

    /** Epoch in which it was replaced, or {@link #HEAD}. */
    public long death() {
        return history ? ExtentLayout.epoch(entry.value) : HEAD;
    }

    public boolean zeroes() {
        return block() == ExtentLayout.ZEROES;
    }

    /** First block, or {@link ExtentLayout#ZEROES}. */
    public long block() {
        return ExtentLayout.block(entry.value);
    }

    /** Block of a chunk of it, or {@link ExtentLayout#ZEROES}. */
    public long blockOf(final long chunk) {
        assert chunk() <= chunk && chunk < end() : chunk;
        return zeroes() ? ExtentLayout.ZEROES : block() + (chunk - chunk());
    }

    /** CRC-32C of a chunk of it. */
    public int checksumOf(final long chunk) {
        return entry.value.getInt(checksumIndexOf(chunk), LITTLE_ENDIAN);
    }

    DirectBuffer checksums() {
        return entry.value;
    }

    int checksumIndexOf(final long chunk) {
        assert chunk() <= chunk && chunk < end() : chunk;
        return zeroes() ? ExtentLayout.CHECKSUMS_OFFSET : ExtentLayout.checksumIndex((int) (chunk - chunk()));
    }

    boolean sameBlocks(final Extent other) {
        return block() == other.block() && length() == other.length();
    }

    @Override
    public String toString() {
        return "branch " + branch() + " chunk " + chunk() + "+" + length() + " [" + birth() + ", " + death()
                + ") block " + block();
    }
}
