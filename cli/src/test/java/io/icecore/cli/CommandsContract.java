package io.icecore.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.icecore.volume.Snapshot;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What every command must do, whether the store is opened for it or a daemon holds it. One subclass for each. */
@Timeout(60)
abstract class CommandsContract {
    private static final int MIB = 1 << 20;

    @TempDir
    protected Path directory;

    protected Path store() {
        return directory.resolve("ice.store");
    }

    @BeforeEach
    void createStore() {
        assertThat(run("store create ice.store --size 64M").out())
                .isEqualTo("store " + store() + " created: 64M, label ice\n");
        storeCreated();
    }

    /** The store is there: a daemon may take it. */
    abstract void storeCreated();

    // ---- store

    @Test
    void showsFactsOfTheStore() throws IOException {
        run("volume create vm1 --size 1M");
        run("snapshot create vm1");

        final JsonNode info = json("store info --json");

        assertThat(info.get("path").asText()).isEqualTo(store().toString());
        assertThat(info.get("sizeBytes").asLong()).isEqualTo(64L * MIB);
        assertThat(info.get("usedBytes").asLong() + info.get("freeBytes").asLong())
                .isBetween(1L, 64L * MIB);
        assertThat(info.get("formatVersion").asInt()).isEqualTo(3);
        assertThat(info.get("generation").asLong()).isPositive();
        assertThat(info.get("volumes").asInt()).isEqualTo(1);
        assertThat(info.get("snapshots").asInt()).isEqualTo(1);
        assertThat(info.get("uuid").asText()).hasSize(36);
        assertThat(info.has("reclaimableBytes")).isTrue();
        assertThat(info.get("heldByClonesBytes").asLong()).isZero();
        assertThat(info.get("readOnly").isBoolean()).isTrue();
        assertThat(run("store info").out()).contains("label").contains("ice");
    }

    @Test
    void growsTheStoreAndNeverShrinksIt() throws IOException {
        assertThat(run("store grow --size 128M").out()).isEqualTo("store grown from 64M to 128M\n");
        assertThat(json("store info --json").get("sizeBytes").asLong()).isEqualTo(128L * MIB);

        assertThat(run("store grow --size 32M").code()).isEqualTo(ExitCode.USAGE);
        assertThat(json("store info --json").get("sizeBytes").asLong()).isEqualTo(128L * MIB);
    }

    @Test
    void saysWhatTheStoreDoesWhenItIsFull() throws IOException {
        assertThat(json("store info --json").get("whenFull").asText()).isEqualTo("error");

        assertThat(run("store set --when-full expire --keep-free 4M").out())
                .isEqualTo("when space is short the oldest rolling snapshots go, to keep 4M free\n");
        assertThat(run("store set --keep-free 5M").code()).isEqualTo(ExitCode.DONE);
        final JsonNode info = json("store info --json");
        assertThat(info.get("whenFull").asText()).isEqualTo("expire");
        assertThat(info.get("keepFreeBytes").asLong()).isEqualTo(5L * MIB);
        assertThat(info.get("writableBytes").asLong())
                .isLessThan(info.get("freeBytes").asLong());

        assertThat(run("store set").code()).isEqualTo(ExitCode.USAGE);
        assertThat(run("store set --when-full never").code()).isEqualTo(ExitCode.USAGE);
        assertThat(run("store set --when-full wait --keep-free 5M").code()).isEqualTo(ExitCode.USAGE);
        assertThat(json("store info --json").get("whenFull").asText()).isEqualTo("expire");
    }

