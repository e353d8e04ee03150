package io.icecore.volume;

import io.icecore.store.Store;
import io.icecore.store.device.StoreException;
import io.icecore.volume.map.Extent;
import io.icecore.volume.map.ExtentLayout;
import io.icecore.volume.map.HeadMap;
import io.icecore.volume.map.HistoryMap;
import java.util.HashMap;
import java.util.Map;

/**
 * The second half of deletion: visits what the marks left in the deletion records and frees every version that no
 * snapshot kept <em>now</em> sees.
 *
 * <p>Rules:
 * <ul>
 *   <li>C1. A region's bit is cleared only after its last entry, under the same hold of the lock: a crash at any moment
 *       leaves at worst regions to be visited once more.</li>
 *   <li>C2. Where the walk stands within a container is known to this process only. A mark on the same branch starts the
 *       container over, since it may have added regions that the walk has passed.</li>
 *   <li>C3. In a headless branch the head holds versions like the history, each with no death.</li>
 *   <li>C4. A hold of the lock that comes to a leaf which is not in memory ends there; what the next one will visit is read
 *       without the lock. Should it be gone from memory again by then, that hold reads its first leaf itself: so even the
 *       smallest memory makes progress.</li>
 * </ul>
 */
final class Reclaimer {
    /** Entries visited in one step, and under one hold of the lock. */
    static final int ENTRIES_PER_STEP = 512;

    private static final int ENTRIES_PER_HOLD = 64;

    /** As many as there are entries, and more than all that has to be changed for one. */
    private static final int NODES_PER_HOLD = 1024;

    private final Volumes volumes;
    private final Store store;
    private final CatalogueTree tree;
    private final HeadMap head;
    private final HistoryMap history;
    private final VersionWalk walk;
    private final RegionBitmap candidates = new RegionBitmap();
    private final Extent extent = new Extent();

    /** What the walk is in the middle of: branch 0 is none. */
    private long walkBranch;

    private long walkContainer;

    /** In a full scan of the history: births before this one of the chunk have been visited. */
    private long scanBirth;

    /** The record that is worked on, until it is done. */
    private long recordBranch;

    private int entriesPerHold;
    private int dirtyNodesMax;
    private int visited;

    /** What made the last hold end early, if anything did. C4. */
    private final WalkAhead ahead;

    /** The next hold does not read. C4. */
    private boolean patient = true;

    private long freedChunks;
    private volatile long reclaimedBytes;

    /** The last step met damage: what is left may never come back. */
    private volatile boolean stuck;

    /** Of snapshots, by epoch: what to subtract from written and died. Empty between holds of the lock. */
    private final Map<Long, long[]> decrements = new HashMap<>();

    Reclaimer(final Volumes volumes) {
        this.volumes = volumes;
        store = volumes.store();
        tree = volumes.tree();
        head = volumes.data().head();
        history = volumes.data().history();
        walk = new VersionWalk(head, history);
        ahead = new WalkAhead(head, history);
    }

    /** There is more to visit in this branch, or its kept snapshots have changed. Under the lock. */
    void marked(final long branch) {
        if (walkBranch == branch) {
            leaveContainer(); // C2
        }
        scanBirth = 0;
    }

    /** The next visit begins with a container's first region. */
    private void leaveContainer() {
        walkBranch = 0;
    }

    long reclaimedBytes() {
        return reclaimedBytes;
    }

    /**
     * Visits a bounded number of entries. False when there is no deletion record.
     *
     * @param nodesMax how many nodes to change at most under one hold of the lock, and few more: the next commit, which may be
     *                 that of a client, has to write them
     */
    boolean step(final int entriesMax, final int nodesMax) {
        final ReclaimRecord first = volumes.look(this::nextRecord);
        if (first == null) {
            return false;
        }
        volumes.readKept(first.branch);
        int left = entriesMax;
        while (left > 0) {
            entriesPerHold = Math.min(left, ENTRIES_PER_HOLD);
            visited = 0;
            ahead.clear();
            final boolean more = volumes.changeBehindOthers(() -> {
                dirtyNodesMax = Math.min(NODES_PER_HOLD, nodesMax) + store.dirtyNodes();
                final ReclaimRecord record = nextRecord();
                if (record != null) {
                    visitSome(record);
                }
                return record != null;
            });
            if (!more) {
                return left < entriesMax;
            }
            store.relieve(); // In a full store the commit after very few entries.
            left -= ahead.isNoted() ? visited : entriesPerHold;
            patient = !ahead.isNoted();
            if (ahead.isNoted()) {
                readAhead();
            }
        }
        return true;
    }

