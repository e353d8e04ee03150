package io.icecore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckAndDumpTest {
    private static final int BLOCK = 4096;
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path directory;

    @BeforeEach
    void makeAStore() throws IOException {
        final byte[] data = new byte[20 * BLOCK];
        Arrays.fill(data, (byte) 7);
        Files.write(directory.resolve("image"), data);
        assertThat(run("store", "create", "a.store", "--size", "64M").code()).isZero();
        assertThat(run("volume", "import", "vm1", "image").err()).isEmpty();
        assertThat(run("snapshot", "create", "vm1", "--name", "first").code()).isZero();
    }

    @Test
    void aSoundStoreIsConsistentInOneLine() {
        final CommandRun check = run("check");

        assertThat(check.err()).isEmpty();
        assertThat(check.out()).matches("consistent: generation [0-9]+, .* in use, every block with one owner\n");
        assertThat(check.code()).isZero();
    }

    @Test
    void theReportHasTheFieldsOfTheContract() throws IOException {
        final JsonNode report = JSON.readTree(run("check", "--json").out());

        assertThat(report.fieldNames())
                .toIterable()
                .containsExactly("ok", "generation", "blocks", "chunksRead", "errors");
        assertThat(report.get("blocks").fieldNames())
                .toIterable()
                .containsExactly("allocated", "referenced", "leaked", "multiplyOwned");
        assertThat(report.get("ok").asBoolean()).isTrue();
        assertThat(report.get("blocks").get("allocated").asLong())
                .isEqualTo(report.get("blocks").get("referenced").asLong())
                .isGreaterThan(20);
    }

    @Test
    void damageIsAFindingALineAndSix() throws IOException {
        final long block = rootOf("head");
        flip(block * BLOCK + 3000);

        final CommandRun check = run("check");

        assertThat(check.code()).isEqualTo(ExitCode.DAMAGE);
        assertThat(check.out().lines())
                .anyMatch(line -> line.startsWith("head leaf at position " + block * BLOCK + ": checksum "))
                .last()
                .asString()
                .startsWith("damaged: generation ");
        final JsonNode report = JSON.readTree(run("check", "--json").out());
        assertThat(report.get("ok").asBoolean()).isFalse();
        assertThat(report.get("errors").get(0).get("where").asText())
                .isEqualTo("head leaf at position " + block * BLOCK);
        assertThat(report.get("errors").get(0).get("what").asText()).startsWith("checksum ");
    }

    @Test
    void aScrubSaysWhoseDataIsDamaged() throws IOException {
        assertThat(run("scrub").out()).matches("sound: [0-9.]+K of data read, every chunk is what was written\n");
        final String entry = run("dump", "tree", "head", "--entries").out();
        final long data =
                Long.parseLong(entry.substring(entry.lastIndexOf(' ') + 1).strip());
        flip(data * BLOCK + 10);

        final CommandRun scrub = run("scrub", "--rate", "max");
        final JsonNode report = JSON.readTree(run("scrub", "--json").out());

        assertThat(scrub.code()).isEqualTo(ExitCode.DAMAGE);
        assertThat(scrub.out())
                .startsWith("chunk 0 of vm1 (snapshot first; head), block " + data + ": checksum 0x")
                .contains("damaged: 80K of data read, 1 finding");
        assertThat(report.fieldNames())
                .toIterable()
                .containsExactly("ok", "generation", "blocks", "chunksRead", "errors");
        assertThat(report.get("chunksRead").asInt()).isEqualTo(20);
        final JsonNode error = report.get("errors").get(0);
        assertThat(error.get("block").asLong()).isEqualTo(data);
        assertThat(error.get("volume").asText()).isEqualTo("vm1");
        assertThat(error.get("offset").asLong()).isZero();
        assertThat(error.get("firstSnapshot").asText()).isEqualTo("first");
        assertThat(error.get("head").asBoolean()).isTrue();
        assertThat(error.get("where").asText()).startsWith("chunk 0 of vm1");
        assertThat(run("check").code()).isZero();
        assertThat(run("scrub", "--rate", "0").code()).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void aScrubThatWasStoppedGoesOn() throws IOException {
        run("scrub");
        final Path state = directory.resolve("a.store.scrub");
        final List<String> lines = Files.readAllLines(state);
        assertThat(lines).contains("read 20").anyMatch(line -> line.startsWith("ended 2"));
        lines.replaceAll(line -> line.startsWith("ended") ? "ended -" : line.startsWith("tree") ? "tree 3" : line);
        Files.write(state, lines);

        final CommandRun scrub = run("scrub");

        assertThat(scrub.err()).isEqualTo("going on at 100 %\n");
        assertThat(scrub.out()).contains("80K of data read");
        assertThat(run("scrub").err()).isEmpty();
        Files.write(state, lines);
        assertThat(run("scrub", "--restart").err()).isEmpty();
    }

    @Test
    void aSoundStoreIsNotRepaired() throws IOException {
        final byte[] before = Files.readAllBytes(directory.resolve("a.store"));

        for (final String way : List.of("--in-place", "--dry-run")) {
            final CommandRun repair = run("repair", way);
            assertThat(repair.out()).matches("sound: generation [0-9]+, nothing to repair, nothing changed\n");
            assertThat(repair.code()).isZero();
        }
        assertThat(run("repair", "--output", "new").code()).isZero();
        assertThat(Files.readAllBytes(directory.resolve("a.store"))).isEqualTo(before);
        assertThat(directory.resolve("new")).doesNotExist();
        assertThat(run("repair").code()).isEqualTo(ExitCode.USAGE);
        assertThat(run("repair", "--in-place", "--output", "new").code()).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void aStoreWithoutASuperblockIsSavedIntoANewOneAndInPlace() throws IOException {
        for (final JsonNode slot :
                JSON.readTree(run("dump", "superblocks", "--json").out())) {
            flip(slot.get("block").asLong() * BLOCK + 64);
        }
        assertThat(run("volume", "list").code()).isEqualTo(ExitCode.DAMAGE);

        assertThat(run("repair", "--dry-run").out())
                .contains("would save 1 extent")
                .contains("nothing is lost");
        assertThat(run("repair", "--output", "a.store").code()).isEqualTo(ExitCode.BUSY);
        final CommandRun repair = run("repair", "--output", "new");
        assertThat(repair.out()).contains("saved 1 extent").contains("nothing is lost");
        assertThat(repair.code()).isZero();
        assertThat(run("volume", "list").code()).as("the old one is as it was").isEqualTo(ExitCode.DAMAGE);
        final JsonNode report =
                JSON.readTree(run("repair", "--in-place", "--json").out());
        assertThat(report.get("complete").asBoolean()).isTrue();

        for (final String store : List.of("new", "a.store")) {
            assertThat(run("check", "-s", store).out()).startsWith("consistent");
            assertThat(run("scrub", "-s", store).code()).isZero();
            assertThat(run("volume", "export", "vm1@first", store + ".raw", "-s", store)
                            .code())
                    .isZero();
            assertThat(Files.readAllBytes(directory.resolve(store + ".raw")))
                    .isEqualTo(Files.readAllBytes(directory.resolve("image")));
        }
    }

    @Test
    void whatCannotBeSavedIsALossALineAndSix() throws IOException {
        flip(rootOf("head") * BLOCK + 3000);

        final CommandRun repair = run("repair", "--in-place");

        assertThat(repair.code()).as(repair.out()).isIn(ExitCode.DONE, ExitCode.DAMAGE);
        assertThat(run("check").code()).isZero();
        Files.write(directory.resolve("none"), new byte[16 << 20]);
        final CommandRun none = run("repair", "--in-place", "-s", "none");
        assertThat(none.err()).contains("not an Icecore store").contains("none");
        assertThat(none.code()).isEqualTo(ExitCode.DAMAGE);
    }

    @Test
    void whatIsNoStoreIsSaidToBeNone() throws IOException {
        Files.write(directory.resolve("none"), new byte[1 << 20]);

        final CommandRun check = run("check", "-s", "none");

        assertThat(check.code()).isEqualTo(ExitCode.DAMAGE);
        assertThat(check.out()).contains("no superblock found");
        assertThat(run("check", "-s", "missing").code()).isEqualTo(ExitCode.NO_SUCH);
        assertThat(run("dump", "superblocks", "-s", "none").code()).isEqualTo(ExitCode.DAMAGE);
    }

    @Test
    void superblocksAreDumpedSlotBySlot() throws IOException {
        final JsonNode slots =
                JSON.readTree(run("dump", "superblocks", "--json").out());
        assertThat(slots).hasSize(64);
        assertThat(slots.findValuesAsText("state").stream().filter("newest"::equals))
                .hasSize(2);
        assertThat(slots.findValuesAsText("state").stream().filter("parent"::equals))
                .hasSize(2);

        final List<String> lines = run("dump", "superblocks").out().lines().toList();
        assertThat(lines).hasSize(65);
        assertThat(lines.get(0)).contains("BLOCK", "STATE", "GENERATION", "ROOTS");
        assertThat(lines).filteredOn(line -> line.contains(" newest ")).allMatch(line -> line.contains("catalogue="));

        final long block = slots.get(0).get("block").asLong();
        flip(block * BLOCK + 100);
        assertThat(JSON.readTree(run("dump", "superblocks", "--json").out())
                        .get(0)
                        .get("problem")
                        .asText())
                .contains("checksum");
    }

    @Test
    void treesAreDumpedWithTheirEntries() throws IOException {
        assertThat(run("dump", "tree", "catalogue", "--entries").out())
                .contains("name=vm1", "name=first")
                .startsWith("level 0  block ");
        assertThat(run("dump", "tree", "head", "--entries").out()).contains("branch 1 chunk 0+20 [1, ");
        assertThat(run("dump", "tree", "history").out()).isEmpty();
        assertThat(JSON.readTree(run("dump", "tree", "history", "--json").out()))
                .isEmpty();
        final JsonNode nodes =
                JSON.readTree(run("dump", "tree", "head", "--entries", "--json").out());
        assertThat(nodes.get(0).get("block").asLong()).isEqualTo(rootOf("head"));
        assertThat(nodes.get(0).get("entries"))
                .hasSize(nodes.get(0).get("count").asInt());
        assertThat(run("dump", "tree", "oak").err()).startsWith("icecore: no such tree: oak");
        assertThat(run("dump", "tree", "head", "--generation", "3").code()).isEqualTo(ExitCode.USAGE);

        flip(rootOf("head") * BLOCK + 3000);
        assertThat(run("dump", "tree", "head").out()).contains("damaged: head leaf at position");
    }

    @Test
    void blocksAndSegmentsKnowTheirOwners() throws IOException {
        final long node = rootOf("head");
        final String entry = run("dump", "tree", "head", "--entries").out();
        final long data =
                Long.parseLong(entry.substring(entry.lastIndexOf(' ') + 1).strip());

        assertThat(run("dump", "block", String.valueOf(node)).out())
                .contains("block " + node + ": used, head node, level 0")
                .contains("owner: head leaf");
        assertThat(run("dump", "block", String.valueOf(data)).out())
                .contains("block " + data + ": used, data, checksum ", "as its owner has it", "owner: head extent of");
        assertThat(run("dump", "block", "0", "15000").out())
                .contains("block 0: slot, superblock", "block 15000: free, zeroes", "no owner");
        assertThat(run("dump", "block", "99999999").code()).isEqualTo(ExitCode.USAGE);
        flip(data * BLOCK);
        assertThat(run("dump", "block", String.valueOf(data)).out()).contains("(expected: 0x");

        final JsonNode segment =
                JSON.readTree(run("dump", "segment", "0", "--json").out());
        assertThat(segment.get("map").asText()).hasSize(1024).startsWith("SSSS").contains("#");
        assertThat(segment.get("owners").findValuesAsText("what"))
                .anyMatch(what -> what.startsWith("head extent of branch 1"));
        assertThat(run("dump", "segment", "0").out()).startsWith("segment 0: blocks 0 to 1023, ");
        assertThat(run("dump", "segment", "16").code()).isEqualTo(ExitCode.USAGE);
    }

    private long rootOf(final String tree) throws IOException {
        for (final JsonNode slot :
                JSON.readTree(run("dump", "superblocks", "--json").out())) {
            if (slot.get("state").asText().equals("newest")) {
                for (final JsonNode root : slot.get("roots")) {
                    if (root.get("tree").asText().equals(tree)) {
                        return root.get("block").asLong();
                    }
                }
            }
        }
        throw new AssertionError("no root: " + tree);
    }

    private void flip(final long position) throws IOException {
        try (RandomAccessFile file =
                new RandomAccessFile(directory.resolve("a.store").toFile(), "rw")) {
            file.seek(position);
            final int old = file.read();
            file.seek(position);
            file.write(old ^ 4);
        }
    }

    private CommandRun run(final String... words) {
        return CommandRun.in(directory, "a.store", List.of(words), new byte[0]);
    }
}
