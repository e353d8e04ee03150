package io.icecore.cli.tour;

import static io.icecore.cli.tour.Narrator.bytes;

import io.icecore.cli.tour.JsonOutput.SnapshotLine;
import io.icecore.cli.tour.ext2.DiskSource;
import io.icecore.cli.tour.ext2.Ext2Reader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;

/** The eight steps, in order. Everything that can be wrong ends in a {@link TourException} that says what differed. */
final class Tour implements AutoCloseable {
    private static final String VOLUME = "disk";
    private static final String BY_HAND = "before-cleanup";
    private static final int SNAPSHOTS_MIN = 4;
    private static final int DIARY_LINES_SHOWN = 2;
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss");

    private final Narrator narrator;
    private final TourFolder folder;
    private final Icecore icecore;
    private final Clock clock;
    private final ZoneId zone;
    private final FileSystemChecker checker = FileSystemChecker.find();

    private Icecore.Server server;
    private WriteRecord record;
    private DiskLife life;
    /** State of the disk in which the snapshot by hand was taken, and what the record says of it. */
    private int stateByHand;

    private String sha256ByHand;
    private Instant accident;
    private Instant killed;
    private List<SnapshotLine> snapshotsBefore;

    Tour(
            final Narrator narrator,
            final TourFolder folder,
            final Icecore icecore,
            final Clock clock,
            final ZoneId zone) {
        this.narrator = narrator;
        this.folder = folder;
        this.icecore = icecore;
        this.clock = clock;
        this.zone = zone;
    }

    void run(final Duration life, final boolean keep) throws IOException, InterruptedException {
        final Instant begin = clock.instant();
        narrator.title("Icecore: a disk, " + life.toSeconds() + " seconds of its life, and every second of it kept.");
        makeStore();
        importDisk();
        serve();
        live(life);
        reopen();
        final List<SnapshotLine> history = showHistory();
        readThePast(history);
        check(history.size());
        if (keep) {
            folder.keep(TourFolder.Keep.STORE);
        }
        narrator.gap();
        narrator.title("Every proof held. The tour took " + narrator.since(begin) + ".");
        sayWhatNext(keep);
    }

    // ---- 1 and 2

    private void makeStore() throws IOException, InterruptedException {
        narrator.step("A store: one file that will hold everything");
        final Path store = folder.store();
        narrator.command("cd " + folder.path());
        narrator.command("icecore store create " + store.getFileName() + " --size 1G");
        icecore.run("store", "create", store.toString(), "--size", "1G");
        narrator.command("export ICECORE_STORE=" + store);
        narrator.say("A sparse file of %s: it takes disk space as it fills.", bytes(Files.size(store)));
    }

    private void importDisk() throws IOException, InterruptedException {
        narrator.step("A disk with real files");
        final Path image = folder.file("disk.img");
        final DiskContent.Summary content = DiskContent.write(image, clock);
        narrator.say(
                "An image of %s with an ext2 file system: %,d files and folders, %s of them, copied from this machine's"
                        + " Java%s.",
                bytes(Files.size(image)),
                content.entryCount(),
                bytes(content.bytes()),
                content.withProject() ? " and this project" : "");
        if (checker != null) {
            proveClean(image, "The image");
        }
        final Instant begin = clock.instant();
        narrator.command("icecore volume import " + VOLUME + " " + image.getFileName());
        icecore.run("volume", "import", VOLUME, image.toString());
        narrator.say("Imported in %s. From here on it is the volume '%s' of the store.", narrator.since(begin), VOLUME);
        record = new WriteRecord(image, folder.file("writes"), clock);
    }

    // ---- 3 and 4

    private void serve() throws IOException, InterruptedException {
        narrator.step("Served to whoever speaks NBD, with a snapshot every second");
        command("policy", "set", VOLUME, "--every", "1s", "--keep", "1h:all");
        startServer();
        narrator.say("The server is process %d, a real one: it will be killed.", server.pid());
    }

