package io.icecore.recovery.dump;

import static org.assertj.core.api.Assertions.assertThat;

import io.icecore.recovery.check.CommitReader;
import io.icecore.recovery.check.RandomHistory;
import io.icecore.store.commit.OpenedStore;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.format.Superblock;
import io.icecore.store.sim.SimBlockDevice;
import io.icecore.volume.Catalog;
import io.icecore.volume.Export;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each structure that there is appears as text; of a damaged store the damage, and all the rest. */
class StoreDumpTest {
    private static final int BLOCK = BlockDevice.BLOCK_LENGTH;
    private static final int ROUNDS_MIN = 110;
    private static final int ROUNDS_MAX = 2000;

    private final RandomHistory history = new RandomHistory(4711);
    private SimBlockDevice device;

    @BeforeEach
    void writeOneOfEach() {
        history.steps(60);
        history.churn(); // Until the space tree is written.
        final Catalog catalog = history.catalog();
        catalog.createVolume("vm", 1L << 30);
        catalog.setPolicy("vm", "every=5m keep=24h:all keep-last=3");
        catalog.setAttribute("vm", "key", new byte[10]);
        final UnsafeBuffer bytes = new UnsafeBuffer(new byte[BLOCK]);
        try (Export vm = catalog.exports().open("vm")) {
            for (int round = 0; round < ROUNDS_MIN || round < ROUNDS_MAX && !hasEverything(); round++) {
                for (int i = 0; i < 3; i++) {
                    vm.write((round * 37L + i * 6000) % 250_000 * BLOCK, bytes, 0, BLOCK, false);
                }
                vm.write(round % 7 * BLOCK, bytes, 0, BLOCK, false);
                if (round % 50 == 0) {
                    catalog.createSnapshots(List.of("vm"), "s" + round, Map.of("why", "test"));
                    catalog.drainStep();
                }
                if (round == 51) {
                    catalog.hold(catalog.snapshots("vm").get(1), "tag");
                    catalog.deleteSnapshots(catalog.snapshots("vm").subList(0, 1));
                }
                catalog.store().commit();
            }
        }
        final Superblock made = history.catalog().store().opened().current;
        assertThat(hasEverything())
                .as(
                        "spill %d redirects %d runs %d notes %d space %d",
                        made.spillBlock,
                        made.redirects.length,
                        made.runs.length,
                        made.notes.length,
                        made.rootBlocks[OpenedStore.SPACE])
                .isTrue();
        device = history.device().kill();
    }

    @AfterEach
    void close() {
        history.close();
    }

    private boolean hasEverything() {
        final Superblock newest = history.catalog().store().opened().current;
        return newest.spillBlock != 0
                && newest.redirects.length > 3
                && newest.runs.length > 0
                && newest.notes.length > 40
                && newest.rootBlocks[OpenedStore.SPACE] != 0;
    }

    private CommitReader newest() {
        return new StoreDump(device).newest();
    }

    private List<String> commit() {
        return StoreDump.commit(newest());
    }

    private List<String> tree(final String name) {
        final List<String> lines = new ArrayList<>();
        StoreDump.tree(newest(), CommitReader.treeNumber(name), true, (node, entries) -> {
            lines.add(node.problem() == null ? "node " + node.block() : "damaged " + node.problem());
            lines.addAll(entries);
        });
        return lines;
    }

    private static Predicate<String> matching(final String pattern) {
        return line -> line.matches(pattern);
    }

    private void requireAll(final List<String> lines, final String... patterns) {
        for (final String pattern : patterns) {
            assertThat(lines).as(pattern).anyMatch(matching(pattern));
        }
    }

