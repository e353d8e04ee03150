package io.icecore.volume;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.icecore.store.Store;
import io.icecore.store.commit.SuperblockSlots;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.NoSpaceException;
import io.icecore.store.format.CorruptStoreException;
import io.icecore.store.format.Superblock;
import io.icecore.store.format.SuperblockLayout;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.sim.SimBlockDevice.Kind;
import io.icecore.store.sim.SimBlockDevice.Operation;
import io.icecore.store.sim.SimClock;
import io.icecore.volume.Moment.Volume;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Function;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * A store that is going to be crashed. Knows at every device operation which moments each commit may hold: exactly one, but
 * while an operation of several steps is under way.
 */
final class CrashStore {
    private static final int TRACE_MAX = 16;
    private static final String OPEN = "open";
    private static final int ROOM_TO_WRITE_MEANWHILE = 200;

    final SplittableRandom random;
    final SimClock clock;

    /** Wraps the device for the store, for tests that break it. */
    Function<BlockDevice, BlockDevice> deviceOf = device -> device;

    /** Called after every operation of the device, before what others do meanwhile. */
    Runnable onOperation = () -> {};

    /** What others do now and then once a commit is cut, while it is flushed. */
    Runnable others = () -> {};

    /** How often each kind of thing was met. */
    Map<String, Long> seen = new TreeMap<>();

    private SimBlockDevice device;
    private Catalog catalog;

    /** What was done, whether durable or not; and what the operation under way may make of it, step by step. */
    private Moment now;

    private List<Moment> ahead = List.of();

    /** The moments that the commit of a generation may hold. */
    private final TreeMap<Long, List<Moment>> commits;

    /** Opening commits that a crash cut short, and their parents, whose slots may be written over by now. */
    private final Map<Long, Long> openings;

    /** The newest commit that somebody was told of. */
    private long acknowledged;

    private String operation = "";

    /** The last operations and what became of them, crashes included: for messages. */
    private final List<String> trace;

    private boolean othersWrite;
    private boolean meanwhile;

    /** A store just formatted. */
    CrashStore(final long length, final long seed) {
        device = new SimBlockDevice(length, seed);
        Store.format(device, "crash");
        random = new SplittableRandom(seed);
        clock = new SimClock(Instant.parse("2026-11-23T10:00:00Z"));
        now = Moment.empty(length);
        commits = new TreeMap<>(Map.of(1L, List.of(now)));
        openings = new HashMap<>();
        acknowledged = 1;
        trace = new ArrayList<>();
    }

    private CrashStore(final CrashStore before, final SimBlockDevice image, final long seed) {
        device = image;
        random = new SplittableRandom(seed);
        clock = new SimClock(before.clock.instant());
        now = before.now;
        commits = new TreeMap<>(before.commits.tailMap(before.acknowledged));
        if (before.catalog != null) { // A superblock that was cut short by the power loss was not noted.
            commits.putIfAbsent(before.catalog.store().opened().current.generation + 1, before.possible());
        }
        openings = new HashMap<>(before.openings);
        if (before.operation.equals(OPEN)) {
            noteOpenings();
        }
        acknowledged = before.acknowledged;
        trace = new ArrayList<>(before.trace);
        note("crash in " + before.operation);
        seen = before.seen;
    }

    /** What a crash of this one left. */
    CrashStore after(final SimBlockDevice image, final long seed) {
        return new CrashStore(this, image, seed);
    }

    SimBlockDevice device() {
        return device;
    }

    Catalog catalog() {
        return catalog;
    }

    Moment now() {
        return now;
    }

    // ---- what was met

    /** What was being done, for messages and for counting where crashes fell. */
    String operation() {
        return operation;
    }

    String trace() {
        return String.join("; ", trace);
    }

    private void note(final String what) {
        trace.add(what);
        if (trace.size() > TRACE_MAX) {
            trace.remove(0);
        }
    }

    void see(final String what) {
        seen.merge(what, 1L, Long::sum);
    }

    // ---- opening

    /** Opens the store and proves that it stands at a moment where a crash may have left it. */
    void open() {
        operation = OPEN;
        device.onOperation(this::onOperation);
        catalog = Catalog.open(Store.open(deviceOf.apply(device), clock, random.nextBoolean() ? 1 : 1000), clock);
        final Superblock opening = catalog.store().opened().current;
        final long chosen = opening.parentGeneration;
        long known = chosen;
        while (known >= acknowledged && !commits.containsKey(known)) {
            known = openings.getOrDefault(known, -1L);
        }
        final List<Moment> possible = commits.get(known);
        if (chosen < acknowledged || possible == null) {
            throw new AssertionError("opened generation " + chosen + " (expected: " + acknowledged
                    + ", which was acknowledged, or one of " + commits.keySet() + ")");
        }
        see(chosen == acknowledged ? "opened acknowledged" : "opened in flight");
        note("opened " + chosen + " after " + acknowledged);
        now = match(possible);
        commits.put(opening.generation, List.of(now));
        acknowledged = opening.generation;
    }

    /** An opening commit that nobody was told of holds what its parent does. */
    private void noteOpenings() {
        new SuperblockSlots(device, SuperblockSlots.find(device))
                .readAll(true).copies().stream()
                        .filter(copy -> (copy.flags & SuperblockLayout.FLAG_OPENING) != 0)
                        .forEach(copy -> openings.put(copy.generation, copy.parentGeneration));
    }

