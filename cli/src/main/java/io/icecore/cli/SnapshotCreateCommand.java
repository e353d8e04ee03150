package io.icecore.cli;

import io.icecore.volume.Catalog;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        description = "Takes one snapshot of each volume named, all in the same instant, and prints their names.",
        footer = {"", "Example:", "  icecore snapshot create vm1 vm2 --name before-upgrade --label ticket=4711"})
final class SnapshotCreateCommand extends StoreCommand {
    @Parameters(paramLabel = "VOL", arity = "1..*", description = "The volumes.")
    private List<String> volumes;

    @Option(names = "--name", paramLabel = "NAME", description = "Name of the snapshots. Default: the time.")
    private String name;

    @Option(names = "--label", paramLabel = "KEY=VALUE", description = "A label. May be given several times.")
    private Map<String, String> labels = new TreeMap<>();

    @Override
    Access access() {
        return Access.WRITE;
    }

    @Override
    int run(final Catalog catalog) {
        catalog.createSnapshots(volumes, name, labels)
                .forEach(snapshot -> console().out().println(snapshot.spec()));
        return ExitCode.DONE;
    }
}