    @Test
    void aCommitShowsAllThatItsSuperblockSays() {
        final Superblock superblock = newest().superblock();
        final List<String> lines = commit();

        requireAll(
                lines,
                "commit " + superblock.generation + "  parent .*",
                "store " + superblock.storeId + "  label test  .*",
                "cursor [0-9]+  next slots [0-9]+ [0-9]+",
                "root of catalogue  block [0-9]+ .*",
                "root of space  block [0-9]+ .*",
                "run  blocks [0-9-]+  checksum 0x[0-9a-f]{8}",
                "spill node  block " + superblock.spillBlock + "  previous .*",
                "space log  [0-9]+ entries",
                "  allocated  blocks [0-9-]+",
                "  freed  blocks [0-9-]+",
                "  branch [0-9]+  written -?[0-9]+  died -?[0-9]+  mapped [0-9]+ chunks",
                "  regions of the head of branch [0-9]+  chunks [0-9-]+");
        assertThat(lines.stream().filter(matching("redirect  block .*"))).hasSize(superblock.redirects.length / 3);
        final long spilled = newest().spills(problem -> {}).stream()
                .mapToLong(spill -> spill.spill().entries().length / 2)
                .sum();
        assertThat(lines.stream().filter(matching("  (allocated|freed)  .*")))
                .as("every entry of the space log")
                .hasSize((int) spilled + superblock.space.length / 2);
    }

    @Test
    void theTreesShowEveryKindOfRecord() {
        requireAll(
                tree("catalogue"),
                ".*Volume\\[.*name=vm.*",
                ".*VolumeName\\[.*",
                ".*Line\\[.*",
                ".*VolumeBranch\\[.*",
                ".*Point\\[.*why=test.*",
                ".*Point\\[.*holds=\\[tag.*",
                ".*PointName\\[.*",
                ".*Child\\[.*",
                ".*Policy\\[.*keep-last=3.*",
                ".*Deletion\\[.*",
                ".*Attribute\\[.*name=key, valueBytes=10\\]");
        requireAll(tree("head"), ".*branch [0-9]+ chunk [0-9]+\\+[0-9]+ \\[.*block [0-9]+.*");
        requireAll(tree("recent"), ".*branch [0-9]+ chunk [0-9]+\\+[0-9]+ \\[.*block [0-9]+.*");
        requireAll(tree("history"), ".*branch [0-9]+ chunk [0-9]+\\+[0-9]+ \\[.*block [0-9]+.*");
        requireAll(tree("regions"), ".*[0-9]+ regions:( [0-9-]+)+", ".*, 0, [0-9]+\\) [0-9]+ regions:.*");
        requireAll(tree("space"), ".*[0-9]+ blocks used:( [0-9-]+)+");
    }

    private void destroy(final long block) {
        for (int bit = 0; bit < 8; bit++) {
            device.flipBit(block * BLOCK + 2000, bit);
        }
    }

    @Test
    void aDamagedSpillNodeIsNamedAndTheRestShown() {
        device = history.finish(); // Sealed: else what looks like a torn commit is passed over.
        destroy(newest().superblock().spillBlock);

        requireAll(
                commit(),
                "damaged: spill node at position .*checksum.*",
                "space log  [0-9]+ entries",
                "  allocated  blocks .*",
                "notes .*");
    }

    @Test
    void aDamagedNodeIsNamedAndTheRestShown() {
        device = history.finish(); // Sealed: else what looks like a torn commit is passed over.
        final List<Long> leaves = new ArrayList<>();
        StoreDump.tree(newest(), CommitReader.treeNumber("head"), false, (node, entries) -> {
            if (node.level() == 0) {
                leaves.add(node.block());
            }
        });
        destroy(leaves.get(0));

        final List<String> lines = tree("head");

        assertThat(lines.stream().filter(line -> line.startsWith("damaged ")))
                .singleElement()
                .satisfies(line -> assertThat(line).contains("head leaf at position " + leaves.get(0) * BLOCK));
        assertThat(lines.stream().filter(line -> line.startsWith("node ")))
                .hasSizeGreaterThanOrEqualTo(leaves.size() - 1);
    }

    @Test
    void aDamagedSlotIsNamedAndTheOthersShown() {
        final long slot = new StoreDump(device)
                .superblocks().stream()
                        .filter(found -> found.state().equals("newest"))
                        .findFirst()
                        .orElseThrow()
                        .block();
        destroy(slot);

        assertThat(new StoreDump(device).superblocks())
                .anySatisfy(found -> {
                    assertThat(found.block()).isEqualTo(slot);
                    assertThat(found.state()).isEqualTo("damaged");
                    assertThat(found.problem()).contains("checksum");
                })
                .anyMatch(found -> found.state().equals("newest"));
    }
}
