package io.icecore.cli;

import io.icecore.recovery.check.CommitReader;
import io.icecore.recovery.dump.StoreDump;
import io.icecore.store.device.BlockDevice;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        description =
                "All that the superblock of a commit says: roots, redirects, runs, space log with its spill nodes, notes.",
        footer = {"", "Example:", "  icecore dump commit --store /srv/ice.store"})
final class DumpCommitCommand extends DeviceCommand {
    @Option(
            names = "--generation",
            paramLabel = "N",
            description = "Of an older commit of which a superblock is left. Default: the newest.")
    private long generation = -1;

    @Override
    int run(final BlockDevice device) {
        final StoreDump dump = new StoreDump(device);
        final CommitReader commit = generation < 0 ? dump.newest() : dump.generation(generation);
        final List<String> lines = StoreDump.commit(commit);
        if (json()) {
            console()
                    .out()
                    .println(Json.object()
                            .with("generation", commit.superblock().generation)
                            .with("text", lines));
        } else {
            lines.forEach(console().out()::println);
        }
        return ExitCode.DONE;
    }
}
