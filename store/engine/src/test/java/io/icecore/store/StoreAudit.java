package io.icecore.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.space.FreeSpaceMap;
import io.icecore.store.space.SpaceLog;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;

/** Proves of a store at rest that every block is owned once or free, and none both. */
final class StoreAudit {
    private StoreAudit() {}

    /** @param dataBlocks blocks that the test's own entries refer to */
    static void check(final Store store, final Set<Long> dataBlocks, final String replay) {
        final Set<Long> owned = new HashSet<>(dataBlocks);
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
            for (int bit = 0; bit < segmentBlocks; bit++) {
                final long block = segment * segmentBlocks + bit;
                if (used.get(bit) != owned.contains(block)) {
                    throw new AssertionError("block " + block + ": used=" + used.get(bit) + " (expected: owned="
                            + owned.contains(block) + "): " + replay);
                }
            }
        }
        assertThat(store.opened().space.usedBlocks()).as(replay).isEqualTo(owned.size());
    }

    private static void own(final Set<Long> owned, final long block, final String what, final String replay) {
        if (!owned.add(block)) {
            throw new AssertionError(what + " " + block + " is owned twice: " + replay);
        }
    }
}
