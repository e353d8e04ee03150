package io.icecore.volume;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Power fails, or the process is killed, at every device operation of scripted and of random work on volumes and snapshots,
 * with different outcomes each; then again during or after opening, and once more.
 *
 * <p>Checked after each: the store opens; it stands at exactly the moment of one commit, of all volumes together, that is
 * the last acknowledged one or the one in flight; every byte of every head and snapshot is of that moment, and so are sizes,
 * labels, holds and policies; every block has one owner and none is lost; deletion resumes and ends, with exactly the blocks
 * in use that some head or kept snapshot needs. A failure prints the line that replays it.
 */
class SnapshotCrashTest {
    /** Every kind of operation that the workload knows: each has to be crashed in. */
    private static final String[] OPERATIONS = {
        "open", "create volume", "write", "write, durable", "zero", "trim", "snapshot", "group snapshot", "delete",
        "delete several", "reclaim", "clone", "rollback", "flatten", "commit", "flush", "hold", "release",
        "resize volume", "policy", "delete volume", "grow", "close", "idle", "release pinned", "defragment", "drain"
    };

    /** Fixed seeds, the same in every build; then fresh ones until the time is over. */
    private static final int SEEDS = 6;

    private static final int SECONDS = Integer.getInteger("snapshot.seconds", 12);
    private static final int STEPS = 40;

    @Test
    void opensAtOneCommitAfterACrashAtAnyOperation() {
        final SnapshotCrashSearch search = new SnapshotCrashSearch();
        final long start = System.nanoTime();
        search.run("tour", 1, 2, work("tour"));
        search.run("full", 2, 1, work("full"));
        for (long seed = 1; seed <= SEEDS; seed++) {
            search.run("random", seed, 1, work("random"));
        }
        search.deadline = start + SECONDS * 1_000_000_000L;
        for (long seed = System.nanoTime() & 0xFFFF_FFFFL; System.nanoTime() < search.deadline; seed++) {
            search.run("random", seed, 1, work("random"));
        }
        report(search, start);
        assertThat(search.crashes).containsKeys(OPERATIONS);
        assertThat(search.seen)
                .containsKeys(
                        "opened acknowledged",
                        "opened in flight",
                        "wrote meanwhile",
                        "no space",
                        "flush first",
                        "sealing commit",
                        "redirects",
                        "spill",
                        "finished",
                        "killed");
    }

    @Test
    @Tag("nightly")
    void opensAtOneCommitAfterManyMore() {
        final long first = Long.getLong("snapshot.first", System.nanoTime() & 0xFFFF_FFFFL);
        final SnapshotCrashSearch search = new SnapshotCrashSearch();
        final long start = System.nanoTime();
        final long end = start + Long.getLong("snapshot.minutes", 30) * 60_000_000_000L;
        for (long seed = first; System.nanoTime() < end; seed++) {
            final String name = seed % 8 == 0 ? "full" : seed % 8 == 1 ? "tour" : "random";
            search.run(name, seed, 4, work(name));
        }
        report(search, start);
    }

    @Test
    @Tag("nightly")
    void replay() {
        if (System.getProperty("snapshot.seed") != null) {
            final SnapshotCrashSearch search = new SnapshotCrashSearch();
            search.only(Long.getLong("snapshot.point", -1), Long.getLong("snapshot.outcome", -1));
            final long seed = Long.getLong("snapshot.seed");
            final String name = System.getProperty("snapshot.workload", "random");
            search.run(name, seed, 4, work(name));
        }
    }

    static Consumer<CrashVolumes> work(final String name) {
        return switch (name) {
            case "tour" -> SnapshotCrashTest::tour;
            case "full" -> SnapshotCrashTest::full;
            default -> volumes -> volumes.run(STEPS);
        };
    }

    /** Each kind of operation at least a few times, whatever the throws. */
    private static void tour(final CrashVolumes volumes) {
        volumes.create();
        volumes.create();
        for (int round = 0; round < 4; round++) {
            volumes.clients.write(volumes.someVolume());
            volumes.snapshot();
            volumes.clients.write(volumes.someVolume());
            for (int i = 0; i < 4; i++) {
                volumes.clients.zeroOrTrim(volumes.someVolume());
            }
            volumes.snapshot();
            volumes.holdOrRelease();
            volumes.branch();
            volumes.clients.write(volumes.someVolume());
            volumes.setPolicy();
            volumes.delete();
            volumes.reclaim();
            volumes.drain();
            volumes.clients.scatter(volumes.someVolume());
            volumes.grow();
            volumes.resize();
            volumes.branch();
            volumes.delete();
            volumes.releasePinned();
            volumes.idle();
            volumes.holdOrRelease();
            volumes.reopen();
            volumes.create();
        }
        volumes.die();
    }

    /** With hardly any room left, until the volume that takes it is deleted. */
    private static void full(final CrashVolumes volumes) {
        volumes.run(15);
        volumes.full(30);
        volumes.deleteVolume();
        volumes.die();
        volumes.run(5);
    }

    private static void report(final SnapshotCrashSearch search, final long start) {
        final double seconds = (System.nanoTime() - start) / 1e9;
        System.out.printf(
                "SnapshotCrashTest: %d states, %.0f a second; crashes in %s; seen %s%n",
                search.states, search.states / seconds, search.crashes, search.seen);
    }
}
