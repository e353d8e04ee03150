package io.icecore.store.format;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static io.icecore.store.format.SuperblockLayout.*;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.UUID;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * All that one commit says of the store, decoded. Filled by the committer and encoded, or decoded by opening; lists are
 * flat arrays in the order of {@link SuperblockLayout}.
 */
public final class Superblock {
    /** Incompatible features that this program knows; a superblock with any other is refused by name. */
    private static final long KNOWN_INCOMPATIBLE = 0;

    private static final long KNOWN_READ_ONLY_COMPATIBLE = 0;

    public UUID storeId;
    public long readOnlyCompatible;
    public long block;
    public long generation;
    public long parentGeneration;
    public long nonce;
    public long timeMillis;
    public int flags;
    public long blockCount;
    public int segmentBlocks;
    public int slotStrideBlocks;
    public long cursor;
    public long usedBlocks;
    public final long[] nextSlots = new long[2];
    public long spillBlock;
    public long spillGeneration;
    public String label = "";
    public final long[] rootBlocks = new long[ROOT_COUNT];
    public final long[] rootGenerations = new long[ROOT_COUNT];
    public final int[] rootLevels = new int[ROOT_COUNT];

    /** Three longs a redirect: old block, new block, generation of the new node. */
    public long[] redirects = {};

    /** Three longs a run: first block, count, checksum. */
    public long[] runs = {};

    /** Two longs a space entry: first block, count; negative for a free. */
    public long[] space = {};

    public byte[] notes = {};

    public boolean payloadFlushed() {
        return (flags & FLAG_PAYLOAD_FLUSHED) != 0;
    }

    public boolean sealing() {
        return (flags & FLAG_SEALING) != 0;
    }

    /** True when this program may only read the store, because of a feature that it does not know. */
    public boolean readOnlyFeatures() {
        return (readOnlyCompatible & ~KNOWN_READ_ONLY_COMPATIBLE) != 0;
    }

    /** Writes the copy that goes to {@code ownBlock}. */
    public void encode(final MutableDirectBuffer buffer, final int index, final long ownBlock) {
        buffer.setMemory(index, BLOCK_LENGTH, (byte) 0);
        buffer.putLong(index + MAGIC_OFFSET, MAGIC, LITTLE_ENDIAN);
        buffer.putInt(index + FORMAT_VERSION_OFFSET, FORMAT_VERSION, LITTLE_ENDIAN);
        putUuid(buffer, index + STORE_ID_OFFSET, storeId);
        buffer.putLong(index + READ_ONLY_COMPATIBLE_OFFSET, readOnlyCompatible, LITTLE_ENDIAN);
        buffer.putLong(index + BLOCK_OFFSET, ownBlock, LITTLE_ENDIAN);
        buffer.putLong(index + GENERATION_OFFSET, generation, LITTLE_ENDIAN);
        buffer.putLong(index + PARENT_GENERATION_OFFSET, parentGeneration, LITTLE_ENDIAN);
        buffer.putLong(index + NONCE_OFFSET, nonce, LITTLE_ENDIAN);
        buffer.putLong(index + TIME_OFFSET, timeMillis, LITTLE_ENDIAN);
        buffer.putInt(index + FLAGS_OFFSET, flags, LITTLE_ENDIAN);
        buffer.putLong(index + BLOCK_COUNT_OFFSET, blockCount, LITTLE_ENDIAN);
        buffer.putInt(index + SEGMENT_BLOCKS_OFFSET, segmentBlocks, LITTLE_ENDIAN);
        buffer.putInt(index + SLOT_STRIDE_OFFSET, slotStrideBlocks, LITTLE_ENDIAN);
        buffer.putLong(index + CURSOR_OFFSET, cursor, LITTLE_ENDIAN);
        buffer.putLong(index + USED_BLOCKS_OFFSET, usedBlocks, LITTLE_ENDIAN);
        buffer.putLong(index + NEXT_SLOTS_OFFSET, nextSlots[0], LITTLE_ENDIAN);
        buffer.putLong(index + NEXT_SLOTS_OFFSET + Long.BYTES, nextSlots[1], LITTLE_ENDIAN);
        buffer.putLong(index + SPILL_BLOCK_OFFSET, spillBlock, LITTLE_ENDIAN);
        buffer.putLong(index + SPILL_GENERATION_OFFSET, spillGeneration, LITTLE_ENDIAN);
        buffer.putInt(index + REDIRECT_COUNT_OFFSET, redirects.length / 3, LITTLE_ENDIAN);
        buffer.putInt(index + RUN_COUNT_OFFSET, runs.length / 3, LITTLE_ENDIAN);
        buffer.putInt(index + SPACE_COUNT_OFFSET, space.length / 2, LITTLE_ENDIAN);
        buffer.putInt(index + NOTES_LENGTH_OFFSET, notes.length, LITTLE_ENDIAN);
        final byte[] labelBytes = label.getBytes(StandardCharsets.UTF_8);
        buffer.putBytes(index + LABEL_OFFSET, labelBytes, 0, Math.min(labelBytes.length, LABEL_LENGTH));
        for (int root = 0; root < ROOT_COUNT; root++) {
            final int at = index + ROOTS_OFFSET + root * ROOT_LENGTH;
            buffer.putLong(at, rootBlocks[root], LITTLE_ENDIAN);
            buffer.putLong(at + 8, rootGenerations[root], LITTLE_ENDIAN);
            buffer.putShort(at + 16, (short) rootLevels[root], LITTLE_ENDIAN);
        }
        encodeLists(buffer, index + LISTS_OFFSET);
        buffer.putInt(
                index + CHECKSUM_OFFSET, Checksum.around(buffer, index, BLOCK_LENGTH, CHECKSUM_OFFSET), LITTLE_ENDIAN);
    }