    @Test
    void refusesToCreateAStoreOverAnything() throws IOException {
        assertThat(run("store create ice.store --size 64M").code()).isEqualTo(ExitCode.BUSY);

        Files.writeString(directory.resolve("letter"), "dear");
        assertThat(run("store create letter --size 256M").code()).isEqualTo(ExitCode.BUSY);
        assertThat(directory.resolve("letter")).hasContent("dear");
        assertThat(run("store create . --size 256M").err()).isEqualTo("icecore: is a directory: " + directory + "\n");
        assertThat(run("store create no/where --size 256M").code()).isEqualTo(ExitCode.NO_SUCH);
        assertThat(run("store create other --size 256M --label a/b").code()).isEqualTo(ExitCode.USAGE);
        assertThat(directory.resolve("other")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"volume list", "snapshot list", "volume create vm1 --size 1M", "store info"})
    void namesAStoreThatIsNone(final String command) throws IOException {
        Files.write(directory.resolve("noise"), randomBytes(2 * MIB, 7));
        assertThat(run(command + " --store missing").code()).isEqualTo(ExitCode.NO_SUCH);
        assertThat(run(command + " --store missing").err())
                .contains(directory.resolve("missing").toString());
        assertThat(run(command + " --store .").code()).isEqualTo(ExitCode.FAILED);
        final CommandRun run = run(command + " --store noise");
        assertThat(run.code()).isIn(ExitCode.FAILED, ExitCode.DAMAGE);
        assertThat(run.err())
                .startsWith("icecore: ")
                .contains(directory.resolve("noise").toString());
    }

    // ---- volumes

    @Test
    void createsListsAndResizesVolumes() throws IOException {
        assertThat(run("volume create vm1 --size 20M").out()).isEqualTo("volume vm1 created: 20M\n");
        run("volume create vm2 --size 1T");

        final JsonNode volumes = json("volume list --json");

        assertThat(volumes).hasSize(2);
        assertThat(volumes.get(0).get("name").asText()).isEqualTo("vm1");
        assertThat(volumes.get(0).get("sizeBytes").asLong()).isEqualTo(20L * MIB);
        assertThat(volumes.get(0).get("mappedBytes").asLong()).isZero();
        assertThat(volumes.get(0).get("snapshots").asInt()).isZero();
        assertThat(volumes.get(0).get("parent").isNull()).isTrue();
        OffsetDateTime.parse(volumes.get(0).get("created").asText());
        assertThat(run("volume list").out().lines())
                .hasSize(3)
                .element(0)
                .asString()
                .startsWith("NAME ");

        assertThat(run("volume resize vm1 --size 40M").code()).isZero();
        assertThat(run("volume resize vm1 --size 10M").code()).isEqualTo(ExitCode.USAGE);
        assertThat(run("volume resize vm1 --size 10M").err()).contains("hint: --shrink");
        assertThat(sizeOf("vm1")).isEqualTo(40L * MIB);
        assertThat(run("volume resize vm1 --size 10M --shrink").code()).isZero();
        assertThat(sizeOf("vm1")).isEqualTo(10L * MIB);
    }

    @Test
    void deletesAVolumeWithItsSnapshots() throws IOException {
        importVolume("vm1", image(3));
        run("snapshot create vm1 --name a");

        assertThat(run("volume delete vm1 --wait").code()).isZero();

        assertThat(json("volume list --json")).isEmpty();
        assertThat(json("snapshot list --json")).isEmpty();
        assertThat(run("volume delete vm1").code()).isEqualTo(ExitCode.NO_SUCH);
    }

