package io.icecore.cli.daemon;

import io.icecore.store.Store;
import io.icecore.store.format.Superblock;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import java.util.Map;

/** What a simulated daemon has met: how often each thing, the rare kinds of commits among them, and what was last. */
final class Sightings {
    private static final int LATEST_MAX = 60;
    private static final int SPACE_ROOT = 5;

    private final Map<String, Long> seen;
    private final Deque<String> latest = new ArrayDeque<>();
    private Superblock lastCommit;

    /** @param seen where things are counted, after those of other daemons */
    Sightings(final Map<String, Long> seen) {
        this.seen = seen;
    }

    void see(final String what) {
        seen.merge(what, 1L, Long::sum);
        if (latest.size() == LATEST_MAX) {
            latest.removeFirst();
        }
        latest.addLast(what);
    }

    /** What was met last, for whoever looks for the cause of a failure. */
    String latest() {
        return String.join(", ", latest);
    }

    // ---- commits

    void lookAtOpening(final Store store) {
        final Superblock opening = store.opened().current;
        if (opening.generation - opening.parentGeneration > 16) {
            see("opened the parent of a torn commit");
        }
        lastCommit = opening;
    }

    /** Looks at the newest commit, if it is not the one looked at last. */
    void lookAtCommit(final Store store) {
        final Superblock current = store.opened().current;
        if (current == lastCommit) {
            return;
        }
        see("commits seen");
        if (current.payloadFlushed()) {
            see("flush first");
        }
        if (current.sealing()) {
            see("sealed");
        }
        if (current.spillBlock != 0) {
            see("spill");
        }
        if (current.redirects.length < lastCommit.redirects.length) {
            see("fold");
        }
        if (current.rootGenerations[SPACE_ROOT] != lastCommit.rootGenerations[SPACE_ROOT]) {
            see("space fold");
        }
        if (fillsHoles(store)) {
            see("holes filled");
        }
        lastCommit = current;
    }

    /** Whether there is something ahead of where the next block goes, in the same segment. */
    private static boolean fillsHoles(final Store store) {
        final int segmentBlocks = store.opened().geometry.segmentBlocks();
        final long cursor = store.opened().space.cursor();
        if (cursor % segmentBlocks == 0 || cursor >= store.opened().space.blockCount()) {
            return false;
        }
        final BitSet used = BitSet.valueOf(store.opened().space.usedBits(cursor / segmentBlocks));
        return used.nextSetBit((int) (cursor % segmentBlocks)) >= 0;
    }
}