    private void encodeLists(final MutableDirectBuffer buffer, final int listsIndex) {
        assert listsLength() <= LISTS_LENGTH : "superblock lists overflow: " + listsLength();
        int at = listsIndex;
        for (int i = 0; i < redirects.length; i += 3, at += REDIRECT_LENGTH) {
            Blocks.put(buffer, at, redirects[i]);
            Blocks.put(buffer, at + 6, redirects[i + 1]);
            buffer.putInt(at + 12, (int) redirects[i + 2], LITTLE_ENDIAN);
        }
        for (int i = 0; i < runs.length; i += 3, at += RUN_LENGTH) {
            Blocks.put(buffer, at, runs[i]);
            buffer.putShort(at + 6, (short) runs[i + 1], LITTLE_ENDIAN);
            buffer.putInt(at + 8, (int) runs[i + 2], LITTLE_ENDIAN);
        }
        for (int i = 0; i < space.length; i += 2, at += SPACE_LENGTH) {
            SpaceEntries.put(buffer, at, space[i], space[i + 1]);
        }
        buffer.putBytes(at, notes);
    }

    /** Bytes that the lists take; at most {@link SuperblockLayout#LISTS_LENGTH}. */
    public int listsLength() {
        return redirects.length / 3 * REDIRECT_LENGTH
                + runs.length / 3 * RUN_LENGTH
                + space.length / 2 * SPACE_LENGTH
                + notes.length;
    }