    private void startServer() throws IOException, InterruptedException {
        final Path socket = folder.file("nbd.sock");
        narrator.command("icecore serve --nbd unix:" + socket.getFileName() + " &");
        server = icecore.serve(socket, VOLUME);
    }

    private void live(final Duration length) throws IOException, InterruptedException {
        narrator.step(length.toSeconds() + " seconds of life");
        narrator.say(
                "A client writes to the disk over NBD, a hundred times a second: ten lines a second into the file %s,"
                        + " and measurements into a file of 8 MiB. The tour notes every write before it sends it, to know"
                        + " later what the disk held and when.",
                Diary.PATH);
        try (NbdClient disk = server.connect(VOLUME)) {
            life = new DiskLife(disk, record, clock, zone);
            final Instant begin = clock.instant();
            life.start();
            watch(begin, length.multipliedBy(11).dividedBy(20));
            takeSnapshotByHand();
            watch(begin, length.multipliedBy(13).dividedBy(20));
            haveAnAccident();
            watch(begin, length);
            snapshotsBefore = listSnapshots();
            kill();
        }
    }

    /** Lets the disk live until {@code age}, and shows that something happens. */
    private void watch(final Instant begin, final Duration age) throws IOException, InterruptedException {
        while (clock.instant().isBefore(begin.plus(age))) {
            if (!life.goesOn()) {
                throw new TourException(
                        "the disk failed under its writer: " + life.awaitEnd(0).getMessage());
            }
            narrator.now(
                    "%s  %,d writes, %,d lines in the diary",
                    timeOf(clock.instant()), record.acknowledgedState(), life.diaryLines());
            Thread.sleep(200);
        }
    }

    private void takeSnapshotByHand() throws IOException, InterruptedException {
        narrator.say(
                "%s  %,d writes so far. Someone is about to clean up and takes a snapshot by hand first; for this"
                        + " instant the client holds still.",
                timeOf(clock.instant()), record.acknowledgedState());
        life.pause(() -> {
            stateByHand = record.acknowledgedState();
            command("snapshot", "create", VOLUME, "--name", BY_HAND);
            return null;
        });
        sha256ByHand = record.sha256(stateByHand);
    }

    private void haveAnAccident() throws IOException {
        final int lines = life.diaryLines();
        life.emptyDiary();
        accident = clock.instant();
        narrator.say(
                "%s  The cleaning goes wrong: %s, %,d lines, is emptied. Nobody notices; life goes on.",
                timeOf(accident), Diary.PATH, lines);
    }

    private void kill() throws IOException, InterruptedException {
        server.kill();
        killed = clock.instant();
        final IOException end = life.awaitEnd(10_000);
        if (end == null) {
            throw new TourException("the client did not notice that the server was killed");
        }
    }

    // ---- 5

    private void reopen() throws IOException, InterruptedException {
        narrator.step("The server is killed in the middle of it");
        narrator.command("kill -9 " + server.pid());
        narrator.say(
                "After %,d writes, of which %,d are acknowledged and %,d were also flushed. Nothing was closed, nothing"
                        + " was saved.",
                record.sent(), record.acknowledgedState(), record.flushedState());
        final Duration javaStart = timeOfStartingJava();
        final Instant begin = clock.instant();
        startServer();
        narrator.say(
                "Serving again %s after the process was started; `icecore --version`, which opens nothing, takes %s here."
                        + " There was no log to replay, and nothing to repair.",
                narrator.since(begin), Narrator.seconds(javaStart));
        final Comparison comparison;
        try (NbdClient disk = server.connect(VOLUME)) {
            comparison = compare(VOLUME, disk, disk::read);
        }
        Proof.requireWithin(VOLUME, comparison, record.flushedState(), record.sent());
        narrator.proved(
                "The disk is, byte for byte, as after write %,d: all %,d flushed writes are there. Of the %,d after them,"
                        + " of which nobody had been promised anything, %,d survived too.",
                comparison.lastState(),
                record.flushedState(),
                record.sent() - record.flushedState(),
                comparison.lastState() - record.flushedState());
    }

