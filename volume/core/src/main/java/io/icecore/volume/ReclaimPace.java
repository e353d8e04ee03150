package io.icecore.volume;

import io.icecore.store.Store;
import java.util.function.BooleanSupplier;
import org.agrona.concurrent.NanoClock;

/**
 * When the background works on deletions, and how much of the time.
 *
 * <p>Lazily: what rolling snapshots leave gathers until it is worth a batch, because then a leaf of the history that is
 * visited gives up many entries for one rewriting. The slack allowed for that is a twentieth of what is used, and never
 * more than a quarter of what is free: as space gets short it shrinks to nothing. What a person deletes is in a hurry.
 *
 * <p>Gently: while clients are at work a step is short and changes few leaves, so that no commit of theirs has much to carry for it; a pause of
 * several times its length follows, and lasts until they have sent some number of requests: so most commits carry nothing
 * of it, though each is that of a client which flushes after every write. As the backlog grows pauses get shorter, and at
 * last depend on time alone, since one long write may leave more versions than a step visits. Idle clients,
 * or writes that wait for room, give it all of the time.
 *
 * <p>One thread calls {@link #step()}; the rest any.
 */
final class ReclaimPace {
    private static final int USED_PER_SLACK = 20;
    private static final int FREE_PER_SLACK = 4;

    /** A store with less than this part free is short of space. */
    private static final int SHORT_PART = 50;

    private static final long GATHERING_NANOS_MAX = 600_000_000_000L;
    private static final int ENTRIES_BESIDE_CLIENTS = 64;

    /** Leaves that a commit of a client has to carry for a step: 32 KiB. */
    private static final int NODES_BESIDE_CLIENTS = 8;

    /** Requests between two steps: twenty writes, each with its flush. */
    private static final int REQUESTS_PER_STEP = 40;

    private static final int REQUESTS_PER_STEP_BEHIND = 20;

    /** A backlog of so many times the slack. */
    private static final int BEHIND_SLACKS = 2;

    private static final int FAR_BEHIND_SLACKS = 4;

    private static final double SHARE_BESIDE_CLIENTS = 0.2;
    private static final double SHARE_BEHIND = 0.5;
    private static final long IDLE_MILLIS = 1000;
    private static final long GATHERING_MILLIS = 200;
    private static final long PAUSE_MILLIS_MAX = 100;
    private static final long WAIT_MILLIS = 2;
    private static final long RATE_NANOS = 1_000_000_000;
    private static final long NANOS_PER_MILLI = 1_000_000;

    /** Visits at most so many entries and changes so many nodes, or does other work of the background; false: there is none. */
    @FunctionalInterface
    interface Steps {
        boolean step(int entriesMax, int nodesMax);
    }

    private final Volumes volumes;
    private final Store store;
    private final Reclaimer reclaimer;
    private final Steps steps;
    private final BooleanSupplier others;
    private final NanoClock clock;

    private volatile boolean hurry;
    private volatile boolean running;

    /** When the present backlog was first seen; 0 while there is none. */
    private long gatheringSince;

    private long requestsAtStep;
    private long stepEnd;
    private long rateSince;
    private long reclaimedAtRate;
    private volatile long bytesPerSecond;
    private volatile long reclaimedAtStart;

    /**
     * @param others does other work of the background only
     */
    ReclaimPace(
            final Volumes volumes,
            final Reclaimer reclaimer,
            final Steps steps,
            final BooleanSupplier others,
            final NanoClock clock) {
        this.volumes = volumes;
        store = volumes.store();
        this.reclaimer = reclaimer;
        this.steps = steps;
        this.others = others;
        this.clock = clock;
    }

    /** Somebody waits for the space of what is deleted by now. */
    void hurry() {
        hurry = true;
    }

