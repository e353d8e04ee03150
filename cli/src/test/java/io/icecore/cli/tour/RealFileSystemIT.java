package io.icecore.cli.tour;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An ext4 file system made from real files, mounted and worked on (unpack, git, SQLite with {@code synchronous=FULL}) while
 * the timer takes a snapshot every two seconds; the daemon killed in the midst of it; attached again and worked on again.
 *
 * <p>Then: {@code check} finds nothing; each snapshot is a file system that needs no more than a replay of its journal; the
 * database in each is sound, and no transaction is missing that an older snapshot has.
 */
class RealFileSystemIT {
    private static final int SHORT_SECONDS = Integer.getInteger("realfs.seconds", 12);
    private static final int LONG_SECONDS = 180;

    /** Each round unpacks, commits, and makes 20 transactions; a few trees are kept. Ends when the disk is gone. */
    private static final String WORK = """
            set -e
            cd "$1"
            mkdir -p work/db work/repo
            rm -f work/repo/.git/index.lock # Of one that was killed.
            git -C work/repo rev-parse HEAD >/dev/null 2>&1 || { rm -rf work/repo; git init -q work/repo; }
            git -C work/repo config core.fsync all
            git -C work/repo config user.name t
            git -C work/repo config user.email t@localhost
            sqlite3 work/db/t.sqlite 'PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, v BLOB);'
            n=0
            while :; do
                n=$((n + 1))
                mkdir -p work/tree$((n % 4))
                tar -xf "$2" -C work/tree$((n % 4))
                for i in 1 2 3 4 5 6 7 8 9 10; do
                    sqlite3 work/db/t.sqlite 'PRAGMA synchronous=FULL; INSERT INTO t(v) VALUES(randomblob(3000));' \\
                        'UPDATE t SET v=randomblob(2000) WHERE id % 7 = abs(random() % 7);' >/dev/null
                done
                rm -rf work/repo/src$((n % 5))
                cp -r work/tree$((n % 4)) work/repo/src$((n % 5))
                echo $n >work/repo/round
                git -C work/repo add -A
                git -C work/repo commit -q -m "round $n"
                rm -rf work/tree$(((n + 1) % 4))
            done
            """;

    @TempDir
    Path folder;

    @Test
    void aFileSystemUnderWorkIsSoundInEverySnapshot() throws Exception {
        work(256, SHORT_SECONDS);
    }

    @Test
    @Tag("nightly")
    void aFileSystemUnderThreeMinutesOfWorkIsSoundInEverySnapshot() throws Exception {
        work(1024, LONG_SECONDS);
    }

    private void work(final int mebibytes, final int seconds) throws Exception {
        MountedVolume.requireRights();
        for (final String tool : List.of("mke2fs", "e2fsck", "debugfs", "git", "sqlite3", "tar", "bash")) {
            ExternalTool.require(tool);
        }
        final Path tree = realFiles(mebibytes);
        final Path sources = folder.resolve("sources.tar");
        ExternalTool.require("tar")
                .runSuccessfully("-cf", sources.toString(), "-C", project().toString(), "cli/src");
        final Path image = folder.resolve("disk.img");
        ExternalTool.require("mke2fs")
                .runSuccessfully("-q", "-t", "ext4", "-d", tree.toString(), image.toString(), mebibytes + "M");

        final Path store = folder.resolve("fs.icecore");
        final Path socket = folder.resolve("nbd");
        final MountedVolume disk = new MountedVolume(folder);
        try (Icecore icecore = new Icecore(store, folder)) {
            icecore.run("store", "create", store.toString(), "--size", "16G");
            icecore.run("volume", "import", "vm1", image.toString());
            icecore.run("policy", "set", "vm1", "--every", "2s", "--keep", "1d:all", "--keep-last", "10000");

            final Icecore.Server killed = icecore.serve(socket, "vm1");
            disk.attach(socket, "vm1");
            final Process interrupted = startWork(disk, sources);
            TimeUnit.SECONDS.sleep(Math.max(6, seconds / 2));
            assertAtWork(interrupted);
            killed.kill();
            disk.detach();
            stop(interrupted);

            final Icecore.Server server = icecore.serve(socket, "vm1");
            disk.attach(socket, "vm1"); // The kernel replays the journal.
            final Process again = startWork(disk, sources);
            TimeUnit.SECONDS.sleep(seconds);
            assertAtWork(again);
            stop(again);
            disk.unmount();
            Commands.of(store).run("policy", "clear", "vm1");
            Commands.of(store).run("snapshot", "create", "vm1", "--name", "end");
            assertThat(icecore.run("check")).startsWith("consistent");
            proveSnapshots(Commands.of(store), seconds);
            assertThat(server.stop()).isZero();
            assertThat(icecore.run("check")).startsWith("consistent");
        } finally {
            disk.detach();
        }
    }

