package io.icecore.recovery.check;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Branches that were asked for lately: those that look are in a few of them at a time. Thread-safe. */
final class BranchCache {
    /** Kept snapshots of the branches in here: 8 MiB. */
    private static final long SNAPSHOTS_MAX = 1 << 20;

    private static final int BRANCHES_MAX = 1024;

    private final Map<Long, Optional<BranchFacts>> facts = new HashMap<>();
    private long snapshots;

    /**
     * The branch of this number, or null where there is none.
     *
     * @throws CatalogueLookup.UnknownException when that cannot be told
     */
    synchronized BranchFacts get(final CatalogueLookup lookup, final long number) {
        final Optional<BranchFacts> known = facts.get(number);
        if (known != null) {
            return known.orElse(null);
        }
        final BranchFacts found = BranchFacts.find(lookup, number);
        final int count = found == null ? 0 : found.keptCount();
        if (snapshots + count > SNAPSHOTS_MAX || facts.size() == BRANCHES_MAX) {
            facts.clear();
            snapshots = 0;
        }
        facts.put(number, Optional.ofNullable(found));
        snapshots += count;
        return found;
    }
}