    /** The process is gone; what it had not committed is too. */
    void kill() {
        device = device.kill();
        open();
    }

    void requireShowing(final Moment moment) {
        match(List.of(moment));
    }

    /** Which of these moments the store shows. Newest first: that is what it mostly is. */
    private Moment match(final List<Moment> possible) {
        final StringBuilder differences = new StringBuilder();
        for (int i = possible.size() - 1; i >= 0; i--) {
            final String difference = possible.get(i).difference(catalog);
            if (difference == null) {
                return possible.get(i);
            }
            differences.append("\n  step ").append(i).append(": ").append(difference);
        }
        throw new AssertionError("the store shows none of " + possible.size() + " moments:" + differences);
    }

    // ---- operations

    /** Runs an operation that takes the store through these moments, the last of which stands when it has returned. */
    void perform(final String what, final List<Moment> steps, final Runnable action) {
        perform(what, steps, false, action);
    }

    /** @param durable whether that last moment must be in a commit by then */
    void perform(final String what, final List<Moment> steps, final boolean durable, final Runnable action) {
        operation = what;
        see(what);
        note(what);
        ahead = new ArrayList<>(steps);
        try {
            action.run();
            if (durable) {
                requireCommitted(steps.isEmpty() ? now : steps.get(steps.size() - 1));
            }
            now = ahead.isEmpty() ? now : ahead.get(ahead.size() - 1);
        } catch (final NoSpaceException full) {
            see("no space");
            note("no space: " + full.getMessage());
            now = reached(possible());
        } finally {
            othersWrite = false;
        }
        ahead = List.of();
        acknowledged = catalog.store().opened().current.generation;
    }

    /** Runs one that is durable when it has returned; meanwhile, once its commit is cut, others may write. */
    void performShared(final String what, final Moment after, final Runnable action) {
        othersWrite = true;
        perform(what, List.of(after), true, action);
    }

    private void requireCommitted(final Moment moment) {
        final long generation = catalog.store().opened().current.generation;
        if (commits.get(generation).stream().noneMatch(moment::equals)) {
            throw new AssertionError(operation + " was answered, and generation " + generation + " does not hold it");
        }
    }

    /** Where an operation that found no room ended. What a client writes is looked for in its volume only: that is quick. */
    private Moment reached(final List<Moment> steps) {
        final String name = Moment.BALLAST;
        final Volume ballast = steps.get(steps.size() - 1).volumes().get(name);
        if (ballast == null || ballast == steps.get(0).volumes().get(name)) {
            return match(steps);
        }
        for (final Moment step : steps) {
            if (Moment.difference(catalog, name, step.volumes().get(name).head()) == null) {
                return step;
            }
        }
        throw new AssertionError(operation + " found no room and left something else");
    }

    /** What there is when the operation under way has returned. */
    Moment last() {
        return ahead.get(ahead.size() - 1);
    }

    /** Somebody else has done something, after the cut of the commit that is flushing now. */
    void doneMeanwhile(final Moment moment) {
        ahead.add(moment);
    }

    // ---- the device

    private void onOperation(final Operation operationDone) {
        if (operationDone.kind() == Kind.WRITE && operationDone.length() == BLOCK_LENGTH) {
            noteSuperblock(operationDone.position());
        }
        onOperation.run();
        if (othersWrite
                && !meanwhile
                && operationDone.kind() == Kind.FLUSH_START
                && random.nextInt(3) == 0
                && roomWithoutCommit() > ROOM_TO_WRITE_MEANWHILE) {
            meanwhile = true;
            try {
                others.run();
            } finally {
                meanwhile = false;
            }
        }
    }

    /** A write that finds no room commits, which the thread that is in the midst of a commit must not. */
    private long roomWithoutCommit() {
        return catalog.store().freeBlocks() - catalog.store().opened().space.withheldBlocks();
    }

    /** From the first copy of a superblock on, its commit may be what a crash leaves. */
    private void noteSuperblock(final long position) {
        final UnsafeBuffer block = new UnsafeBuffer(new byte[BLOCK_LENGTH]);
        device.read(position, block, 0, BLOCK_LENGTH);
        if (block.getLong(0, LITTLE_ENDIAN) != SuperblockLayout.MAGIC) {
            return;
        }
        final Superblock superblock;
        try {
            superblock = Superblock.decode(block, 0, position / BLOCK_LENGTH);
        } catch (final CorruptStoreException ex) {
            throw new AssertionError("written superblock", ex);
        }
        if (commits.containsKey(superblock.generation)) {
            return;
        }
        if ((superblock.flags & SuperblockLayout.FLAG_OPENING) == 0) {
            commits.put(superblock.generation, possible());
            seeCommit(superblock);
        }
    }

    private List<Moment> possible() {
        final List<Moment> possible = new ArrayList<>(List.of(now));
        possible.addAll(ahead);
        return possible;
    }

    private void seeCommit(final Superblock superblock) {
        see("commit");
        if (superblock.payloadFlushed()) {
            see("flush first");
        }
        if (superblock.sealing()) {
            see("sealing commit");
        }
        if (superblock.spillBlock != 0) {
            see("spill");
        }
        if (superblock.redirects.length > 0) {
            see("redirects");
        }
    }
}
