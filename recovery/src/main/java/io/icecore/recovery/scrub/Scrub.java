package io.icecore.recovery.scrub;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.recovery.check.CheckProgress;
import io.icecore.recovery.check.CheckReport;
import io.icecore.recovery.check.CommitReader;
import io.icecore.recovery.check.Findings;
import io.icecore.recovery.check.Owners;
import io.icecore.recovery.check.SideBySide;
import io.icecore.recovery.check.StoreCheck;
import io.icecore.recovery.check.TreeWalk;
import io.icecore.store.commit.OpenedStore;
import io.icecore.store.commit.Opener;
import io.icecore.store.commit.SuperblockSlots;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.StoreException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.NodePage;
import io.icecore.store.format.Superblock;
import io.icecore.store.space.SlotGeometry;
import io.icecore.store.tree.Key;
import io.icecore.volume.map.Extent;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Checks the structure of a store, then reads every chunk of data that some volume or snapshot sees, and verifies it.
 *
 * <p>The head's chunks come first, then the history's, each in the order of keys, in batches. A batch that looks damaged is read
 * again on what is then the newest commit, the writer having been asked to reuse nothing meanwhile: so reuse is never
 * called damage, nothing is held back from the writer for longer than a batch, and a scrub of hours costs it no space. What
 * moves meanwhile moves from the head to the history, which is read later; what is written meanwhile is new.
 *
 * <p>A scrub that was stopped goes on from its {@link ScrubState}.
 */
public final class Scrub {
    /** Told now and then how far it has come; may throw, which ends the scrub. Also called while it waits. */
    @FunctionalInterface
    public interface Progress {
        void chunks(long read, long total);
    }

    private static final int CHUNKS_PER_BATCH = 2048;
    private static final int CHUNKS_PER_BATCH_MIN = 64;
    private static final int ATTEMPTS_MAX = 20;
    private static final int READERS = 4;
    private static final long PAUSE_NANOS = 50_000_000;

    /** Somebody who holds the store while one batch is read. */
    public interface Reading extends AutoCloseable {
        /** Of a store that nobody writes, or whose writer knows nothing of this. */
        Reading NONE = new Reading() {
            @Override
            public boolean undisturbed() {
                return false;
            }

            @Override
            public void close() {}
        };

        /** Whether the writer has reused no block since this began. */
        boolean undisturbed();

        @Override
        void close();
    }

    private final BlockDevice device;
    private final Supplier<Reading> readings;
    private final SlotGeometry geometry;
    private final Clock clock;
    private final Throttle throttle;
    private final int chunksPerBatch;
    private final List<DamagedChunk> damage = new ArrayList<>();
    private ScrubState state;
    private Superblock standing;

    /**
     * @param rate     bytes a second, 0: as fast as the device reads
     * @param readings asks the writer, if there is one, to reuse nothing for a while
     */
    public Scrub(final BlockDevice device, final Clock clock, final long rate, final Supplier<Reading> readings) {
        this.device = device;
        this.readings = readings;
        this.clock = clock;
        geometry = SuperblockSlots.find(device);
        throttle = new Throttle(rate, System::nanoTime);
        // At a low rate small batches: half a second each, so that it reads evenly.
        final long chunks = rate == 0 ? CHUNKS_PER_BATCH : rate / 2 / BLOCK_LENGTH;
        chunksPerBatch = (int) Math.max(CHUNKS_PER_BATCH_MIN, Math.min(CHUNKS_PER_BATCH, chunks));
        standing = newest();
        state = ScrubState.begin(standing.storeId, clock.instant());
    }

    /**
     * Goes on where another scrub of this store was stopped. False, and nothing is changed, where the state is that of
     * another store or of a scrub that came to its end.
     */
    public boolean resume(final ScrubState stopped) {
        if (stopped == null || stopped.ended() != null || !stopped.storeId().equals(state.storeId())) {
            return false;
        }
        state = stopped;
        damage.addAll(stopped.damage());
        return true;
    }

    /** How far it has come: what {@link #resume} takes. */
    public ScrubState state() {
        return state;
    }

    /**
     * Runs to the end.
     *
     * @param saved told of the state after each batch; may save it, or not
     */
    public ScrubReport run(final CheckProgress structure, final Progress data, final Consumer<ScrubState> saved) {
        final CheckReport checked = check(structure);
        try (SideBySide threads = new SideBySide("scrub", READERS)) {
            final int begin = state.tree() == 0 ? OpenedStore.HEAD : state.tree();
            for (int tree = begin; tree <= OpenedStore.HISTORY; tree++) {
                if (tree != state.tree()) {
                    at(tree, 0, 0, state.chunksRead());
                }
                while (step(threads, data)) {
                    saved.accept(state);
                }
            }
        }
        state = new ScrubState(
                state.storeId(),
                state.begun(),
                clock.instant(),
                0,
                0,
                0,
                state.chunksRead(),
                state.chunksRead(),
                damage);
        saved.accept(state);
        return new ScrubReport(checked, state.chunksRead(), damage);
    }