    /**
     * Decodes the copy found at {@code ownBlock}.
     *
     * @throws CorruptStoreException for anything that is not a whole superblock of a known format
     */
    public static Superblock decode(final DirectBuffer buffer, final int index, final long ownBlock) {
        final long position = ownBlock * BLOCK_LENGTH;
        expect(position, "magic", buffer.getLong(index + MAGIC_OFFSET, LITTLE_ENDIAN), MAGIC);
        final int checksum = Checksum.around(buffer, index, BLOCK_LENGTH, CHECKSUM_OFFSET);
        final int version = buffer.getInt(index + FORMAT_VERSION_OFFSET, LITTLE_ENDIAN);
        final long generation = buffer.getLong(index + GENERATION_OFFSET, LITTLE_ENDIAN);
        if (version != FORMAT_VERSION) {
            throw new UnknownFormatException(
                    "superblock",
                    position,
                    "format version " + version + " (expected: " + FORMAT_VERSION
                            + "; the store was made by another version of the program)",
                    buffer.getInt(index + CHECKSUM_OFFSET, LITTLE_ENDIAN) == checksum ? generation : 0);
        }
        expect(
                position,
                "checksum",
                Integer.toUnsignedLong(buffer.getInt(index + CHECKSUM_OFFSET, LITTLE_ENDIAN)),
                Integer.toUnsignedLong(checksum));
        expect(position, "own block", buffer.getLong(index + BLOCK_OFFSET, LITTLE_ENDIAN), ownBlock);
        final long unknown = buffer.getLong(index + INCOMPATIBLE_OFFSET, LITTLE_ENDIAN) & ~KNOWN_INCOMPATIBLE;
        if (unknown != 0) {
            throw new UnknownFormatException(
                    "superblock", position, String.format("unknown incompatible features 0x%x", unknown), generation);
        }

        final Superblock sb = new Superblock();
        sb.block = ownBlock;
        sb.storeId = getUuid(buffer, index + STORE_ID_OFFSET);
        sb.readOnlyCompatible = buffer.getLong(index + READ_ONLY_COMPATIBLE_OFFSET, LITTLE_ENDIAN);
        sb.generation = generation;
        sb.parentGeneration = buffer.getLong(index + PARENT_GENERATION_OFFSET, LITTLE_ENDIAN);
        sb.nonce = buffer.getLong(index + NONCE_OFFSET, LITTLE_ENDIAN);
        sb.timeMillis = buffer.getLong(index + TIME_OFFSET, LITTLE_ENDIAN);
        sb.flags = buffer.getInt(index + FLAGS_OFFSET, LITTLE_ENDIAN);
        sb.blockCount = buffer.getLong(index + BLOCK_COUNT_OFFSET, LITTLE_ENDIAN);
        sb.segmentBlocks = buffer.getInt(index + SEGMENT_BLOCKS_OFFSET, LITTLE_ENDIAN);
        sb.slotStrideBlocks = buffer.getInt(index + SLOT_STRIDE_OFFSET, LITTLE_ENDIAN);
        sb.cursor = buffer.getLong(index + CURSOR_OFFSET, LITTLE_ENDIAN);
        sb.usedBlocks = buffer.getLong(index + USED_BLOCKS_OFFSET, LITTLE_ENDIAN);
        sb.nextSlots[0] = buffer.getLong(index + NEXT_SLOTS_OFFSET, LITTLE_ENDIAN);
        sb.nextSlots[1] = buffer.getLong(index + NEXT_SLOTS_OFFSET + Long.BYTES, LITTLE_ENDIAN);
        sb.spillBlock = buffer.getLong(index + SPILL_BLOCK_OFFSET, LITTLE_ENDIAN);
        sb.spillGeneration = buffer.getLong(index + SPILL_GENERATION_OFFSET, LITTLE_ENDIAN);
        final byte[] labelBytes = new byte[LABEL_LENGTH];
        buffer.getBytes(index + LABEL_OFFSET, labelBytes);
        sb.label = new String(labelBytes, StandardCharsets.UTF_8).replace("\0", "");
        for (int root = 0; root < ROOT_COUNT; root++) {
            final int at = index + ROOTS_OFFSET + root * ROOT_LENGTH;
            sb.rootBlocks[root] = buffer.getLong(at, LITTLE_ENDIAN);
            sb.rootGenerations[root] = buffer.getLong(at + 8, LITTLE_ENDIAN);
            sb.rootLevels[root] = Short.toUnsignedInt(buffer.getShort(at + 16, LITTLE_ENDIAN));
        }
        sb.decodeLists(buffer, index);
        sb.requireSaneGeometry(position);
        return sb;
    }

