package io.icecore.cli.tour.ext2;

import java.util.Arrays;

/** The blocks of one file, in order; a plain array that grows, since a file has thousands of them. */
final class BlockList {
    private int[] blocks = new int[16];
    private int count;

    void add(final int block) {
        if (count == blocks.length) {
            blocks = Arrays.copyOf(blocks, 2 * count);
        }
        blocks[count++] = block;
    }

    int get(final int index) {
        assert index < count : index;
        return blocks[index];
    }

    int count() {
        return count;
    }

    int[] toArray() {
        return Arrays.copyOf(blocks, count);
    }
}