    /** Files of this Java and of this project, to a third of the disk. */
    private Path realFiles(final int mebibytes) throws Exception {
        final Path tree = Files.createDirectory(folder.resolve("tree"));
        final List<Path> sources =
                new ArrayList<>(List.of(project().resolve("cli"), project().resolve("docs")));
        try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.home")))) {
            files.forEach(sources::add);
        }
        long room = mebibytes * (1L << 20) / 3;
        for (final Path source : sources) {
            try (Stream<Path> files = Files.walk(source)) {
                for (final Path file : files.filter(path -> Files.isRegularFile(path) && Files.isReadable(path))
                        .sorted()
                        .toList()) {
                    if (Files.size(file) <= room) {
                        room -= Files.size(file);
                        final Path target = tree.resolve(file.getRoot().relativize(file));
                        Files.createDirectories(target.getParent());
                        Files.copy(file, target);
                    }
                }
            }
        }
        return tree;
    }

    private static Path project() {
        final Path here = Path.of("").toAbsolutePath();
        return Files.exists(here.resolve("cli/pom.xml")) ? here : here.getParent();
    }

    private Process startWork(final MountedVolume disk, final Path sources) throws IOException {
        final Path log = folder.resolve("work.log");
        return new ProcessBuilder(
                        "setsid", "bash", "-c", WORK, "work", disk.path().toString(), sources.toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
    }

    private void assertAtWork(final Process work) throws IOException {
        assertThat(work.isAlive())
                .as("still at work: " + Files.readString(folder.resolve("work.log")))
                .isTrue();
    }

    /** With all that it has started, so that nothing keeps the disk busy. */
    private static void stop(final Process work) throws InterruptedException {
        final List<ProcessHandle> all = work.descendants().toList();
        work.destroyForcibly();
        all.forEach(ProcessHandle::destroyForcibly);
        work.waitFor(30, TimeUnit.SECONDS);
        for (final ProcessHandle process : all) {
            process.onExit().orTimeout(30, TimeUnit.SECONDS).join();
        }
    }

    // ---- proof

    private void proveSnapshots(final Commands commands, final int seconds) throws Exception {
        final List<?> snapshots = (List<?>) JsonReader.read(commands.run("snapshot", "list", "vm1", "--json"));
        long rows = 0;
        int replayed = 0;
        int databases = 0;
        for (final Object entry : snapshots) {
            final String name = (String) ((Map<?, ?>) entry).get("name");
            final Path image = folder.resolve("snapshot.img");
            commands.run("volume", "export", "vm1@" + name, image.toString(), "--force");
            replayed += repair(image, name) ? 1 : 0;
            final long found = rowsOf(image, name);
            assertThat(found).as("transactions in " + name).isGreaterThanOrEqualTo(rows);
            rows = found;
            databases += found > 0 ? 1 : 0;
        }
        System.out.println("RealFileSystemIT: " + snapshots.size() + " snapshots in " + seconds * 3 / 2
                + " seconds of work, " + replayed + " with a journal to replay, " + databases
                + " with a database, of " + rows + " rows at the end: all sound");
        assertThat(snapshots.size()).isGreaterThanOrEqualTo(seconds / 4);
        assertThat(replayed).isPositive();
        assertThat(databases).isPositive();
    }

    /** Replays the journal, which is all that may be needed; returns whether it was. */
    private static boolean repair(final Path image, final String name) throws Exception {
        final ExternalTool e2fsck = ExternalTool.require("e2fsck");
        final ExternalTool.Result replay = e2fsck.run("-p", image.toString());
        assertThat(replay.exitCode()).as(name + ": " + replay.output()).isLessThanOrEqualTo(1);
        assertThat(replay.output().lines())
                .as(name)
                .allMatch(line -> line.contains(": recovering journal")
                        || line.contains(": Clearing orphaned inode")
                        || line.contains(": Setting free ")
                        || line.contains(": clean, "));
        final ExternalTool.Result clean = e2fsck.run("-fn", image.toString());
        assertThat(clean.exitCode()).as(name + ": " + clean.output()).isZero();
        return replay.output().contains("recovering journal");
    }

    /** Rows of the database in the image, which must be sound; 0 where there is none yet. */
    private long rowsOf(final Path image, final String name) throws Exception {
        final Path copy = folder.resolve("copy");
        ExternalTool.require("rm").runSuccessfully("-rf", copy.toString());
        Files.createDirectory(copy);
        ExternalTool.require("debugfs").run("-R", "rdump work/db " + copy, image.toString());
        final Path database = copy.resolve("db/t.sqlite");
        if (!Files.exists(database) || Files.size(database) == 0) {
            return 0;
        }
        final ExternalTool sqlite = ExternalTool.require("sqlite3");
        assertThat(sqlite.run(database.toString(), "PRAGMA integrity_check")
                        .output()
                        .strip())
                .as(name)
                .isEqualTo("ok");
        final String rows = sqlite.run(
                        database.toString(), "SELECT count(*) FROM t WHERE (SELECT count(*) FROM sqlite_master) > 0")
                .output()
                .strip();
        return rows.matches("[0-9]+") ? Long.parseLong(rows) : 0; // Before the table was made.
    }
}
