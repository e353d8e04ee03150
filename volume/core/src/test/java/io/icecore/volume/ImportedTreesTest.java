package io.icecore.volume;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.Store;
import io.icecore.store.commit.OpenedStore;
import java.time.Clock;
import java.util.Arrays;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** How many tree nodes an image takes that was written from its start to its end: they are what every read goes through. */
class ImportedTreesTest {
    private static final long GIB = 1L << 30;
    private static final int CHUNK = 4096;
    private static final int WRITE_LENGTH = 1 << 20;
    private static final int EXTENT_CHUNKS = 64;

    /** Of an extent of 64 chunks with their checksums, in a leaf that has been filled from left to right. */
    private static final int EXTENTS_PER_LEAF = 14;

    /** Of an inner node, likewise. */
    private static final int LEAVES_PER_NODE = 122;

    private final UnsafeBuffer piece = new UnsafeBuffer(new byte[WRITE_LENGTH]);

    @Test
    void aVolumeWrittenInOrderFillsItsLeaves() {
        final long[] nodes = nodesOfAnImportOf(GIB / 2);
        final long leaves = ceiling(GIB / 2 / CHUNK / EXTENT_CHUNKS, EXTENTS_PER_LEAF);

        assertThat(nodes[0]).as("leaves of the head").isEqualTo(leaves);
        assertThat(nodes[1]).as("inner nodes of the head").isEqualTo(ceiling(leaves, LEAVES_PER_NODE) + 1);
        assertThat(nodes[2]).as("nodes of all other trees").isLessThanOrEqualTo(4);
    }

    /** The promise is 30 MiB. */
    @Test
    @Tag("nightly")
    void tenGibibytesTakeLessThanThirtyMebibytesOfNodes() {
        final long[] nodes = nodesOfAnImportOf(10 * GIB);
        System.out.println("10 GiB imported: " + nodes[0] + " leaves and " + nodes[1] + " inner nodes of the head, "
                + nodes[2] + " other nodes: " + Arrays.stream(nodes).sum() * CHUNK / 1024 + " KiB");

        assertThat(Arrays.stream(nodes).sum() * CHUNK).isLessThan(30 << 20);
    }

    private static long ceiling(final long value, final long unit) {
        return (value + unit - 1) / unit;
    }

    /** Leaves of the head, its inner nodes, nodes of all other trees. */
    private long[] nodesOfAnImportOf(final long bytes) {
        final NodesOnlyDevice device = new NodesOnlyDevice(bytes + GIB);
        Store.format(device, "test");
        for (int at = 0; at < WRITE_LENGTH; at += CHUNK) {
            piece.putLong(at, NodesOnlyDevice.DATA, LITTLE_ENDIAN);
        }
        final long[] nodes = new long[3];
        try (Catalog catalog = Catalog.open(Store.open(device), Clock.systemUTC())) {
            catalog.createVolume("vm", bytes);
            try (Export export = catalog.exports().open("vm")) {
                for (long offset = 0; offset < bytes; offset += WRITE_LENGTH) {
                    export.write(offset, piece, 0, WRITE_LENGTH, false);
                }
                export.flush();
            }
            catalog.store()
                    .forest()
                    .walk((tree, level, home, page) -> nodes[tree != OpenedStore.HEAD ? 2 : level == 0 ? 0 : 1]++);
        }
        return nodes;
    }
}
