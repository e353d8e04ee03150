package io.icecore.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.store.space.SpaceLog;
import java.util.HashSet;
import java.util.Set;

/** Proves of a store at rest that every block is owned once or free, and none both. */
final class StoreAudit {
    private StoreAudit() {}

    /** @param dataBlocks blocks that the test's own entries refer to */
    static void check(final Store store, final Set<Long> dataBlocks, final String replay) {
        final Set<Long> owned = new HashSet<>(dataBlocks);
        store.forest().walk((tree, level, home, page) -> {
            assertThat(owned.add(page.block()))
                    .as("node %d owned twice: %s", page.block(), replay)
                    .isTrue();
            if (home != page.block()) {
                assertThat(owned.add(home))
                        .as("redirected block %d owned twice: %s", home, replay)
                        .isTrue();
            }
        });
        final SpaceLog log = store.opened().space.log();
        for (int i = 0; i < log.spillCount(); i++) {
            assertThat(owned.add(log.spillBlock(i)))
                    .as("spill node owned twice: %s", replay)
                    .isTrue();
        }
        for (long block = 0; block < store.opened().space.blockCount(); block++) {
            if (store.opened().space.used(block) != owned.contains(block)) {
                assertThat(store.opened().space.used(block))
                        .as("block %d: used (expected: owned=%s): %s", block, owned.contains(block), replay)
                        .isEqualTo(owned.contains(block));
            }
        }
        assertThat(store.opened().space.usedBlocks()).as(replay).isEqualTo(owned.size());
    }
}