    private void readAhead() {
        try {
            ahead.run();
        } catch (final StoreException ex) {
            stuck = true;
            recordBranch++; // As where a hold meets damage: other branches go on.
            throw ex;
        }
    }

    /** Whether this hold may visit one more. */
    private boolean goesOn() {
        return visited < entriesPerHold && (visited == 0 || store.dirtyNodes() < dirtyNodesMax);
    }

    /** Whether this hold may only look at what is in memory. C4. */
    private boolean patient() {
        return patient || visited > 0;
    }

    /** One record is worked on until it is done; then the next branch's, round and round. */
    private ReclaimRecord nextRecord() {
        if (tree.nextId(CatalogueTree.RECLAIM, recordBranch) || tree.nextId(CatalogueTree.RECLAIM, 0)) {
            if (recordBranch != tree.id()) {
                recordBranch = tree.id();
                scanBirth = 0;
            }
            return ReclaimRecord.read(tree);
        }
        return null;
    }

    private void visitSome(final ReclaimRecord record) {
        final Branch branch = volumes.branches().withKept(record.branch);
        freedChunks = 0;
        boolean done = false;
        StoreException damage = null;
        try {
            done = record.scansAll() ? scanSome(branch, record) : visitCandidates(branch, record);
            stuck = false;
        } catch (final StoreException ex) {
            stuck = true;
            damage = ex; // Of one lookup. What was visited before it still counts, and other branches go on.
            recordBranch++;
        }
        volumes.changing();
        applyDecrements(branch);
        record.pendingChunks = Math.max(0, record.pendingChunks - freedChunks);
        reclaimedBytes += freedChunks * VolumeData.CHUNK_LENGTH;
        if (done) {
            tree.remove(CatalogueTree.RECLAIM, branch.number, 0);
            leaveContainer();
            volumes.tidyLater();
        } else {
            record.write(tree);
        }
        volumes.changed();
        if (damage != null) {
            throw damage;
        }
    }

    /** Returns true when no candidate is left. */
    private boolean visitCandidates(final Branch branch, final ReclaimRecord record) {
        final Regions regions = volumes.regions();
        final long container = regions.nextContainer(branch.number, Regions.CANDIDATES, 0);
        if (container < 0) {
            return true;
        }
        if (walkBranch != branch.number || walkContainer != container) {
            walk.start(branch.number, container, record.birthMin, record.birthMax, !branch.head);
            walkBranch = branch.number;
            walkContainer = container;
        }
        candidates.clear();
        regions.or(branch.number, Regions.CANDIDATES, container, candidates);
        VersionWalk.Step step = VersionWalk.Step.FOUND;
        while (goesOn() && step == VersionWalk.Step.FOUND) {
            walk.patient(patient());
            step = walk.next(candidates, extent);
            if (step == VersionWalk.Step.FOUND) {
                visit(branch, walk.inHead());
                visited++;
            }
        }
        if (step == VersionWalk.Step.UNREAD) {
            ahead.note(walk, candidates);
        }
        if (step == VersionWalk.Step.END) {
            candidates.clear();
            leaveContainer();
        } else if (walk.doneBefore() == 0) {
            return false;
        } else {
            candidates.clear(0, walk.doneBefore()); // C1
        }
        regions.put(branch.number, Regions.CANDIDATES, container, candidates);
        return false;
    }

