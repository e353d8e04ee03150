package io.icecore.cli.daemon;

import io.icecore.cli.daemon.SimulatedVolumes.Volume;
import io.icecore.recovery.check.CheckReport;
import io.icecore.recovery.check.StoreCheck;
import io.icecore.volume.Snapshot;
import io.icecore.volume.VolumeInfo;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;

/** That the store stands at one moment after a crash, and that it is whole at rest. */
final class SimulatedProof {
    private static final int SAMPLES = 12;

    private final SimulatedWorld world;
    private final SimulatedDeeds deeds;
    private final SimulatedContents contents;
    private final SimulatedReclaimer reclaimer;
    private final SimulatedTimer timer;
    private final SimulatedBallast ballast;

    SimulatedProof(
            final SimulatedWorld world,
            final SimulatedDeeds deeds,
            final SimulatedContents contents,
            final SimulatedReclaimer reclaimer,
            final SimulatedTimer timer,
            final SimulatedBallast ballast) {
        this.world = world;
        this.deeds = deeds;
        this.contents = contents;
        this.reclaimer = reclaimer;
        this.timer = timer;
        this.ballast = ballast;
    }

    // ---- at rest

    /** All deletion done, every block owned once, every byte of every snapshot right. */
    void audit() {
        world.device().losePowerAt(Long.MAX_VALUE);
        world.endFaults();
        reclaimer.allSteps();
        for (final String name : deeds.now().names()) {
            final Volume volume = deeds.now().volume(name);
            contents.prove(world.catalog(), name, volume.chunks);
            volume.snapshots.forEach(
                    (snapshot, kept) -> contents.prove(world.catalog(), name + "@" + snapshot, kept.chunks()));
        }
        SimulatedContents.requireNone(ballast.difference());
        final CheckReport report = new StoreCheck(world.device(), (accounted, total) -> {}).run();
        if (!report.ok()) {
            throw new AssertionError("check: " + report.errors() + ", " + report.blocks());
        }
        world.see("audited");
    }

    // ---- after a crash

    /** Which of the moments since the last acknowledged commit the store stands at: one of them, as a whole. */
    void match() {
        final int uncertain = deeds.uncertain();
        final StringBuilder differences = new StringBuilder();
        for (int count = uncertain; count >= 0; count--) {
            final SimulatedVolumes moment = deeds.after(count);
            final String difference = difference(moment);
            if (difference == null) {
                world.see(count == uncertain ? "opened with all that was done" : "opened without the last");
                SimulatedContents.requireNone(ballast.differenceInSome());
                deeds.standAt(moment);
                timer.learned();
                return;
            }
            differences.append("\n  with ").append(count).append(": ").append(difference);
        }
        throw new AssertionError("the store stands at none of " + (uncertain + 1) + " moments:" + differences);
    }

    private String difference(final SimulatedVolumes moment) {
        final List<String> names = world.catalog().volumes().stream()
                .map(VolumeInfo::name)
                .filter(name -> !name.equals(SimulatedBallast.NAME))
                .toList();
        if (!names.equals(List.copyOf(moment.names()))) {
            return "volumes " + names + " (expected: " + moment.names() + ")";
        }
        if (world.catalog().storePolicy().whenFull() != moment.whenFull) {
            return "store policy " + world.catalog().storePolicy() + " (expected: " + moment.whenFull + ")";
        }
        for (final String name : names) {
            final String difference = difference(name, moment.volume(name));
            if (difference != null) {
                return difference;
            }
        }
        return null;
    }

    private String difference(final String name, final Volume volume) {
        final String policy = world.catalog().policy(name).orElse(null);
        if (!Objects.equals(policy, volume.policy)) {
            return "policy of " + name + " " + policy + " (expected: " + volume.policy + ")";
        }
        String difference = contents.difference(world.catalog(), name, volume.chunks);
        final Map<String, Snapshot> there = new TreeMap<>();
        world.catalog().snapshots(name).forEach(snapshot -> there.put(snapshot.name(), snapshot));
        if (difference == null && timer.interrupted()) {
            difference = timer.learnInterrupted(volume, there);
        }
        if (difference == null) {
            difference = differenceOfSnapshots(name, volume, there);
        }
        return difference == null ? differenceInSome(name, volume) : difference;
    }

    private static String differenceOfSnapshots(
            final String name, final Volume volume, final Map<String, Snapshot> there) {
        if (!there.keySet().equals(volume.snapshots.keySet())) {
            return "snapshots of " + name + " " + there.keySet() + " (expected: " + volume.snapshots.keySet() + ")";
        }
        for (final Snapshot snapshot : there.values()) { // All: a hold is all that two moments may differ in.
            final Set<String> holds = volume.snapshots.get(snapshot.name()).holds();
            if (!snapshot.holds().equals(holds)) {
                return snapshot.spec() + " holds " + snapshot.holds() + " (expected: " + holds + ")";
            }
        }
        return null;
    }

    /** Of some snapshots, or of all when they are few. */
    private String differenceInSome(final String name, final Volume volume) {
        final List<String> names = List.copyOf(volume.snapshots.keySet());
        String difference = null;
        for (int i = 0; difference == null && i < Math.min(SAMPLES, names.size()); i++) {
            final String snapshot = names.size() <= SAMPLES ? names.get(i) : world.oneOf(names);
            difference = contents.difference(
                    world.catalog(),
                    name + "@" + snapshot,
                    volume.snapshots.get(snapshot).chunks());
        }
        return difference;
    }
}
