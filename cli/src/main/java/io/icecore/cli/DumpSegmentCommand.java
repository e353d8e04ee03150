package io.icecore.cli;

import io.icecore.recovery.check.RangeInspection;
import io.icecore.recovery.dump.SegmentDump;
import io.icecore.recovery.dump.StoreDump;
import io.icecore.store.device.BlockDevice;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        description =
                "The blocks of a segment (# in use, . free, S superblock slot) and their owners. Reads all trees: "
                        + "blocks do not know their owners.",
        footer = {"", "Example:", "  icecore dump segment 3 --store /srv/ice.store"})
final class DumpSegmentCommand extends DeviceCommand {
    private static final int BLOCKS_PER_LINE = 64;

    @Parameters(paramLabel = "N", description = "Number of the segment, from 0.")
    private long segment;

    @Override
    int run(final BlockDevice device) {
        final StoreDump dump = new StoreDump(device);
        final SegmentDump found = dump.segment(dump.newest(), segment);
        if (json()) {
            console()
                    .out()
                    .println(Json.object()
                            .with("segment", found.segment())
                            .with("firstBlock", found.firstBlock())
                            .with("blockCount", found.blockCount())
                            .with("usedCount", found.usedCount())
                            .with("map", found.map())
                            .with(
                                    "owners",
                                    found.owners().stream()
                                            .map(DumpSegmentCommand::json)
                                            .toList())
                            .with(
                                    "damage",
                                    found.damage().stream()
                                            .map(CheckCommand::json)
                                            .toList()));
        } else {
            print(found);
        }
        return ExitCode.DONE;
    }

    private void print(final SegmentDump found) {
        console()
                .out()
                .println("segment " + found.segment() + ": blocks " + found.firstBlock() + " to "
                        + (found.firstBlock() + found.blockCount() - 1) + ", " + found.usedCount() + " in use");
        for (int from = 0; from < found.map().length(); from += BLOCKS_PER_LINE) {
            final int end = Math.min(found.map().length(), from + BLOCKS_PER_LINE);
            console()
                    .out()
                    .println(String.format(
                            "%12d  %s", found.firstBlock() + from, found.map().substring(from, end)));
        }
        final Table table = new Table().right("BLOCK").right("COUNT").left("OWNER");
        found.owners()
                .forEach(
                        owner -> table.row(String.valueOf(owner.block()), String.valueOf(owner.count()), owner.what()));
        table.print(console());
        found.damage().forEach(console().out()::println);
    }

    static Json json(final RangeInspection.Owner owner) {
        return Json.object()
                .with("block", owner.block())
                .with("count", owner.count())
                .with("what", owner.what());
    }
}
