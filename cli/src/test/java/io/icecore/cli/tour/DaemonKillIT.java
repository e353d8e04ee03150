package io.icecore.cli.tour;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.cli.daemon.CatalogOpening;
import io.icecore.recovery.check.CheckReport;
import io.icecore.recovery.check.StoreCheck;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.FileBlockDevice;
import io.icecore.volume.Catalog;
import io.icecore.volume.Export;
import io.icecore.volume.Snapshot;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The real daemon under load from several clients, with snapshots, deletions and the timer at work, killed with SIGKILL in
 * the midst of it, again and again; and its file copied while it runs.
 *
 * <p>Checked after each: {@link StoreCheck} finds nothing on the file as it was left; the daemon opens it; each head holds
 * exactly what its clients had written up to some moment, not before their last answered flush; snapshots that were answered
 * are there, deleted ones gone, group snapshots whole, and every snapshot still holds what it always did.
 *
 * <p>{@code -Dkill.rounds=500} for long nights, {@code -Dkill.seed=N} to repeat the throws, though not the timing.
 */
class DaemonKillIT {
    private static final int ROUNDS = Integer.getInteger("kill.rounds", 10);
    private static final int COPIES = Integer.getInteger("kill.copies", 8);
    private static final long SEED = Long.getLong("kill.seed", System.nanoTime() & 0xFFFF_FFFFL);
    private static final int LIFE_MILLIS_MIN = 100;
    private static final int LIFE_MILLIS_MAX = 1500;
    private static final int ROUNDS_TOLD = 25;
    private static final String STORE_SIZE = "1G";

    @TempDir
    Path folder;

    private final Random random = new Random(SEED);
    private Path mounted;

    @BeforeEach
    void sayHowToRepeat() {
        System.out.println("DaemonKillIT -Dkill.seed=" + SEED);
    }

    @AfterEach
    void unmount() throws Exception {
        if (mounted != null) {
            ExternalTool.require("umount").runSuccessfully(mounted.toString()); // Detaches the loop device as well.
        }
    }

    @Test
    void losesNothingThatWasAcknowledgedWhenItIsKilled() throws Exception {
        final Path store = folder.resolve("kill.icecore");
        try (Icecore icecore = new Icecore(store, folder)) {
            final DiskLoad load = create(icecore, store);
            for (int round = 1; round <= ROUNDS; round++) {
                final String when = "round " + round + " of -Dkill.seed=" + SEED;
                final Icecore.Server server = icecore.serve(folder.resolve("nbd"), DiskLoad.FIRST);
                load.prove(volume -> names(load, volume), overNbd(server), when);
                load.runUntil(server, () -> {
                    Thread.sleep(random.nextInt(LIFE_MILLIS_MIN, LIFE_MILLIS_MAX));
                    server.kill();
                    return null;
                });
                check(store, when);
                if (round % ROUNDS_TOLD == 0) {
                    System.out.println("DaemonKillIT: " + round + " kills survived so far; " + load.seen);
                }
            }
            final Icecore.Server server = icecore.serve(folder.resolve("nbd"), DiskLoad.FIRST);
            load.prove(volume -> names(load, volume), overNbd(server), "after the last round of -Dkill.seed=" + SEED);
            assertThat(server.stop()).isZero();
            check(store, "after a clean end");
            System.out.println("DaemonKillIT: " + ROUNDS + " kills survived; " + load.seen);
            assertThat(load.seen)
                    .containsKeys("snapshot proved", "rolling snapshot proved", "snapshot kept", "snapshot gone");
        }
    }

    /** A copy of the file at one instant is what a power loss with a kind device would leave. */
    @Test
    void canBeOpenedFromACopyOfItsFileMadeWhileItRuns() throws Exception {
        final Path place = fileSystemThatClonesFiles();
        final Path store = place.resolve("live.icecore");
        final List<Path> copies = new ArrayList<>();
        final List<int[]> floors = new ArrayList<>();
        final List<int[]> ends = new ArrayList<>();
        try (Icecore icecore = new Icecore(store, folder)) {
            final DiskLoad load = create(icecore, store);
            final Icecore.Server server = icecore.serve(folder.resolve("nbd"), DiskLoad.FIRST);
            load.runUntil(server, () -> {
                for (int i = 0; i < COPIES; i++) {
                    Thread.sleep(random.nextInt(50, 800));
                    final Path copy = place.resolve("copy" + i + ".icecore");
                    floors.add(ordinals(load, true));
                    ExternalTool.require("cp").runSuccessfully("--reflink=always", store.toString(), copy.toString());
                    ends.add(ordinals(load, false));
                    copies.add(copy);
                }
                server.kill();
                return null;
            });
            for (int i = 0; i < copies.size(); i++) {
                final String when = "copy " + i + " of -Dkill.seed=" + SEED;
                check(copies.get(i), when);
                try (Catalog catalog = CatalogOpening.forWriting(copies.get(i), Clock.systemUTC())) {
                    load.proveCopy(
                            volume -> catalog.snapshots(volume).stream()
                                    .map(Snapshot::name)
                                    .toList(),
                            (spec, offset, target) -> read(catalog, spec, offset, target),
                            when,
                            floors.get(i),
                            ends.get(i),
                            false);
                }
                check(copies.get(i), when + ", opened and closed");
            }
            System.out.println("DaemonKillIT: " + copies.size() + " copies of a running store proved; " + load.seen);
            assertThat(load.seen).containsKeys("snapshot proved");
        }
    }

