package io.icecore.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.space.FreeSpaceMap;
import io.icecore.store.space.SpaceLog;
import java.util.BitSet;
import java.util.Set;

/** Proves of a store at rest that every block is owned once or free, and none both. */
final class StoreAudit {
    private StoreAudit() {}

    /** @param dataBlocks blocks that the test's own entries refer to */
    static void check(final Store store, final Set<Long> dataBlocks, final String replay) {
        final BitSet owned = new BitSet();
        dataBlocks.forEach(block -> owned.set(Math.toIntExact(block)));
        store.forest().walk((tree, level, home, page) -> {
            own(owned, page.block(), "node", replay);
            if (home != page.block()) {
                own(owned, home, "redirected block", replay);
            }
        });
        final SpaceLog log = store.opened().space.log();
        for (int i = 0; i < log.spillCount(); i++) {
            own(owned, log.spillBlock(i), "spill node", replay);
        }
        final FreeSpaceMap space = store.opened().space;
        final int segmentBlocks = store.opened().geometry.segmentBlocks();
        for (long segment = 0; segment * segmentBlocks < space.blockCount(); segment++) {
            final BitSet used = BitSet.valueOf(space.usedBits(segment));
            final int first = (int) segment * segmentBlocks;
            final BitSet differing = owned.get(first, first + segmentBlocks);
            differing.xor(used);
            if (!differing.isEmpty()) {
                final int bit = differing.nextSetBit(0);
                throw new AssertionError("block " + (first + bit) + ": used=" + used.get(bit) + " (expected: owned="
                        + !used.get(bit) + "): " + replay);
            }
        }
        assertThat(store.opened().space.usedBlocks()).as(replay).isEqualTo(owned.cardinality());
    }

    private static void own(final BitSet owned, final long block, final String what, final String replay) {
        if (owned.get(Math.toIntExact(block))) {
            throw new AssertionError(what + " " + block + " is owned twice: " + replay);
        }
        owned.set((int) block);
    }
}