    private Duration timeOfStartingJava() throws IOException, InterruptedException {
        final Instant begin = clock.instant();
        icecore.run("--version");
        return Duration.between(begin, clock.instant());
    }

    // ---- 6

    private List<SnapshotLine> showHistory() throws IOException, InterruptedException {
        narrator.step("The history of the disk");
        narrator.command("icecore snapshot list " + VOLUME);
        final List<SnapshotLine> history = listSnapshots().stream()
                .filter(snapshot -> snapshot.created().isBefore(killed))
                .toList();
        for (final SnapshotLine snapshot : snapshotsBefore) {
            if (!history.contains(snapshot)) {
                throw new TourException("snapshot lost: " + snapshot + " was listed before the server was killed");
            }
        }
        new HistoryTable(narrator, zone).print(history, accident, "the diary is emptied");
        if (history.size() < SNAPSHOTS_MIN) {
            throw new TourException("snapshots: " + history.size() + " (expected: at least " + SNAPSHOTS_MIN + ")");
        }
        narrator.proved("%,d snapshots were listed before the kill; all of them are there.", snapshotsBefore.size());
        return history;
    }

    // ---- 7

    private void readThePast(final List<SnapshotLine> history) throws IOException, InterruptedException {
        narrator.step("Three moments of the past, read back over NBD");
        narrator.say("Every snapshot is a disk that can be read: its name is the volume's, an @, and its own.");
        final SnapshotLine byHand = history.stream()
                .filter(snapshot -> snapshot.name().equals(BY_HAND))
                .findFirst()
                .orElseThrow(() -> new TourException("snapshot lost: " + BY_HAND));
        readMoment("early in its life", history.get(Math.max(1, history.size() / 4)));
        readMoment("just before the cleaning", byHand);
        readMoment("the last second before the kill", history.get(history.size() - 1));
    }

    private void readMoment(final String description, final SnapshotLine snapshot)
            throws IOException, InterruptedException {
        final String export = VOLUME + "@" + snapshot.name();
        narrator.gap();
        narrator.say("%s, %s:", export, description);
        final Path copy = folder.file("moment.img");
        final Comparison comparison;
        final int diaryLines;
        try (NbdClient disk = server.connect(export)) {
            diaryLines = showDiary(new Ext2Reader(disk::read));
            if (checker == null) {
                comparison = compare(export, disk, disk::read);
            } else {
                try (SparseCopy tee = new SparseCopy(copy, disk::read)) {
                    comparison = compare(export, disk, tee);
                }
            }
        }
        if (snapshot.name().equals(BY_HAND)) {
            proveByHand(export, comparison);
        } else {
            proveRolling(export, snapshot, comparison);
        }
        final int linesThen = life.diaryLinesAt(comparison.firstState());
        if (diaryLines != linesThen) {
            throw new TourException(
                    String.format("lines of %s in %s: %d (expected: %d)", Diary.PATH, export, diaryLines, linesThen));
        }
        if (checker != null) {
            proveClean(copy, "The file system in it");
            Files.delete(copy);
        }
    }

    /** The state was known before the snapshot was taken, and so was the checksum. */
    private void proveByHand(final String export, final Comparison comparison) {
        Proof.requireWithin(export, comparison, stateByHand, stateByHand);
        Proof.requireSame(export, comparison.sha256(), sha256ByHand);
        narrator.proved(
                "All %,d bytes are those of the instant it was taken, after write %,d. SHA-256 %s..., the same as noted"
                        + " then.",
                record.length(), stateByHand, shortened(comparison.sha256()));
    }

    /** The timer chose the instant; that it is one of those the disk went through, and the right one, is the proof. */
    private void proveRolling(final String export, final SnapshotLine snapshot, final Comparison comparison)
            throws IOException {
        Proof.requireMatch(export, comparison);
        final int state = comparison.firstState();
        Proof.requireSame(export, comparison.sha256(), record.sha256(state));
        Proof.requireTaken(export, snapshot.created(), record.beginOf(state), record.endOf(comparison.lastState()));
        narrator.proved(
                "All %,d bytes are the disk as after write %,d, at %s. SHA-256 %s..., as computed from the tour's own"
                        + " notes.",
                record.length(), state, timeOf(record.beginOf(state)), shortened(comparison.sha256()));
    }