    /** Does one step of work if one is due. Returns how long to pause before the next, in milliseconds. */
    long step() {
        final long pendingChunks = reclaimer.pendingChunks();
        final long begin = clock.nanoTime();
        if (!due(pendingChunks, begin)) {
            measure(begin);
            final long idle = pendingChunks < 0 ? IDLE_MILLIS : GATHERING_MILLIS;
            return others.getAsBoolean() ? 1 : idle;
        }
        final long requests = volumes.requests() - requestsAtStep;
        // One that waits has sent nothing lately: it may be this that it waits for.
        final boolean clientsIdle = requests == 0 && !volumes.requestsInFlight();
        final double share = clientsIdle ? 1 : share(pendingChunks);
        final boolean gently = share < 1;
        if (gently
                && requests < requestsPerStep(pendingChunks)
                && begin - stepEnd < PAUSE_MILLIS_MAX * NANOS_PER_MILLI) {
            return WAIT_MILLIS;
        }
        requestsAtStep += requests;
        steps.step(
                gently ? ENTRIES_BESIDE_CLIENTS : Reclaimer.ENTRIES_PER_STEP,
                gently ? NODES_BESIDE_CLIENTS : Integer.MAX_VALUE);
        stepEnd = clock.nanoTime();
        measure(stepEnd);
        final double pauseNanos = (stepEnd - begin) * (1 - share) / share;
        return Math.min(PAUSE_MILLIS_MAX, Math.round(Math.ceil(pauseNanos / NANOS_PER_MILLI)));
    }

    /** Requests of clients to wait for between two steps. */
    private int requestsPerStep(final long pendingChunks) {
        if (pendingChunks > FAR_BEHIND_SLACKS * slackChunks()) {
            return 0;
        }
        return behind(pendingChunks) ? REQUESTS_PER_STEP_BEHIND : REQUESTS_PER_STEP;
    }

    private boolean behind(final long pendingChunks) {
        return pendingChunks > BEHIND_SLACKS * slackChunks();
    }

    private boolean due(final long pendingChunks, final long now) {
        if (pendingChunks < 0) {
            running = false;
            hurry = false;
            gatheringSince = 0;
            return false;
        }
        if (gatheringSince == 0) {
            gatheringSince = now;
        }
        if (!running
                && (hurry
                        || pendingChunks >= slackChunks()
                        || volumes.waiting().count() > 0
                        || now - gatheringSince > GATHERING_NANOS_MAX)) {
            running = true; // Until nothing is left: a batch.
            reclaimedAtStart = reclaimer.reclaimedBytes();
        }
        return running;
    }

    /** Chunks that may gather before a batch begins. */
    private long slackChunks() {
        return Math.min(store.usedBlocks() / USED_PER_SLACK, store.freeBlocks() / FREE_PER_SLACK);
    }

    /** The part of the time to work beside clients. */
    private double share(final long pendingChunks) {
        final long free = store.freeBlocks();
        if (volumes.waiting().count() > 0 || free < (store.usedBlocks() + free) / SHORT_PART) {
            return 1;
        }
        return behind(pendingChunks) ? SHARE_BEHIND : SHARE_BESIDE_CLIENTS;
    }

    private void measure(final long now) {
        if (rateSince == 0) {
            rateSince = now;
            reclaimedAtRate = reclaimer.reclaimedBytes();
        } else if (now - rateSince >= RATE_NANOS) {
            final long reclaimed = reclaimer.reclaimedBytes();
            bytesPerSecond = (reclaimed - reclaimedAtRate) * RATE_NANOS / (now - rateSince);
            rateSince = now;
            reclaimedAtRate = reclaimed;
        }
    }

    /** How far background deletion has come. */
    ReclaimStatus status() {
        final ReclaimStatus now = reclaimer.status();
        final boolean works = running && now.records() > 0;
        final long rate = works ? bytesPerSecond : 0;
        return new ReclaimStatus(
                now.records(),
                now.regionsLeft(),
                now.reclaimedBytes(),
                now.pendingBytes(),
                works,
                works ? now.reclaimedBytes() - reclaimedAtStart : 0,
                rate,
                rate > 0 ? now.pendingBytes() / rate : -1);
    }
}
