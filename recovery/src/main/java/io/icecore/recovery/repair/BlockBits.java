package io.icecore.recovery.repair;

/** One bit for each block of a device. */
final class BlockBits {
    private final long[] words;
    private final long blockCount;

    BlockBits(final long blockCount) {
        this.blockCount = blockCount;
        words = new long[Math.toIntExact((blockCount + 63) >>> 6)];
    }

    long blockCount() {
        return blockCount;
    }

    boolean get(final long block) {
        return (words[(int) (block >>> 6)] >>> block & 1) != 0;
    }

    /** False when it was set already. */
    boolean set(final long block) {
        final boolean fresh = !get(block);
        words[(int) (block >>> 6)] |= 1L << block;
        return fresh;
    }

    void clear(final long block) {
        words[(int) (block >>> 6)] &= ~(1L << block);
    }

    long count() {
        long count = 0;
        for (final long word : words) {
            count += Long.bitCount(word);
        }
        return count;
    }

    /** Sets what is set there. */
    void or(final BlockBits other) {
        for (int i = 0; i < words.length; i++) {
            words[i] |= other.words[i];
        }
    }
}