    @ParameterizedTest
    @CsvSource({
        "volume create vm1 --size 1M, 4",
        "volume create a/b --size 1M, 2",
        "volume create a@b --size 1M, 2",
        "volume create 'a b' --size 1M, 2",
        "volume create latest --size 1M, 2",
        "volume create ok --size 5000, 2",
        "volume create ok --size 4E, 2",
        "volume create ok --size 0, 2",
        "volume create ok --size -1M, 2",
        "volume create ok --size 9E, 2",
        "volume create ok --size nonsense, 2",
        "volume create '' --size 1M, 2",
        "volume create .hidden/../x --size 1M, 2",
        "volume resize vm1 --size 0, 2",
        "volume resize vm1 --size -1M, 2",
        "volume resize vm1 --size 4E, 2",
        "volume resize vm1 --size 5000, 2",
        "store grow --size 0, 2",
        "store grow --size -1G, 2",
        "store grow --size 9E, 2",
        "volume resize vm9 --size 1M, 3",
        "volume delete vm9, 3",
        "snapshot create vm9, 3",
        "snapshot create vm1 vm9, 3",
        "snapshot create vm1 --name one, 4",
        "snapshot create vm1 --name a@b, 2",
        "snapshot create vm1 --name a/b, 2",
        "snapshot create vm1 --name 'a b', 2",
        "snapshot create vm1 --name '', 2",
        "snapshot list vm9, 3",
        "snapshot list vm1@none, 3",
        "snapshot delete vm1@none, 3",
        "snapshot delete vm1, 2",
        "snapshot hold vm1@none tag, 3",
        "snapshot hold vm1@one a/b, 2",
        "snapshot release vm1@one nothing, 3",
        "snapshot rename vm1@one two, 4",
        "snapshot rename vm1@one latest, 2",
        "policy set vm9 --every 5m --keep 24h:all, 3",
        "policy set vm1 --every 0s --keep 24h:all, 2",
        "policy set vm1 --every 5m, 2",
        "policy set vm1 --every 5m --keep nonsense, 2",
        "policy show vm1, 3",
        "policy clear vm1, 3",
        "policy preview vm1, 3",
        "policy preview, 2",
        "policy preview vm1 --when-full 1M, 2",
        "history vm9, 3",
        "history vm1 --last 0, 2",
        "clone vm1@none vm2, 3",
        "clone vm1 vm2, 2",
        "clone vm1@one vm1, 4",
        "clone vm1@one a/b, 2",
        "rollback vm1@none, 3",
        "rollback vm1, 2",
        "flatten vm9, 3",
        "volume export vm9 out.img, 3",
        "volume export vm1@none out.img, 3",
        "volume import vm2 missing.img, 3",
        "volume import vm2 ., 1",
    })
    void refusesWithTheRightNumberAndChangesNothing(final String command, final int code) throws IOException {
        run("volume create vm1 --size 1M");
        run("snapshot create vm1 --name one");
        run("snapshot create vm1 --name two");
        final String before = run("volume list").out()
                + run("snapshot list").out()
                + run("policy show").out();

        final CommandRun run = run(command);

        assertThat(run.err()).matches("icecore: .*\\R(hint: .*\\R)?");
        assertThat(run.code()).as(run.err()).isEqualTo(code);
        assertThat(run.out()).isEmpty();
        assertThat(run("volume list").out()
                        + run("snapshot list").out()
                        + run("policy show").out())
                .isEqualTo(before);
        assertThat(directory.resolve("out.img")).doesNotExist();
    }

    // ---- snapshots

    @Test
    void snapshotsSeveralVolumesInOneInstant() throws IOException {
        run("volume create vm1 --size 1M");
        run("volume create vm2 --size 1M");

        assertThat(run("snapshot create vm1 vm2 --name s --label why=test --label who=me")
                        .out())
                .isEqualTo("vm1@s\nvm2@s\n");

        final JsonNode snapshots = json("snapshot list --json");
        assertThat(snapshots).hasSize(2);
        assertThat(snapshots.get(0).get("created")).isEqualTo(snapshots.get(1).get("created"));
        final JsonNode first = snapshots.get(0);
        assertThat(first.get("volume").asText()).isEqualTo("vm1");
        assertThat(first.get("name").asText()).isEqualTo("s");
        assertThat(first.get("labels")).hasToString("{\"who\":\"me\",\"why\":\"test\"}");
        assertThat(first.get("holds")).isEmpty();
        assertThat(first.get("state").asText()).isEqualTo("live");
        assertThat(first.get("epoch").isNumber()).isTrue();
        assertThat(first.get("sizeBytes").asLong()).isEqualTo(MIB);
        assertThat(first.get("writtenBytes").isNumber()).isTrue();
        OffsetDateTime.parse(first.get("created").asText());
    }

    @Test
    void aHeldSnapshotCannotBeDeletedUntilItIsReleased() throws IOException {
        run("volume create vm1 --size 1M");
        run("snapshot create vm1 --name a");
        assertThat(run("snapshot hold vm1@a audit").code()).isZero();

        assertThat(run("snapshot delete vm1@a").code()).isEqualTo(ExitCode.BUSY);
        assertThat(json("snapshot list vm1 --json").get(0).get("holds").get(0).asText())
                .isEqualTo("audit");

        assertThat(run("snapshot release vm1@a audit").code()).isZero();
        assertThat(run("snapshot delete vm1@a --wait").code()).isZero();
        assertThat(json("snapshot list vm1 --json")).isEmpty();
    }

