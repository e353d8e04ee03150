package io.icecore.store;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.icecore.store.commit.CommitParticipant;
import io.icecore.store.commit.OpenedStore;
import io.icecore.store.device.NoSpaceException;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.Checksum;
import io.icecore.store.format.Superblock;
import io.icecore.store.sim.PowerLoss;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.sim.SimBlockDevice.Kind;
import io.icecore.store.sim.SimBlockDevice.Operation;
import io.icecore.store.sim.SimClock;
import io.icecore.store.space.BlockRun;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Uses a store as the layer above does, by seeded throws, and knows at every moment what a crash may leave: the content of
 * the last acknowledged commit ({@link #acknowledged}), or that of the one in flight ({@link #inFlight}), which differ by
 * the ordinal that each cut writes into the commit's notes.
 *
 * <p>Changes are also made while a commit runs, from the device's own operations: what another thread would do, but the
 * same every time.
 */
final class CrashWorkload implements CommitParticipant {
    private final SimClock time = new SimClock(Instant.EPOCH);
    private static final int RUN_MAX = 8;
    private static final int CUTS_KEPT = 12;

    /** A run that is allocated and written, but not settled. */
    private record Unsettled(long block, int count, int[] checksums) {}

    final SplittableRandom random;
    final String replay;

    /** Called after every operation of the device, before what this workload does meanwhile. */
    Runnable onOperation = () -> {};

    SimBlockDevice device;
    Store store;
    StoreContent acknowledged;
    StoreContent inFlight;
    private StoreContent now;
    private long loadedOrdinal;
    private long newestGeneration;
    private final List<Unsettled> unsettled = new ArrayList<>();
    final int keys;
    private final int valueMax;
    private final UnsafeBuffer data = new UnsafeBuffer(ByteBuffer.allocate(64 * BLOCK_LENGTH));
    private final UnsafeBuffer checksums = new UnsafeBuffer(new byte[64 * Integer.BYTES]);
    private final WriteGuard guard;

    /** What each of the last cuts holds, by ordinal, for readers beside the writer. */
    final TreeMap<Long, StoreContent> cuts = new TreeMap<>();

    private final CrashReads reads = new CrashReads(this);
    private boolean meanwhile;

    /** Failures of the device are planned, so an exception is nothing to wonder about. */
    private boolean faulty;

    private boolean closing;

    private long writes;

    /** How often each kind of event was met. */
    Map<String, Long> seen = new TreeMap<>();

    boolean paused;
    boolean traced;

    CrashWorkload(
            final SimBlockDevice device,
            final long seed,
            final StoreContent acknowledged,
            final StoreContent inFlight,
            final String replay) {
        this.device = device;
        this.acknowledged = acknowledged;
        this.inFlight = inFlight;
        this.replay = replay;
        random = new SplittableRandom(seed);
        keys = 1 << 3 + random.nextInt(6);
        valueMax = random.nextInt(3) == 0 ? 1900 : 60;
        newestGeneration = Math.max(acknowledged.generation, inFlight == null ? 0 : inFlight.generation);
        guard = new WriteGuard(replay);
    }

    /** A store just formatted. */
    static CrashWorkload format(final CrashStart start, final long seed, final String replay) {
        final SimBlockDevice device = new SimBlockDevice(start.length, seed);
        Store.format(device, "crash");
        final StoreContent empty = new StoreContent();
        empty.generation = 1;
        return new CrashWorkload(device, seed, empty, null, replay);
    }

    // ---- opening

    /** Opens the store and proves that it stands where a crash may have left it. */
    void open() {
        store = null;
        reads.opening();
        faulty = false;
        closing = false;
        guard.opening();
        device.onOperation(this::onOperation);
        store = Store.open(device, time, random.nextBoolean() ? 1 : 1000);
        store.join(this);
        final StoreContent opened = contentOfLoadedOrdinal();
        see(opened == acknowledged ? "opened acknowledged" : "opened in flight");
        opened.assertHeldBy(store, replay);
        StoreAudit.check(store, opened.dataBlocks(), replay);
        final long generation = store.info().generation();
        if (generation <= newestGeneration) {
            throw new AssertionError(
                    "generation " + generation + " after " + newestGeneration + " is not new: " + replay);
        }
        newestGeneration = generation;
        now = opened.copy();
        acknowledged = opened.copy();
        acknowledged.generation = generation;
        inFlight = null;
        unsettled.clear();
        cuts.clear();
        cuts.put(acknowledged.ordinal, acknowledged);
        guard.opened(store);
    }

    /** False while it is opening. */
    boolean opened() {
        return store != null;
    }

    private StoreContent contentOfLoadedOrdinal() {
        if (loadedOrdinal == acknowledged.ordinal) {
            return acknowledged;
        }
        if (inFlight != null && loadedOrdinal == inFlight.ordinal) {
            return inFlight;
        }
        throw new AssertionError("opened cut " + loadedOrdinal + " (expected: " + acknowledged.ordinal
                + (inFlight == null ? "" : " or " + inFlight.ordinal) + "): " + replay);
    }

    @Override
    public void loadNotes(final DirectBuffer notes, final int length) {
        loadedOrdinal = length == 0 ? 0 : notes.getLong(0, LITTLE_ENDIAN);
    }

    @Override
    public int beforeCommit(final MutableDirectBuffer notes) {
        promise(); // Commits are made one after the other: the one before has returned.
        inFlight = now.copy();
        inFlight.ordinal = ++now.ordinal;
        inFlight.generation = store.opened().current.generation + 1;
        newestGeneration = inFlight.generation;
        cuts.put(inFlight.ordinal, inFlight);
        if (cuts.size() > CUTS_KEPT) {
            cuts.pollFirstEntry();
        }
        guard.cutting();
        notes.putLong(0, inFlight.ordinal, LITTLE_ENDIAN);
        return Long.BYTES + (random.nextInt(4) == 0 ? random.nextInt(NOTES_LENGTH_MAX - Long.BYTES) : 0);
    }

    /** What was in flight was acknowledged. */
    private void promise() {
        if (inFlight != null) {
            seeCommit();
            acknowledged = inFlight;
            inFlight = null;
            guard.durable();
        }
    }

    /** What the store holds now, committed or not. */
    StoreContent now() {
        return now;
    }

    // ---- steps

    void run(final int steps) {
        for (int step = 0; step < steps; step++) {
            step();
        }
    }

    void step() {
        try {
            step(random.nextInt(131));
        } catch (final StoreException ex) {
            if (!faulty || PowerLoss.isCauseOf(ex)) {
                throw ex;
            }
            survive();
        }
    }

    private void step(final int thrown) {
        trace("step " + thrown);
        if (thrown < 60) {
            change();
        } else if (thrown < 84) {
            commit();
        } else if (thrown < 87) {
            scatter(45);
        } else if (thrown < 89) {
            fill();
        } else if (thrown < 91) {
            churn(200 + random.nextInt(1500));
        } else if (thrown < 93) {
            see(store.releasePinned() ? "pinned blocks released" : "no pinned blocks");
            promise();
        } else if (thrown < 95) {
            grow();
        } else if (thrown < 97) {
            reopen();
        } else if (thrown < 98) {
            die();
        } else if (thrown < 100) {
            removeMany();
        } else if (thrown < 102) {
            failFlush();
        } else if (thrown < 103) {
            failWrite();
        } else if (thrown < 105) {
            failSlots();
        } else if (thrown < 106) {
            seal();
        } else if (thrown < 108) {
            touchMany();
        } else if (thrown < 119) {
            reads.readOwn();
        } else if (thrown < 125) {
            reads.read();
        } else if (thrown < 128) {
            overtake();
        } else {
            hollow();
        }
    }

    /** One change that another thread might make at the same time. */
    void change() {
        final int thrown = random.nextInt(10);
        if (thrown < 3) {
            put(random.nextInt(StoreContent.TREE_COUNT), random.nextInt(keys));
        } else if (thrown < 5) {
            remove(random.nextInt(StoreContent.TREE_COUNT), random.nextInt(keys));
        } else if (thrown < 7) {
            begin(1 + random.nextInt(RUN_MAX));
            settle();
        } else if (thrown < 8) {
            begin(1 + random.nextInt(RUN_MAX));
        } else if (thrown < 9) {
            settle();
        } else {
            abandon();
        }
    }

    void put(final int tree, final long key) {
        put(tree, key, random.nextInt(valueMax + 1));
    }

    void put(final int tree, final long key, final int length) {
        final byte[] value = new byte[length];
        random.nextBytes(value);
        locked(() -> putValue(tree, key, value));
    }

    private void putValue(final int tree, final long key, final byte[] value) {
        StoreContent.tree(store, tree)
                .put(StoreContent.hi(key), StoreContent.lo(key), new UnsafeBuffer(value), 0, value.length);
        now.trees.get(tree).put(key, value);
    }

    void remove(final int tree, final long key) {
        locked(() -> {
            final boolean was = now.trees.get(tree).remove(key) != null;
            if (StoreContent.tree(store, tree).remove(StoreContent.hi(key), StoreContent.lo(key)) != was) {
                throw new AssertionError("removed key " + key + " was there: " + !was + ": " + replay);
            }
        });
    }

    /** Leaves change and their parents do not: redirects gather. */
    void touchMany() {
        final int tree = random.nextInt(StoreContent.TREE_COUNT);
        final List<Long> there =
                List.copyOf(now.trees.get(tree).headMap(StoreContent.DATA_KEY).keySet());
        for (int i = there.isEmpty() ? 0 : random.nextInt(50); i > 0; i--) {
            final long key = there.get(random.nextInt(there.size()));
            put(tree, key, now.trees.get(tree).get(key).length);
        }
    }

    /** Trees shrink: nodes are merged and dropped. */
    void removeMany() {
        for (int tree = 0; tree < StoreContent.TREE_COUNT; tree++) {
            for (final long key : List.copyOf(
                    now.trees.get(tree).headMap(StoreContent.DATA_KEY).keySet())) {
                if (random.nextInt(4) > 0) {
                    remove(tree, key);
                }
            }
        }
    }

    /**
     * A range is removed, a little of it comes back, and then all around gets thin: a node loses its first children, the
     * next child takes keys below its own, and the node is merged into its neighbour.
     */
    void hollow() {
        final int tree = random.nextInt(4) == 0 ? random.nextInt(StoreContent.TREE_COUNT) : largestTree();
        final List<Long> there =
                List.copyOf(now.trees.get(tree).headMap(StoreContent.DATA_KEY).keySet());
        final int from = random.nextInt(there.size() + 1);
        final int to = from + random.nextInt(there.size() - from + 1);
        there.subList(from, to).forEach(key -> remove(tree, key));
        for (final long key : there.subList(from, to)) {
            if (random.nextInt(4) == 0) {
                put(tree, key, random.nextInt(60));
            }
        }
        for (int i = 0; i < there.size(); i++) {
            if ((i < from || i >= to) && random.nextInt(8) > 0) {
                remove(tree, there.get(i));
            }
        }
    }

    private int largestTree() {
        int largest = 0;
        for (int tree = 1; tree < StoreContent.TREE_COUNT; tree++) {
            largest = now.trees.get(tree).size() > now.trees.get(largest).size() ? tree : largest;
        }
        return largest;
    }

    /**
     * Look-ups wait while what they found is freed, some commits pass, and others take all blocks that there are: what is
     * read then may be anything, and the reader has to notice.
     */
    void overtake() {
        reads.lookUpAll();
        fill();
        for (final long key : List.copyOf(now.trees
                .get(StoreContent.HEAD)
                .subMap(StoreContent.DATA_KEY, StoreContent.BALLAST_KEY)
                .keySet())) {
            if (random.nextInt(4) > 0) {
                removeData(key);
            }
        }
        for (int commits = random.nextInt(4); commits > 0; commits--) {
            put(0, random.nextInt(keys));
            commit();
        }
        for (int runs = 0; runs < 20 && begin(RUN_MAX); runs++) {
            settle();
        }
        reads.readAll();
    }

    /** Allocates and writes a run, which stays in flight. False when there is none: the store is full, the write failed. */
    boolean begin(final int countMax) {
        store.lock();
        final long run;
        try {
            run = store.allocate(countMax);
        } catch (final NoSpaceException full) {
            see("no space");
            makeRoom();
            return false;
        } finally {
            store.unlock();
        }
        final int count = BlockRun.count(run);
        final int[] crcs = new int[count];
        for (int i = 0; i < count; i++) {
            data.setMemory(i * BLOCK_LENGTH, BLOCK_LENGTH, (byte) 0);
            data.putLong(i * BLOCK_LENGTH + random.nextInt(BLOCK_LENGTH / 8) * 8, ++writes);
            data.putLong(i * BLOCK_LENGTH + random.nextInt(BLOCK_LENGTH / 8) * 8, random.nextLong());
            crcs[i] = Checksum.of(data, i * BLOCK_LENGTH, BLOCK_LENGTH);
        }
        try {
            store.write(BlockRun.block(run), data, 0, count);
        } catch (final StoreException ex) {
            if (!faulty || PowerLoss.isCauseOf(ex)) {
                throw ex;
            }
            see("write failed");
            locked(() -> store.abandon(BlockRun.block(run), count));
            return false;
        }
        unsettled.add(new Unsettled(BlockRun.block(run), count, crcs));
        return true;
    }

    /** A run in flight takes the place of what a data key named. */
    void settle() {
        if (!unsettled.isEmpty()) {
            final Unsettled run = unsettled.remove(random.nextInt(unsettled.size()));
            final long key = StoreContent.DATA_KEY + random.nextInt(keys);
            locked(() -> {
                settle(run.block, run.count, run.checksums);
                freeDataOf(key);
                putValue(StoreContent.HEAD, key, StoreContent.dataValue(run.block, run.count, run.checksums));
            });
        }
    }

    private void settle(final long block, final int count, final int[] crcs) {
        for (int i = 0; i < count; i++) {
            checksums.putInt(i * Integer.BYTES, crcs[i], LITTLE_ENDIAN);
        }
        store.settle(block, count, checksums, 0);
    }

    private void freeDataOf(final long key) {
        final byte[] before = now.trees.get(StoreContent.HEAD).get(key);
        if (before != null) {
            store.free(StoreContent.blockOf(before), StoreContent.countOf(before));
        }
    }

    void removeData(final long key) {
        locked(() -> {
            freeDataOf(key);
            remove(StoreContent.HEAD, key);
        });
    }

    void abandon() {
        if (!unsettled.isEmpty()) {
            final Unsettled run = unsettled.remove(random.nextInt(unsettled.size()));
            locked(() -> store.abandon(run.block, run.count));
        }
    }

    private void makeRoom() {
        for (final long key : List.copyOf(
                now.trees.get(StoreContent.HEAD).tailMap(StoreContent.DATA_KEY).keySet())) {
            if (random.nextBoolean()) {
                removeData(key);
            }
        }
    }

    /** Settles runs that do not touch each other: more than a superblock can name. */
    void scatter(final int runs) {
        for (int i = 0; i < runs; i++) {
            if (!begin(1)) {
                return;
            }
            settle();
            if (begin(1)) {
                abandonNewest();
                // Allocation goes on behind the abandoned block.
            }
        }
    }

    private void abandonNewest() {
        final Unsettled run = unsettled.remove(unsettled.size() - 1);
        locked(() -> store.abandon(run.block, run.count));
    }

    /** Takes nearly all that is free, blocks that nobody writes. */
    void fill() {
        final long key = StoreContent.BALLAST_KEY + random.nextInt(1 << 20);
        ballast(key, (int) Math.min(Integer.MAX_VALUE, store.freeBlocks() - random.nextInt(40)));
    }

    /** Allocates blocks that nobody writes. More than a commit can name, so that it flushes and does not look at them. */
    void ballast(final long firstKey, final int blocks) {
        if (blocks < 1100 || !now.trees.get(StoreContent.HEAD).tailMap(firstKey).isEmpty()) {
            return;
        }
        locked(() -> {
            long key = firstKey;
            for (int left = blocks; left > 0; ) {
                final long run;
                try {
                    run = store.allocate(Math.min(64, left));
                } catch (final NoSpaceException pinned) {
                    if (blocks - left < 1100) { // So few would be listed, and are not what their checksums say.
                        LongStream.range(firstKey, key).forEach(this::removeData);
                    }
                    return;
                }
                settleUnwritten(key++, BlockRun.block(run), BlockRun.count(run));
                left -= BlockRun.count(run);
            }
        });
    }

    /** The blocks belong to a key of ballast. Under the store's lock. */
    void settleUnwritten(final long key, final long block, final int count) {
        settle(block, count, new int[count]);
        putValue(StoreContent.HEAD, key, StoreContent.dataValue(block, count, new int[0]));
    }

    /** Allocates and frees, one by one and backwards, so that each is an entry of the space log. */
    void churn(final int blocks) {
        locked(() -> {
            final List<Long> runs = new ArrayList<>();
            try {
                for (int i = 0; i < blocks; i++) {
                    final long run = store.allocate(1);
                    settle(BlockRun.block(run), 1, new int[1]);
                    runs.add(BlockRun.block(run));
                }
            } catch (final NoSpaceException full) {
                // As many as there are.
            }
            for (int i = runs.size() - 1; i >= 0; i--) {
                store.free(runs.get(i), 1);
            }
        });
    }

    void commit() {
        store.commit();
        promise();
    }

    void grow() {
        see("grown");
        store.grow(store.info().sizeBytes() + (1 + random.nextInt(2048)) * (long) BLOCK_LENGTH);
        promise();
    }

    void reopen() {
        closing = true;
        store.close();
        promise();
        device = device.kill();
        open();
    }

    /** The process is killed; what it had not committed is gone. */
    void die() {
        device = device.kill();
        open();
    }

    /** Time passes until the store seals itself. */
    void seal() {
        final boolean before = paused;
        paused = true; // Nobody else changes anything: the store is idle.
        for (int tick = 0; tick < 6; tick++) {
            store.idle();
            promise();
            time.advance(Duration.ofMillis(600));
        }
        paused = before;
        if (!store.opened().current.sealing()) {
            throw new AssertionError("an idle store is not sealed: " + replay);
        }
        see("sealed");
    }

    // ---- failures of the device

    /** One of the next flushes fails. */
    void failFlush() {
        see("flush fails");
        faulty = true;
        device.faults().failFlush(device.flushes() + random.nextInt(2));
        change();
        if (random.nextInt(4) == 0) {
            reopen(); // The commit that closing makes is the one that meets it.
        }
        commit();
        change();
        commit();
    }

    /** One of the next writes fails: data is written elsewhere, a node ends the store. */
    void failWrite() {
        faulty = true;
        device.faults().failWrite(device.writes() + random.nextInt(8));
        for (int i = 0; i < 6; i++) {
            change();
        }
        commit();
    }

    /** One or both of the slots that are next cannot be written: others take their place. */
    void failSlots() {
        final long[] next = store.opened().current.nextSlots;
        device.faults().failWritesWithin(next[random.nextInt(2)] * BLOCK_LENGTH, BLOCK_LENGTH);
        device.faults().failWritesWithin(next[random.nextInt(2)] * BLOCK_LENGTH, BLOCK_LENGTH);
        put(0, random.nextInt(keys));
        commit();
        see("slot failed");
        device.faults().clear();
    }

    /** After a failure the store either goes on as if nothing had been, or takes no changes and says so. */
    private void survive() {
        final String health = store.info().health();
        if (health.equals("ok")) {
            throw new AssertionError("a commit failed and the store goes on: " + replay);
        }
        if (closing) {
            see("closing failed");
        } else {
            takesNoChanges();
        }
        store.close();
        device = random.nextInt(3) > 0 ? device.kill() : device.powerCycle(random.nextLong());
        open();
    }

    private void takesNoChanges() {
        see("poisoned");
        now.assertHeldBy(store, replay);
        for (final Runnable change : List.<Runnable>of(store::commit, store::releasePinned, () -> begin(1))) {
            try {
                change.run();
                throw new AssertionError("store takes changes after a failure: " + replay);
            } catch (final StoreException ex) {
                if (!ex.getMessage().startsWith("store failed earlier")) {
                    throw ex;
                }
            }
        }
    }

    private void locked(final Runnable change) {
        store.lock();
        try {
            change.run();
        } finally {
            store.unlock();
        }
    }

    // ---- meanwhile

    private void onOperation(final Operation operation) {
        trace(operation);
        onOperation.run();
        guard.operation(operation, store, device.length());
        if (store == null || meanwhile || paused || inFlight == null || store.lockedByCurrentThread()) {
            return;
        }
        if (operation.kind() == Kind.FLUSH_START || operation.kind() == Kind.WRITE && random.nextInt(4) == 0) {
            meanwhile = true;
            try {
                for (int i = random.nextInt(4); i > 0; i--) {
                    change();
                    see(operation.kind() == Kind.FLUSH_START ? "changed during a flush" : "changed during a write");
                }
                if (reads.beside() && random.nextInt(3) == 0) {
                    reads.read();
                }
            } finally {
                meanwhile = false;
            }
        }
    }

    void see(final String what) {
        trace(what);
        seen.merge(what, 1L, Long::sum);
    }

    /** Tells what happens, where a replay asks for it. */
    void trace(final Object what) {
        if (traced) {
            System.out.println("  " + what);
        }
    }

    private void seeCommit() {
        final Superblock sb = store.opened().current;
        see(sb.payloadFlushed() ? "commit, payload flushed first" : "commit, payload listed");
        if (sb.sealing()) {
            see("commit, sealing");
        }
        if (sb.spillBlock != 0) {
            see("commit with spill nodes");
        }
        if (sb.redirects.length / 3 > 32) {
            see("commit with many redirects");
        }
        if (!unsettled.isEmpty()) {
            see("commit with writes in flight");
        }
        if (store.freeBlocks() == 0) {
            see("commit of a full store");
        }
        if (store.opened().geometry.groups(sb.blockCount) > 32) {
            see("commit with many groups of slots");
        }
        for (final int level : sb.rootLevels) {
            if (level > 1) {
                see("commit with three levels");
            }
        }
        if (sb.rootLevels[OpenedStore.SPACE] > 0) {
            see("commit with several leaves of the space tree");
        }
    }
}
