package io.icecore.store.commit;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.tree.TreeEntry;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SpaceTreeTest {
    private final TreeEntry entry = new TreeEntry();

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, 9, 129, 131, 1900})
    void anEntryOfAnotherLengthIsCorrupt(final int length) {
        fill(length, 0);
        for (final int segmentBlocks : new int[] {1024, 8192, 1 << 15}) {
            assertThatThrownBy(() -> SpaceTree.decode(entry, 3, segmentBlocks, new long[segmentBlocks / 64]))
                    .isInstanceOf(CorruptStoreException.class)
                    .hasMessageContaining("length " + length);
        }
    }

    @Test
    void anEntryWithoutBitsIsAFullSegment() {
        fill(2, 1024);
        final long[] bits = new long[16];
        SpaceTree.decode(entry, 3, 1024, bits);
        assertThat(bits).containsOnly(-1L);
    }

    private void fill(final int length, final int usedCount) {
        final UnsafeBuffer value = new UnsafeBuffer(new byte[1900]);
        value.putShort(0, (short) usedCount, LITTLE_ENDIAN);
        final NodePage page = new NodePage(5, 0);
        page.insert(0, 1, 1, value, 0, length);
        entry.copy(page, 0);
    }
}