    private DiskLoad create(final Icecore icecore, final Path store) throws Exception {
        icecore.run("store", "create", store.toString(), "--size", STORE_SIZE);
        for (final String volume : List.of(DiskLoad.FIRST, DiskLoad.SECOND)) {
            icecore.run("volume", "create", volume, "--size", Long.toString(DiskLoad.VOLUME_BYTES));
        }
        icecore.run("policy", "set", DiskLoad.SECOND, "--every", "1s", "--keep", "6s:all", "--keep-last", "2");
        return new DiskLoad(store.resolveSibling(store.getFileName() + ".sock"), random);
    }

    private static List<String> names(final DiskLoad load, final String volume) throws IOException {
        final List<?> snapshots = (List<?>) JsonReader.read(load.command("snapshot", "list", volume, "--json"));
        return snapshots.stream()
                .map(snapshot -> (Map<?, ?>) snapshot)
                .filter(snapshot -> snapshot.get("state").equals("live"))
                .map(snapshot -> (String) snapshot.get("name"))
                .collect(Collectors.toList());
    }

    private static DiskLoad.Reader overNbd(final Icecore.Server server) {
        return (spec, offset, target) -> {
            try (NbdClient disk = server.connect(spec)) {
                disk.read(offset, target);
            } catch (final NbdClient.RefusedException ex) {
                throw ex;
            } catch (final IOException ex) {
                throw new IOException(spec + ": " + ex.getMessage() + "; the server's log: " + server.log(), ex);
            }
        };
    }

    private static void read(final Catalog catalog, final String spec, final long offset, final ByteBuffer target) {
        try (Export export = catalog.exports().open(spec)) {
            export.read(offset, new UnsafeBuffer(target), 0, target.remaining());
        }
    }

    private static void check(final Path store, final String when) {
        try (BlockDevice device = FileBlockDevice.openReadOnly(store)) {
            final CheckReport report = new StoreCheck(device, (accounted, total) -> {}).run();
            assertThat(report.errors()).as(when).isEmpty();
            assertThat(report.blocks().leaked()).as("leaked, " + when).isZero();
        }
    }

    private static int[] ordinals(final DiskLoad load, final boolean flushed) {
        return load.clients().stream()
                .mapToInt(flushed ? ClientRecord::flushedOrdinal : ClientRecord::issuedOrdinal)
                .toArray();
    }

    /** The temporary place itself where it can, or a file system made for it, by root. */
    private Path fileSystemThatClonesFiles() throws Exception {
        final Path probe = Files.write(folder.resolve("probe"), new byte[4096]);
        if (ExternalTool.require("cp")
                        .run(
                                "--reflink=always",
                                probe.toString(),
                                folder.resolve("probe2").toString())
                        .exitCode()
                == 0) {
            return folder;
        }
        final Path image = folder.resolve("xfs.img");
        final Path mount = Files.createDirectory(folder.resolve("xfs"));
        ExternalTool.require("truncate").runSuccessfully("-s", "3G", image.toString());
        ExternalTool.require("mkfs.xfs").runSuccessfully("-q", "-m", "reflink=1", image.toString());
        final ExternalTool.Result result =
                ExternalTool.require("mount").run("-o", "loop", image.toString(), mount.toString());
        if (result.exitCode() != 0) {
            final String message = "cannot mount a file system that clones files: copies of a running store were NOT"
                    + " checked: " + result.output().strip();
            assertThat(System.getenv("CI")).as(message).isNotEqualTo("true");
            System.err.println("SKIPPED: " + message);
            Assumptions.abort(message);
        }
        mounted = mount;
        return mount;
    }
}
