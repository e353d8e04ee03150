package io.icecore.cli.daemon;

import io.icecore.store.Store;
import io.icecore.store.sim.FaultPlan;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.store.sim.SimClock;
import io.icecore.volume.Catalog;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Where a simulated daemon lives: the throws that decide everything, a clock that moves when it is told to, a device that loses
 * power and reports errors as planned, and the process that has the store open. One process follows another, so whoever asks
 * for the device or the catalogue asks again next time.
 */
final class SimulatedWorld {
    private static final Instant BEGINNING = Instant.parse("2026-11-23T10:00:00Z");

    final SplittableRandom random;
    final SimClock clock = new SimClock(BEGINNING);
    private final Sightings sightings;

    private SimBlockDevice device;
    private Catalog catalog;
    private boolean faulty;
    private String doing;

    /** With a store just formatted, which nobody has opened. */
    SimulatedWorld(final long seed, final Sightings sightings) {
        random = new SplittableRandom(seed);
        this.sightings = sightings;
        device = new SimBlockDevice((16L + 8 * random.nextInt(4)) << 20, seed);
        Store.format(device, "sim");
    }

    boolean oneIn(final int count) {
        return random.nextInt(count) == 0;
    }

    <T> T oneOf(final List<T> all) {
        return all.get(random.nextInt(all.size()));
    }

    void see(final String what) {
        sightings.see(what);
    }

    void lookAtCommit() {
        sightings.lookAtCommit(store());
    }

    Duration elapsed() {
        return Duration.between(BEGINNING, clock.instant());
    }

    // ---- the device

    SimBlockDevice device() {
        return device;
    }

    void losePowerWithin(final int operations) {
        device.losePowerAt(device.operations() + random.nextInt(operations));
    }

    /** Throws where the power is gone, whoever has noticed. */
    void probePower() {
        device.read(0, new UnsafeBuffer(new byte[512]), 0, 512);
    }

    void planFault(final String what, final Consumer<FaultPlan> plan) {
        see("planned: " + what);
        faulty = true;
        plan.accept(device.faults());
    }

    /** Whether a fault was planned: errors of the device are to be expected. */
    boolean faulty() {
        return faulty;
    }

    void endFaults() {
        device.faults().clear();
        faulty = false;
    }

    // ---- the process

    /** @param meanwhile what others do in the midst of each operation of the device */
    void open(final Runnable meanwhile) {
        device.onOperation(operation -> meanwhile.run());
        catalog = Catalog.open(Store.open(device, clock, random.nextBoolean() ? 4 : 1000), clock);
        catalog.letWritesWait();
        sightings.lookAtOpening(store());
    }

    Catalog catalog() {
        return catalog;
    }

    Store store() {
        return catalog.store();
    }

    boolean poisoned() {
        return !store().info().health().equals("ok");
    }

    /** Ends the process; the device is as it left it. */
    void kill() {
        device = device.kill();
        doing = null;
    }

    /** Ends the process with a power loss. */
    void powerCycle() {
        device = device.powerCycle(random.nextLong());
        doing = null;
    }

    /** Takes many steps, and is known by this name while it does. It keeps the name when it fails. */
    void during(final String what, final Runnable steps) {
        doing = what;
        steps.run();
        doing = null;
    }

    /** What takes many steps and is under way, or failed; or null. */
    String doing() {
        return doing;
    }
}