    private CheckReport check(final CheckProgress progress) {
        try (Reading reading = readings.get()) {
            return new StoreCheck(device, progress, reading::undisturbed).run();
        }
    }

    private void at(final int tree, final long hi, final long lo, final long chunksRead) {
        final long total = Math.max(chunksRead, standing.usedBlocks);
        state = new ScrubState(state.storeId(), state.begun(), null, tree, hi, lo, chunksRead, total, damage);
    }

    /** One batch. False at the end of the tree. */
    private boolean step(final SideBySide threads, final Progress progress) {
        final Collector once = read(threads, progress);
        if (once.sound()) {
            return take(once, progress);
        }
        for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
            try (Reading reading = readings.get()) {
                standing = newest();
                final Collector again = read(threads, progress);
                if (again.sound() || reading.undisturbed() || newest().generation <= standing.generation + 1) {
                    return take(again, progress);
                }
            }
        }
        throw new StoreException(
                "store changes faster than it can be read; " + ATTEMPTS_MAX + " attempts: " + device.name());
    }

    private Collector read(final SideBySide threads, final Progress progress) {
        final Collector batch = new Collector(new CommitReader(device, geometry, standing));
        batch.collect();
        batch.bad = batch.chunks.verify(threads, () -> progress.chunks(state.chunksRead(), state.chunksTotal()));
        return batch;
    }

    private boolean take(final Collector batch, final Progress progress) {
        report(batch.bad, new Owners(batch.commit));
        at(state.tree(), batch.nextHi, batch.nextLo, state.chunksRead() + batch.chunks.size());
        pause(batch.chunks.size(), progress);
        return !batch.ended;
    }

    private Superblock newest() {
        return Opener.newestReadable(device, new SuperblockSlots(device, geometry));
    }

    private void report(final List<Batch.Bad> bad, final Owners owners) {
        for (final Batch.Bad chunk : bad) {
            final DamagedChunk damaged = new DamagedChunk(
                    owners.of(chunk.branch(), chunk.birth(), chunk.death()),
                    chunk.chunk(),
                    chunk.block(),
                    chunk.expected(),
                    chunk.found());
            if (damage.size() < Findings.KEPT_MAX) {
                damage.add(damaged);
            }
        }
    }

    private void pause(final int chunks, final Progress progress) {
        long left = throttle.pauseNanosAfter((long) chunks * BLOCK_LENGTH);
        while (left > 0) {
            progress.chunks(state.chunksRead(), state.chunksTotal());
            final long now = System.nanoTime();
            try {
                TimeUnit.NANOSECONDS.sleep(Math.min(left, PAUSE_NANOS));
            } catch (final InterruptedException ex) {
                throw new AssertionError("nobody interrupts this thread", ex);
            }
            left -= System.nanoTime() - now;
        }
    }

    /** Gathers whole leaves from the state's key on, until there are enough chunks. */
    private final class Collector implements TreeWalk.Visitor {
        private final CommitReader commit;
        private final Batch chunks = new Batch(device);
        private final Extent extent = new Extent();
        private List<Batch.Bad> bad;
        private boolean ended;
        private boolean nodesDamaged;
        private long nextHi = state.hi();
        private long nextLo = state.lo();

        Collector(final CommitReader commit) {
            this.commit = commit;
        }

        void collect() {
            ended = new TreeWalk(commit, this).walkFrom(state.tree(), state.hi(), state.lo());
        }

        boolean sound() {
            return bad.isEmpty() && !nodesDamaged;
        }

        @Override
        public boolean node(final int tree, final int level, final long home, final NodePage page) {
            for (int index = 0; level == 0 && index < page.count(); index++) {
                if (page.compare(index, state.hi(), state.lo()) >= 0) {
                    add(page, index, OpenedStore.holdsHistory(tree));
                    next(page.hi(index), page.lo(index));
                }
            }
            return level > 0 || chunks.size() < chunksPerBatch;
        }

        private void add(final NodePage page, final int index, final boolean history) {
            try {
                chunks.add(extent.read(page, index, history));
            } catch (final CorruptStoreException ex) {
                nodesDamaged = true; // Told by the check of the structure.
            }
        }

        private void next(final long hi, final long lo) {
            nextHi = lo == -1 ? hi + 1 : hi;
            nextLo = lo + 1;
        }

        @Override
        public void damaged(final int tree, final int level, final long home, final StoreException problem) {
            nodesDamaged = true; // Told by the check of the structure.
        }
    }

    static {
        assert Key.compare(0, -1, 1, 0) < 0; // What next() relies on.
    }
}
