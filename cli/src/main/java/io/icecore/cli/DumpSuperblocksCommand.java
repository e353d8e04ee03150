package io.icecore.cli;

import io.icecore.recovery.check.CommitReader;
import io.icecore.recovery.dump.SlotDump;
import io.icecore.recovery.dump.StoreDump;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.format.Superblock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;

@Command(
        description = "Every superblock slot of the device and what it holds. Roots are block:generation:level.",
        footer = {"", "Example:", "  icecore dump superblocks --store /srv/ice.store"})
final class DumpSuperblocksCommand extends DeviceCommand {
    @Override
    int run(final BlockDevice device) {
        final List<SlotDump> slots = new StoreDump(device).superblocks();
        if (json()) {
            console().out().println(Json.document(slots.stream().map(this::json).toList()));
        } else {
            print(slots);
        }
        return ExitCode.DONE;
    }

    private void print(final List<SlotDump> slots) {
        final Table table = new Table()
                .right("BLOCK")
                .left("STATE")
                .right("GENERATION")
                .right("PARENT")
                .left("TIME")
                .left("FLAGS")
                .right("USED")
                .right("REDIRECTS")
                .right("RUNS")
                .right("SPACE")
                .right("NOTES")
                .left("NEXT")
                .left("ROOTS");
        for (final SlotDump slot : slots) {
            final Superblock superblock = slot.superblock();
            final String block = String.valueOf(slot.block());
            if (superblock == null) {
                table.row(
                        block,
                        slot.state(),
                        "",
                        "",
                        "",
                        "",
                        "",
                        "",
                        "",
                        "",
                        "",
                        "",
                        slot.problem() == null ? "" : slot.problem());
            } else {
                table.row(
                        block,
                        slot.state(),
                        String.valueOf(superblock.generation),
                        String.valueOf(superblock.parentGeneration),
                        console().timeText(Instant.ofEpochMilli(superblock.timeMillis)),
                        String.join(",", slot.flags()),
                        String.valueOf(superblock.usedBlocks),
                        String.valueOf(superblock.redirects.length / 3),
                        String.valueOf(superblock.runs.length / 3),
                        superblock.space.length / 2 + (superblock.spillBlock == 0 ? "" : "+" + superblock.spillBlock),
                        String.valueOf(superblock.notes.length),
                        superblock.nextSlots[0] + "," + superblock.nextSlots[1],
                        roots(superblock));
            }
        }
        table.print(console());
    }

    private static String roots(final Superblock superblock) {
        final List<String> roots = new ArrayList<>();
        for (int tree = 0; tree < superblock.rootBlocks.length; tree++) {
            if (superblock.rootBlocks[tree] != 0) {
                roots.add(name(tree) + "=" + superblock.rootBlocks[tree] + ":" + superblock.rootGenerations[tree] + ":"
                        + superblock.rootLevels[tree]);
            }
        }
        return String.join(" ", roots);
    }

    private static String name(final int tree) {
        final String name = CommitReader.treeName(tree);
        return name == null ? String.valueOf(tree) : name;
    }

    private Json json(final SlotDump slot) {
        final Json json = Json.object().with("block", slot.block()).with("state", slot.state());
        final Superblock superblock = slot.superblock();
        if (superblock == null) {
            return json.with("problem", slot.problem());
        }
        final List<Json> roots = new ArrayList<>();
        for (int tree = 0; tree < superblock.rootBlocks.length; tree++) {
            if (superblock.rootBlocks[tree] != 0) {
                roots.add(Json.object()
                        .with("tree", name(tree))
                        .with("block", superblock.rootBlocks[tree])
                        .with("generation", superblock.rootGenerations[tree])
                        .with("level", superblock.rootLevels[tree]));
            }
        }
        return json.with("storeId", superblock.storeId)
                .with("label", superblock.label)
                .with("generation", superblock.generation)
                .with("parentGeneration", superblock.parentGeneration)
                .with("nonce", String.format("%016x", superblock.nonce))
                .with("time", console().timeJson(Instant.ofEpochMilli(superblock.timeMillis)))
                .with("flags", slot.flags())
                .with("blockCount", superblock.blockCount)
                .with("usedBlocks", superblock.usedBlocks)
                .with("cursor", superblock.cursor)
                .with("nextSlots", List.of(superblock.nextSlots[0], superblock.nextSlots[1]))
                .with("spillBlock", superblock.spillBlock)
                .with("roots", roots)
                .with("redirects", triples(superblock.redirects, "home", "block", "generation"))
                .with("runs", triples(superblock.runs, "block", "count", "checksum"))
                .with("space", pairs(superblock.space))
                .with("notesLength", superblock.notes.length);
    }

    private static List<Json> triples(final long[] list, final String first, final String second, final String third) {
        final List<Json> triples = new ArrayList<>();
        for (int i = 0; i < list.length; i += 3) {
            triples.add(
                    Json.object().with(first, list[i]).with(second, list[i + 1]).with(third, list[i + 2]));
        }
        return triples;
    }

    private static List<Json> pairs(final long[] list) {
        final List<Json> pairs = new ArrayList<>();
        for (int i = 0; i < list.length; i += 2) {
            pairs.add(Json.object()
                    .with("block", list[i])
                    .with("count", Math.abs(list[i + 1]))
                    .with("type", list[i + 1] > 0 ? "allocated" : "freed"));
        }
        return pairs;
    }
}