    /** Everything that the branch has, in the order of the trees. Returns true when nothing at all is left to do. */
    private boolean scanSome(final Branch branch, final ReclaimRecord record) {
        for (; goesOn() && !ahead.isNoted(); visited++) {
            if (record.historyFrom != ReclaimRecord.NONE) {
                switch (history.ceiling(branch.number, record.historyFrom, scanBirth, patient(), extent)) {
                    case UNREAD -> ahead.noteHistory(branch.number, record.historyFrom, scanBirth);
                    case FOUND -> {
                        record.historyFrom = extent.chunk();
                        scanBirth = extent.birth() + 1;
                        visit(branch, false);
                    }
                    case NONE -> record.historyFrom = ReclaimRecord.NONE;
                }
            } else if (record.headFrom != ReclaimRecord.NONE) {
                switch (head.ceiling(branch.number, record.headFrom, patient(), extent)) {
                    case UNREAD -> ahead.noteHead(branch.number, record.headFrom);
                    case FOUND -> {
                        record.headFrom = extent.end();
                        visit(branch, true);
                    }
                    case NONE -> record.headFrom = ReclaimRecord.NONE;
                }
            } else {
                scanBirth = 0;
                return branch.discarded || volumes.regions().nextContainer(branch.number, Regions.CANDIDATES, 0) < 0;
            }
        }
        return false;
    }

    private void visit(final Branch branch, final boolean inHead) {
        final long birth = extent.birth();
        if (branch.sees(birth, extent.death())) {
            return;
        }
        final int length = extent.length();
        final long block = extent.block();
        volumes.changing();
        if (inHead) {
            head.remove(branch.number, extent.chunk());
        } else {
            history.remove(branch.number, extent.chunk(), birth);
        }
        if (block != ExtentLayout.ZEROES) {
            store.free(block, length);
            count(branch, birth, length, inHead);
        }
        volumes.changed();
    }

    private void count(final Branch branch, final long birth, final int length, final boolean inHead) {
        freedChunks += length;
        if (inHead) {
            branch.mappedChunks -= length;
            volumes.branches().touch(branch);
        } else {
            countDead(branch, birth, length);
        }
    }

    /** The version was born and died between two kept snapshots: it counted as written for one and as died for the other. */
    private void countDead(final Branch branch, final long birth, final int length) {
        final int after = branch.ordinalFrom(birth);
        if (after > 0) {
            decrements.computeIfAbsent(branch.kept(after - 1), epoch -> new long[2])[1] += length;
        }
        if (after < branch.keptCount()) {
            decrements.computeIfAbsent(branch.kept(after), epoch -> new long[2])[0] += length;
        } else {
            branch.writtenChunks -= length;
            volumes.branches().touch(branch);
        }
    }

    private void applyDecrements(final Branch branch) {
        decrements.forEach((epoch, by) -> {
            final SnapshotRecord snapshot = SnapshotRecord.load(tree, branch.number, epoch);
            snapshot.writtenChunks -= by[0];
            if (epoch == branch.newest()) {
                branch.diedChunks -= by[1];
                volumes.branches().touch(branch);
            } else {
                snapshot.diedChunks -= by[1];
            }
            snapshot.write(tree);
        });
        decrements.clear();
    }

    /** Chunks expected to come back; -1 when there is nothing to visit. */
    long pendingChunks() {
        return volumes.look(() -> {
            long chunks = -1;
            for (boolean more = tree.nextId(CatalogueTree.RECLAIM, 0);
                    more;
                    more = tree.nextId(CatalogueTree.RECLAIM, tree.id() + 1)) {
                chunks = Math.max(0, chunks) + ReclaimRecord.read(tree).pendingChunks;
            }
            return chunks;
        });
    }

    /** Whether going on is expected to give blocks back. */
    boolean mayFree() {
        return !stuck && pendingChunks() >= 0;
    }

    ReclaimStatus status() {
        return volumes.look(() -> {
            int records = 0;
            long regionsLeft = 0;
            long pendingChunks = 0;
            for (boolean more = tree.nextId(CatalogueTree.RECLAIM, 0);
                    more;
                    more = tree.nextId(CatalogueTree.RECLAIM, tree.id() + 1)) {
                final ReclaimRecord record = ReclaimRecord.read(tree);
                records++;
                regionsLeft += record.scansAll()
                        ? record.pendingChunks
                        : volumes.regions().candidateCount(record.branch);
                pendingChunks += record.pendingChunks;
            }
            return new ReclaimStatus(
                    records, regionsLeft, reclaimedBytes, pendingChunks * VolumeData.CHUNK_LENGTH, false, 0, 0, -1);
        });
    }
}
