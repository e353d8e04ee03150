package io.icecore.cli;

import io.icecore.recovery.check.CommitReader;
import io.icecore.recovery.dump.BlockDump;
import io.icecore.recovery.dump.StoreDump;
import io.icecore.store.device.BlockDevice;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        description =
                "What blocks are: going by their bytes, by the free-space map, and by what refers to them. A finding's "
                        + "position divided by 4096 is its block.",
        footer = {"", "Example:", "  icecore dump block 4711 --store /srv/ice.store"})
final class DumpBlockCommand extends DeviceCommand {
    @Parameters(paramLabel = "N", arity = "1..*", description = "Numbers of blocks, from 0.")
    private List<Long> blocks = new ArrayList<>();

    @Override
    int run(final BlockDevice device) {
        final StoreDump dump = new StoreDump(device);
        final CommitReader commit = dump.newest();
        final List<Json> documents = new ArrayList<>();
        for (final long block : blocks) {
            console().requireWanted();
            final BlockDump found = dump.block(commit, block);
            if (json()) {
                documents.add(json(found));
            } else {
                print(found);
            }
        }
        if (json()) {
            console().out().println(Json.document(documents));
        }
        return ExitCode.DONE;
    }

    private void print(final BlockDump found) {
        console().out().println("block " + found.block() + ": " + found.map() + ", " + found.content());
        if (found.owners().isEmpty() && !found.map().equals("slot")) {
            console().out().println("  no owner" + (found.damage().isEmpty() ? "" : " among what can be read"));
        }
        found.owners().forEach(owner -> console().out().println("  owner: " + owner.what()));
        found.damage().forEach(finding -> console().out().println("  damage: " + finding));
    }

    private static Json json(final BlockDump found) {
        return Json.object()
                .with("block", found.block())
                .with("map", found.map())
                .with("content", found.content())
                .with(
                        "owners",
                        found.owners().stream().map(DumpSegmentCommand::json).toList())
                .with("damage", found.damage().stream().map(CheckCommand::json).toList());
    }
}
