package io.icecore.store;

import io.icecore.store.commit.OpenedStore;
import io.icecore.store.space.BlockRun;

/** What a store has been through before it is crashed: states that a short random workload does not come to. */
enum CrashStart {
    /** Four segments, four groups of slots. */
    FRESH(16),
    /** Trees of three levels. */
    DEEP(24),
    /** All but no spill node is left before the space tree must be folded. */
    SPILLED(16),
    /** 64 segments with a few blocks each: a space tree of several leaves, 64 groups of slots. */
    WIDE(256),
    /** Next to nothing free. */
    FULL(16),
    /** Longer than it was made, by parts of segments. */
    GROWN(16);

    private static final int DEEP_KEYS = 450;
    private static final int SPILLS_BEFORE_FOLD = 64;

    final long length;

    CrashStart(final long mebibytes) {
        length = mebibytes << 20;
    }

    static CrashStart of(final long seed) {
        return values()[(int) Math.floorMod(seed, (long) values().length)];
    }

    /** Brings a store that was just opened there. */
    void reach(final CrashWorkload workload) {
        switch (this) {
            case FRESH -> workload.commit();
            case DEEP -> deep(workload);
            case SPILLED -> spill(workload);
            case WIDE -> widen(workload);
            case FULL -> {
                workload.fill();
                workload.commit();
            }
            case GROWN -> {
                for (int i = 0; i < 3; i++) {
                    workload.grow();
                }
            }
        }
    }

    private static void deep(final CrashWorkload workload) {
        final int tree = workload.random.nextInt(StoreContent.TREE_COUNT);
        for (long key = 0; key < DEEP_KEYS; key++) {
            workload.put(tree, key, 1500 + workload.random.nextInt(400));
        }
        workload.commit();
        workload.touchMany();
        workload.commit();
    }

    private static void spill(final CrashWorkload workload) {
        final int target = SPILLS_BEFORE_FOLD - workload.random.nextInt(6);
        while (workload.store.opened().space.log().spillCount() < target
                && workload.store.opened().current.rootBlocks[OpenedStore.SPACE] == 0) {
            workload.churn(1200);
            workload.commit();
        }
    }

    /** Allocation goes on behind what was abandoned, so each segment gets little. */
    private static void widen(final CrashWorkload workload) {
        final Store store = workload.store;
        for (long key = StoreContent.BALLAST_KEY; key < StoreContent.BALLAST_KEY + 60; key++) {
            store.lock();
            try {
                final long run = store.allocate(BlockRun.COUNT_MAX);
                final int kept = Math.min(BlockRun.count(run), 1 + workload.random.nextInt(3));
                workload.settleUnwritten(key, BlockRun.block(run), kept);
                if (BlockRun.count(run) > kept) {
                    store.abandon(BlockRun.block(run) + kept, BlockRun.count(run) - kept);
                }
            } finally {
                store.unlock();
            }
        }
        while (store.opened().current.rootBlocks[OpenedStore.SPACE] == 0) { // Until the space tree is folded.
            workload.churn(1200);
            workload.commit();
        }
    }
}
