package io.icecore.cli.daemon;

import io.icecore.store.Store;
import io.icecore.store.device.StoreException;
import io.icecore.store.sim.PowerLoss;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.space.BlockRun;
import java.time.Duration;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * What can happen to a daemon, and how it goes on: power fails, the process is killed or ends in good order, the device reports
 * errors or is full below, the clock is set. After each end of a process the next one must stand where it may.
 */
final class SimulatedTrouble {
    private static final int CHURN_ROUNDS = 17_000;
    private static final String CLOSING = "closing";

    private final SimulatedWorld world;
    private final SimulatedDeeds deeds;
    private final SimulatedPeople people;
    private final SimulatedReclaimer reclaimer;
    private final SimulatedTimer timer;
    private final SimulatedReader reader;
    private final SimulatedProof proof;

    SimulatedTrouble(
            final SimulatedWorld world,
            final SimulatedDeeds deeds,
            final SimulatedPeople people,
            final SimulatedReclaimer reclaimer,
            final SimulatedTimer timer,
            final SimulatedReader reader,
            final SimulatedProof proof) {
        this.world = world;
        this.deeds = deeds;
        this.people = people;
        this.reclaimer = reclaimer;
        this.timer = timer;
        this.reader = reader;
        this.proof = proof;
    }

    // ---- what happens

    /** Most of the time all is well. */
    void step() {
        if (world.faulty() && world.oneIn(3)) {
            world.endFaults();
        }
        final SimBlockDevice device = world.device();
        switch (world.random.nextInt(120)) {
            case 0, 1 -> world.losePowerWithin(120);
            case 2 -> {
                world.see("killed");
                recover(false);
            }
            case 3 -> world.planFault("write fails", faults -> faults.failWrite(soon(device.writes(), 12)));
            case 4 -> world.planFault("flush fails", faults -> faults.failFlush(soon(device.flushes(), 2)));
            case 5 -> world.planFault("read fails", faults -> faults.failRead(soon(device.reads(), 60)));
            case 6 -> world.planFault("no space below", faults -> faults.refuseWritesFrom(soon(device.writes(), 12)));
            case 7 -> {
                world.see("clock jumps ahead");
                world.clock.advance(Duration.ofHours(1 + world.random.nextInt(24 * 20)));
            }
            case 8 -> {
                world.see("clock steps back");
                world.clock.advance(Duration.ofSeconds(-world.random.nextInt(2 * 3600)));
            }
            case 9 -> endInGoodOrder();
            case 10 -> proof.audit();
            case 11 -> {
                if (world.oneIn(4)) {
                    churn();
                }
            }
            default -> {}
        }
    }

    private long soon(final long ordinal, final int within) {
        return ordinal + world.random.nextInt(within);
    }

    private void endInGoodOrder() {
        endConnections();
        world.during(CLOSING, () -> deeds.commit("closed", () -> world.catalog().close()));
        world.kill();
        open();
        proof.match();
    }

    /** So much is allocated and freed that the space log has to be brought to the space tree. */
    private void churn() {
        final Store store = world.store();
        final UnsafeBuffer checksum = new UnsafeBuffer(new byte[Integer.BYTES]);
        deeds.commit("churned", () -> {
            for (int round = 1; round <= CHURN_ROUNDS; round++) {
                store.lock();
                try {
                    final long block = BlockRun.block(store.allocate(1));
                    store.settle(block, 1, checksum, 0); // Nobody's in a moment, so nothing needs to be written.
                    store.free(block, 1);
                } finally {
                    store.unlock();
                }
                if (round % 64 == 0) {
                    store.commit();
                    world.lookAtCommit();
                }
            }
            store.commit();
        });
    }

    // ---- how it goes on

    /** Something failed: throws it again unless it was planned. */
    void overcome(final StoreException failure) {
        final boolean powerLost = PowerLoss.isCauseOf(failure);
        if (!powerLost && !world.faulty()) {
            throw failure;
        }
        final boolean goesOn =
                world.store().noRoomBelow() != null && !world.poisoned() && !CLOSING.equals(world.doing());
        if (goesOn && !timer.interrupted() && !world.oneIn(4)) {
            findRoomBelow();
        } else {
            recover(powerLost);
        }
    }

    /** Somebody makes room in the file system below: the daemon goes on, and what failed for want of it was done or not. */
    private void findRoomBelow() {
        world.endFaults();
        try {
            world.store().commit();
            world.see("went on when there was room below");
            proof.match();
        } catch (final StoreException ex) {
            requirePowerLoss(ex);
            recover(true);
        }
    }

    /** The process is gone, and perhaps the power: opens what is left, as often as it takes, and finds out where it is. */
    private void recover(final boolean powerLost) {
        if (powerLost && world.doing() != null) {
            world.see("power lost while " + world.doing());
        }
        world.see(powerLost ? "power lost" : world.faulty() ? "failed and reopened" : "opened after a kill");
        if (world.poisoned()) {
            world.see("poisoned");
        }
        endConnections();
        for (boolean lost = powerLost, open = false; !open; lost = true) {
            if (lost) {
                world.powerCycle();
            } else {
                world.kill();
            }
            world.endFaults();
            if (world.oneIn(4)) {
                world.losePowerWithin(30);
            }
            try {
                open();
                proof.match();
                open = true;
            } catch (final StoreException ex) {
                requirePowerLoss(ex);
                world.see("power lost while opening");
            }
        }
    }

    private static void requirePowerLoss(final StoreException failure) {
        if (!PowerLoss.isCauseOf(failure)) {
            throw failure;
        }
    }

    private void endConnections() {
        people.end();
        reader.end();
    }

    /** A process begins. */
    void open() {
        reader.end();
        world.open(reader::inMidstOfOperation);
        reclaimer.begin();
        timer.begin();
        reader.begin();
    }
}
