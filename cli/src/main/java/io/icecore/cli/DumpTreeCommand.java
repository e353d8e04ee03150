package io.icecore.cli;

import io.icecore.recovery.check.CommitReader;
import io.icecore.recovery.dump.NodeDump;
import io.icecore.recovery.dump.StoreDump;
import io.icecore.store.device.BlockDevice;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        description = "The nodes of a tree, parents first: level, block, generation, entries, range of keys.",
        footer = {"", "Example:", "  icecore dump tree head --entries --store /srv/ice.store"})
final class DumpTreeCommand extends DeviceCommand {
    @Parameters(paramLabel = "TREE", description = "catalogue, head, recent, history, regions or space.")
    private String name;

    @Option(names = "--entries", description = "The entries of each node as well.")
    private boolean withEntries;

    @Option(
            names = "--generation",
            paramLabel = "N",
            description = "Of an older commit of which a superblock is left. Default: the newest.")
    private long generation = -1;

    private String separator = "[";

    @Override
    int run(final BlockDevice device) {
        final int tree = CommitReader.treeNumber(name);
        if (tree < 0) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "no such tree: " + name + " (expected: catalogue, head, recent, history, regions or space)");
        }
        final StoreDump dump = new StoreDump(device);
        final CommitReader commit = generation < 0 ? dump.newest() : dump.generation(generation);
        // One node at a time, however large the tree.
        StoreDump.tree(commit, tree, withEntries, json() ? this::printJson : this::print);
        if (json()) {
            console().out().println(separator.equals("[") ? "[]" : "]");
        }
        return ExitCode.DONE;
    }

    private void print(final NodeDump node, final List<String> entries) {
        console().requireWanted();
        final String at = "level " + node.level() + "  block " + node.block()
                + (node.home() == node.block() ? "" : " (redirected from " + node.home() + ")");
        if (node.problem() != null) {
            console().out().println(at + "  damaged: " + node.problem());
            return;
        }
        console()
                .out()
                .println(at + "  generation " + node.generation() + "  " + node.count() + " entries, "
                        + node.freeBytes() + " bytes free  " + node.firstKey() + " to " + node.lastKey());
        entries.forEach(entry -> console().out().println("  " + entry));
    }

    private void printJson(final NodeDump node, final List<String> entries) {
        console().requireWanted();
        final Json json = Json.object()
                .with("level", node.level())
                .with("block", node.block())
                .with("home", node.home());
        if (node.problem() == null) {
            json.with("generation", node.generation())
                    .with("count", node.count())
                    .with("freeBytes", node.freeBytes())
                    .with("firstKey", node.firstKey())
                    .with("lastKey", node.lastKey());
        } else {
            json.with("problem", node.problem());
        }
        if (withEntries) {
            json.with("entries", entries);
        }
        console().out().println(separator + json);
        separator = ",";
    }
}