    @Test
    void deletesARangeAndSaysBeforehandWhatComesBack() throws IOException {
        importVolume("vm1", image(2));
        for (final String name : List.of("a", "b", "c", "d")) {
            run("snapshot create vm1 --name " + name);
        }

        final CommandRun dry = run("snapshot delete vm1@b..c vm1@c --dry-run");
        assertThat(dry.out()).isEqualTo("vm1@b\nvm1@c\nwould delete 2 snapshots and free 0B\n");
        assertThat(json("snapshot list vm1 --json")).hasSize(4);

        assertThat(run("snapshot delete vm1@b..c vm1@c").out()).isEqualTo("2 snapshots deleted\n");
        assertThat(json("snapshot list vm1 --json")).hasSize(2);
    }

    @Test
    void renamesAndFindsSnapshotsByEverySpec() throws IOException {
        run("volume create vm1 --size 1M");
        run("snapshot create vm1 --name a");
        run("snapshot create vm1 --name b");

        assertThat(run("snapshot rename vm1@latest newest").out()).isEqualTo("vm1@b is now vm1@newest\n");

        assertThat(json("snapshot list vm1@latest --json").get(0).get("name").asText())
                .isEqualTo("newest");
        assertThat(json("snapshot list vm1@-0s --json").get(0).get("name").asText())
                .isEqualTo("newest");
        assertThat(json("snapshot list vm1@a..latest --json")).hasSize(2);
        assertThat(run("snapshot list vm1@2001-01-01T00:00").code()).isEqualTo(ExitCode.NO_SUCH);
    }

    // ---- branches

    @Test
    void clonesASnapshotAndCutsTheCloneLoose() throws IOException {
        final byte[] image = image(2);
        importVolume("vm1", image);
        run("snapshot create vm1 --name a");

        assertThat(run("clone vm1@latest vm2").out()).isEqualTo("volume vm2 cloned from vm1@a: 8M\n");

        assertThat(run("volume export vm2 -").outBytes()).isEqualTo(image);
        assertThat(json("volume list --json").get(1).get("parent").asText()).isEqualTo("vm1@a");
        assertThat(run("flatten vm2").out()).isEqualTo("volume vm2 cut loose from vm1@a\n");
        assertThat(json("volume list --json").get(1).get("parent").isNull()).isTrue();
        assertThat(run("volume export vm2 -").outBytes()).isEqualTo(image);
        assertThat(run("flatten vm2").out()).contains("nothing to do");
    }

    @Test
    void rollsAVolumeBackAndForthAgain() throws IOException {
        final byte[] image = image(2);
        importVolume("vm1", image);
        run("snapshot create vm1 --name full");
        run("volume resize vm1 --size 4M --shrink");
        final byte[] half = run("volume export vm1 -").outBytes();
        assertThat(half).hasSize(4 * MIB);

        final CommandRun back = run("rollback vm1@full");
        assertThat(back.out()).startsWith("vm1 rolled back to vm1@full; what it was before is vm1@");
        assertThat(run("volume export vm1 -").outBytes()).isEqualTo(image);

        final String before = back.out().strip().replaceFirst(".* ", "");
        assertThat(run("rollback " + before).code()).isZero();
        assertThat(run("volume export vm1 -").outBytes()).isEqualTo(half);
        assertThat(json("snapshot list vm1 --json")).hasSizeGreaterThanOrEqualTo(3);
    }

    // ---- policies and history