    private void decodeLists(final DirectBuffer buffer, final int index) {
        final long redirectCount = Integer.toUnsignedLong(buffer.getInt(index + REDIRECT_COUNT_OFFSET, LITTLE_ENDIAN));
        final long runCount = Integer.toUnsignedLong(buffer.getInt(index + RUN_COUNT_OFFSET, LITTLE_ENDIAN));
        final long spaceCount = Integer.toUnsignedLong(buffer.getInt(index + SPACE_COUNT_OFFSET, LITTLE_ENDIAN));
        final long notesLength = Integer.toUnsignedLong(buffer.getInt(index + NOTES_LENGTH_OFFSET, LITTLE_ENDIAN));
        final long length =
                redirectCount * REDIRECT_LENGTH + runCount * RUN_LENGTH + spaceCount * SPACE_LENGTH + notesLength;
        if (length > LISTS_LENGTH) {
            throw new CorruptStoreException(
                    "superblock", block * BLOCK_LENGTH, "lists: " + length + " (expected: <= " + LISTS_LENGTH + ")");
        }
        int at = index + LISTS_OFFSET;
        redirects = new long[(int) redirectCount * 3];
        for (int i = 0; i < redirects.length; i += 3, at += REDIRECT_LENGTH) {
            redirects[i] = Blocks.get(buffer, at);
            redirects[i + 1] = Blocks.get(buffer, at + 6);
            redirects[i + 2] = generationNear(Integer.toUnsignedLong(buffer.getInt(at + 12, LITTLE_ENDIAN)));
        }
        runs = new long[(int) runCount * 3];
        for (int i = 0; i < runs.length; i += 3, at += RUN_LENGTH) {
            runs[i] = Blocks.get(buffer, at);
            runs[i + 1] = Short.toUnsignedInt(buffer.getShort(at + 6, LITTLE_ENDIAN));
            runs[i + 2] = Integer.toUnsignedLong(buffer.getInt(at + 8, LITTLE_ENDIAN));
        }
        space = new long[(int) spaceCount * 2];
        for (int i = 0; i < space.length; i += 2, at += SPACE_LENGTH) {
            space[i] = SpaceEntries.block(buffer, at);
            space[i + 1] = SpaceEntries.count(buffer, at);
        }
        notes = new byte[(int) notesLength];
        buffer.getBytes(at, notes);
    }

    /** The generation with these low 32 bits that is at or before this commit. */
    private long generationNear(final long low) {
        final long candidate = generation & ~0xFFFF_FFFFL | low;
        return candidate <= generation ? candidate : candidate - (1L << 32);
    }

    private void requireSaneGeometry(final long position) {
        final boolean sane = blockCount > 0
                && blockCount < 1L << 47
                && segmentBlocks >= SEGMENT_BLOCKS_MIN
                && segmentBlocks <= SEGMENT_BLOCKS_MAX
                && Integer.bitCount(segmentBlocks) == 1
                && Integer.bitCount(slotStrideBlocks) == 1
                && slotStrideBlocks >= segmentBlocks
                && generation > 0
                && parentGeneration < generation;
        if (!sane) {
            throw new CorruptStoreException(
                    "superblock",
                    position,
                    "geometry: blockCount=" + blockCount + " segmentBlocks=" + segmentBlocks + " slotStrideBlocks="
                            + slotStrideBlocks + " generation=" + generation + " parentGeneration=" + parentGeneration);
        }
    }

    /** Says the same as another copy of the same commit, wherever each was written. */
    public boolean sameCommit(final Superblock other) {
        final UnsafeBuffer mine = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
        final UnsafeBuffer theirs = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
        encode(mine, 0, 0);
        other.encode(theirs, 0, 0);
        return Arrays.equals(mine.byteArray(), theirs.byteArray());
    }

    private static void expect(final long position, final String field, final long actual, final long expected) {
        if (actual != expected) {
            throw CorruptStoreException.mismatch("superblock", position, field, actual, expected);
        }
    }

    static void putUuid(final MutableDirectBuffer buffer, final int index, final UUID id) {
        buffer.putLong(index, id.getMostSignificantBits(), LITTLE_ENDIAN);
        buffer.putLong(index + Long.BYTES, id.getLeastSignificantBits(), LITTLE_ENDIAN);
    }

    static UUID getUuid(final DirectBuffer buffer, final int index) {
        return new UUID(buffer.getLong(index, LITTLE_ENDIAN), buffer.getLong(index + Long.BYTES, LITTLE_ENDIAN));
    }
}