    /** Returns its number of lines. */
    private int showDiary(final Ext2Reader fileSystem) throws IOException {
        final byte[] diary = fileSystem.content(fileSystem.find(Diary.PATH));
        final List<String> lines =
                new String(diary, StandardCharsets.US_ASCII).lines().toList();
        narrator.say("%s: %,d lines%s", Diary.PATH, lines.size(), lines.isEmpty() ? "." : ", the last of them");
        lines.subList(Math.max(0, lines.size() - DIARY_LINES_SHOWN), lines.size())
                .forEach(line -> narrator.quote(line.stripTrailing()));
        return lines.size();
    }

    // ---- proofs

    private Comparison compare(final String export, final NbdClient disk, final DiskSource source) throws IOException {
        if (disk.size() != record.length()) {
            throw new TourException(
                    String.format("size of %s: %d bytes (expected: %d)", export, disk.size(), record.length()));
        }
        return record.compare(source);
    }

    private void proveClean(final Path image, final String what) throws IOException, InterruptedException {
        final String complaint = checker.complaintAbout(image);
        if (complaint != null) {
            throw new TourException(what + " is not clean: " + complaint);
        }
        narrator.proved("%s is clean, says e2fsck.", what);
    }

    // ---- 8

    private void check(final int snapshotCount) throws IOException, InterruptedException {
        narrator.step("Is the store itself in order?");
        final int exitCode = server.stop();
        if (exitCode != 0) {
            throw new TourException("exit code of icecore serve after SIGTERM: " + exitCode + " (expected: 0)");
        }
        narrator.command("icecore check");
        final Icecore.Result check = icecore.tryRun("check");
        if (check.exitCode() == 0) {
            narrator.proved("Every block of the store is used exactly once or free, says check.");
        } else if (check.err().contains("not built yet")) {
            narrator.say("SKIPPED: this build of the program has no check yet. Nothing is proved here.");
        } else {
            throw new TourException("icecore check found damage, exit code " + check.exitCode() + ": "
                    + check.out().strip() + check.err().strip());
        }
        final long used = JsonOutput.usedBytes(icecore.run("store", "info", "--json"));
        narrator.say(
                "%,d snapshots of a disk of %s would be %s of copies; the store uses %s for all of them and the disk.",
                snapshotCount, bytes(record.length()), bytes(snapshotCount * record.length()), bytes(used));
    }

    private void sayWhatNext(final boolean keep) {
        narrator.gap();
        if (keep) {
            narrator.say("The store is yours now. What you could type next:");
            narrator.command("export ICECORE_STORE=" + folder.store());
        } else {
            narrator.say(
                    "Everything is removed again. With `icecore tour --keep` the store stays, and you could type:");
        }
        narrator.command("icecore history " + VOLUME);
        narrator.command("icecore volume export " + VOLUME + "@" + BY_HAND + " past.img");
        narrator.command("sudo mount -o loop,ro past.img /mnt && tail /mnt/" + Diary.PATH);
        narrator.command("icecore serve --nbd 127.0.0.1:10809");
        narrator.command("icecore --help");
        if (keep) {
            narrator.command("rm -r " + folder.path());
        }
    }

    private void command(final String... arguments) throws IOException, InterruptedException {
        narrator.command("icecore " + String.join(" ", arguments));
        icecore.run(arguments);
    }

    private List<SnapshotLine> listSnapshots() throws IOException, InterruptedException {
        return JsonOutput.snapshots(icecore.run("snapshot", "list", VOLUME, "--json"));
    }

    private String timeOf(final Instant instant) {
        return TIME.format(instant.atZone(zone));
    }

    private static String shortened(final String sha256) {
        return sha256.substring(0, 16);
    }

    /** Closes the tour's own notes; servers and files belong to whoever made them. */
    @Override
    public void close() throws IOException {
        if (record != null) {
            record.close();
        }
    }
}