    @Test
    void setsShowsPreviewsAndClearsAPolicy() throws IOException {
        run("volume create vm1 --size 1M");
        run("snapshot create vm1 --name mine");

        assertThat(run("policy set vm1 --every 5m --keep 24h:all,7d:1h --keep-last 12")
                        .code())
                .isZero();

        final JsonNode policy = json("policy show --json").get(0);
        assertThat(policy.get("everySeconds").asLong()).isEqualTo(300);
        assertThat(policy.get("keepLast").asInt()).isEqualTo(12);
        assertThat(run("policy preview vm1").out()).contains("vm1@mine").contains("keep");
        assertThat(json("policy preview vm1 --every 1h --keep 1h:all --json")
                        .get(0)
                        .get("kept")
                        .asBoolean())
                .isTrue();

        assertThat(run("policy clear vm1").code()).isZero();
        assertThat(json("policy show --json")).isEmpty();
    }

    @Test
    void previewsWhatTheFullStoreWouldExpire() throws IOException {
        importVolume("vm1", image(2));
        run("snapshot create vm1 --name mine");
        // Before the policy, which would have a daemon take its first one at once.
        run("snapshot create vm1 --name old --label " + Snapshot.ROLLING + "=true");
        run("policy set vm1 --every 5m --keep 24h:all");
        assertThat(run("policy preview --when-full 1M").out())
                .isEqualTo("expires 0 and frees 0B, which is not enough: then writes fail\n");

        run("snapshot create vm1 --name new --label " + Snapshot.ROLLING + "=true");
        assertThat(run("policy preview --when-full 1M").out())
                .contains("vm1@old")
                .doesNotContain("vm1@mine", "vm1@new")
                .contains("expires 1 and frees 0B");
        assertThat(json("policy preview --when-full 1M --json")
                        .get(0)
                        .get("name")
                        .asText())
                .isEqualTo("old");
    }

    @Test
    void showsTheHistoryOfAVolume() throws IOException {
        importVolume("vm1", image(2));
        run("snapshot create vm1 --name a");
        run("snapshot create vm1 --name b");

        final JsonNode history = json("history vm1 --json");

        assertThat(history).hasSize(2);
        assertThat(history.get(0).get("writtenBytes").asLong()).isEqualTo(2L * MIB);
        assertThat(history.get(1).get("writtenBytes").asLong()).isZero();
        assertThat(history.get(0).get("freedIfDeletedBytes").asLong()).isZero();
        assertThat(json("history vm1 --last 1 --json")).hasSize(1);
        assertThat(run("history vm1").out())
                .contains("a ")
                .contains("head of vm1")
                .contains("█");
    }

    // ---- images

    @Test
    void whatIsImportedComesOutAgainByteForByteAndHolesStayHoles() throws IOException {
        final byte[] image = image(3);
        importVolume("vm1", image);
        run("snapshot create vm1 --name a");

        assertThat(run("volume export vm1@a out.img").out())
                .isEqualTo("vm1@a exported to " + directory.resolve("out.img") + ": 8M, 3M of it data\n");

        assertThat(directory.resolve("out.img")).hasBinaryContent(image);
        assertThat(allocatedBytes(directory.resolve("out.img"))).isLessThan(4L * MIB);
        assertThat(json("volume list --json").get(0).get("mappedBytes").asLong())
                .isEqualTo(3L * MIB);
        assertThat(run("volume export vm1 -").outBytes()).isEqualTo(image);
        assertThat(leftOvers()).isEmpty();
    }

    @Test
    void importsFromStandardInputAndFindsTheSizeByItself() throws IOException {
        final byte[] image = image(3);

        final CommandRun run = CommandRun.in(directory, store().toString(), words("volume import vm1 -"), image);

        assertThat(run.out()).isEqualTo("volume vm1 imported: 8M, 3M of it data\n");
        assertThat(sizeOf("vm1")).isEqualTo(8L * MIB);
        assertThat(run("volume export vm1 -").outBytes()).isEqualTo(image);
    }

    @Test
    void aFailingImportLeavesNoVolume() throws IOException {
        Files.write(directory.resolve("odd.img"), new byte[MIB + 100]);
        Files.write(directory.resolve("empty.img"), new byte[0]);

        final CommandRun odd = run("volume import vm1 odd.img");
        assertThat(odd.code()).isEqualTo(ExitCode.FAILED);
        assertThat(odd.err()).contains("image size: 1048676 (expected: a multiple of 4096)");
        assertThat(run("volume import vm1 empty.img").err()).contains("image is empty");
        assertThat(run("volume import vm1 -").err()).contains("image is empty");
        assertThat(CommandRun.in(directory, store().toString(), words("volume import vm1 -"), randomBytes(MIB + 1, 3))
                        .err())
                .contains("image size: 1048577");
        assertThat(run("volume import vm1 ice.store").err()).contains("image is the store itself");

        assertThat(json("volume list --json")).isEmpty();
    }

    @Test
    void anImportOfMoreThanTheStoreHoldsEndsWithNoSpaceAndNoVolume() throws IOException {
        try (RandomAccessFile file =
                new RandomAccessFile(directory.resolve("big.img").toFile(), "rw")) {
            final byte[] noise = randomBytes(MIB, 5);
            for (int i = 0; i < 80; i++) {
                file.write(noise);
            }
        }

        final CommandRun run = run("volume import vm1 big.img");

        assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.NO_SPACE);
        assertThat(json("volume list --json")).isEmpty();
    }

    @Test
    void anExportReplacesAFileOnlyWhenForced() throws IOException {
        importVolume("vm1", image(1));
        Files.writeString(directory.resolve("out.img"), "precious");

        assertThat(run("volume export vm1 out.img").code()).isEqualTo(ExitCode.BUSY);
        assertThat(directory.resolve("out.img")).hasContent("precious");
        assertThat(run("volume export vm1 ice.store --force").err()).contains("image is the store itself");
        assertThat(run("volume export vm1 . --force").err()).contains("is a directory");
        assertThat(run("volume export vm1 no/where").code()).isEqualTo(ExitCode.NO_SUCH);

        assertThat(run("volume export vm1 out.img --force").code()).isZero();
        assertThat(directory.resolve("out.img")).hasBinaryContent(image(1));
        assertThat(leftOvers()).isEmpty();
    }

    // ----

    protected CommandRun run(final String line) {
        return CommandRun.in(directory, store().toString(), words(line), new byte[0]);
    }

    /** Splits at blanks; what stands between single quotes stays together. */
    private static List<String> words(final String line) {
        final List<String> words = new ArrayList<>();
        final String[] parts = line.split("'", -1);
        for (int i = 0; i < parts.length; i++) {
            if (i % 2 == 1) {
                words.add(parts[i]);
            } else if (!parts[i].isBlank()) {
                words.addAll(List.of(parts[i].strip().split(" +")));
            }
        }
        return words;
    }

    private JsonNode json(final String line) throws IOException {
        final CommandRun run = run(line);
        assertThat(run.err()).isEmpty();
        assertThat(run.code()).isZero();
        return new ObjectMapper().readTree(run.out());
    }

    private long sizeOf(final String volume) throws IOException {
        for (final JsonNode entry : json("volume list --json")) {
            if (entry.get("name").asText().equals(volume)) {
                return entry.get("sizeBytes").asLong();
            }
        }
        throw new AssertionError("no volume " + volume);
    }

    private void importVolume(final String name, final byte[] image) throws IOException {
        Files.write(directory.resolve("image"), image);
        final CommandRun run = run("volume import " + name + " image");
        assertThat(run.code()).as(run.err()).isZero();
    }

    /** 8 MiB with so many MiB of data in its middle, in a place that is aligned to chunks only. */
    private static byte[] image(final int dataMebibytes) {
        final byte[] image = new byte[8 * MIB];
        System.arraycopy(randomBytes(dataMebibytes * MIB, dataMebibytes), 0, image, MIB + 4096, dataMebibytes * MIB);
        return image;
    }

    private static byte[] randomBytes(final int length, final long seed) {
        final byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static long allocatedBytes(final Path file) throws IOException {
        final Process du = new ProcessBuilder("du", "-k", file.toString()).start();
        return Long.parseLong(new String(du.getInputStream().readAllBytes(), UTF_8).split("\\s")[0]) << 10;
    }

    private List<String> leftOvers() throws IOException {
        try (var files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.contains("part"))
                    .toList();
        }
    }
}
