package io.icecore.cli;

import io.icecore.volume.ByteSize;
import io.icecore.volume.Catalog;
import io.icecore.volume.Snapshot;
import io.icecore.volume.VolumeInfo;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.TreeSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        description = "Lists snapshots, newest last.",
        footer = {"", "Example:", "  icecore snapshot list vm1"})
final class SnapshotListCommand extends StoreCommand {
    @Parameters(
            paramLabel = "SPEC",
            arity = "0..1",
            description = "A volume, or snapshots of one: vm1, vm1@monday..latest. Default: all volumes.")
    private String which;

    @Option(names = "--json", description = "One JSON document.")
    private boolean json;

    @Override
    int run(final Catalog catalog) {
        final List<Snapshot> snapshots = select(catalog);
        if (json) {
            Json.printArray(console().out(), snapshots, this::json);
            return ExitCode.DONE;
        }
        final Table table = new Table()
                .left("NAME")
                .left("TIME")
                .right("SIZE")
                .right("WRITTEN")
                .left("LABELS")
                .left("HOLDS");
        for (final Snapshot snapshot : snapshots) {
            table.row(
                    snapshot.spec(),
                    console().timeText(snapshot.created()),
                    ByteSize.format(snapshot.sizeBytes()),
                    ByteSize.format(snapshot.writtenBytes()),
                    labels(snapshot),
                    snapshot.holds().isEmpty() ? "-" : String.join(",", new TreeSet<>(snapshot.holds())));
        }
        table.print(console());
        return ExitCode.DONE;
    }

    private List<Snapshot> select(final Catalog catalog) {
        if (which != null && which.indexOf('@') >= 0) {
            return catalog.snapshots(spec(which));
        }
        if (which != null) {
            return catalog.snapshots(which);
        }
        final List<Snapshot> all = new ArrayList<>();
        for (final VolumeInfo volume : catalog.volumes()) {
            all.addAll(catalog.snapshots(volume.name()));
        }
        all.sort(Comparator.comparing(Snapshot::created)); // Stable: those of one volume keep their order.
        return all;
    }

    private static String labels(final Snapshot snapshot) {
        final StringJoiner labels = new StringJoiner(",").setEmptyValue("-");
        new TreeMap<>(snapshot.labels()).forEach((key, value) -> labels.add(key + "=" + value));
        return labels.toString();
    }

    private Json json(final Snapshot snapshot) {
        return Json.object()
                .with("volume", snapshot.volume())
                .with("name", snapshot.name())
                .with("epoch", snapshot.epoch())
                .with("created", console().timeJson(snapshot.created()))
                .with("sizeBytes", snapshot.sizeBytes())
                .with("writtenBytes", snapshot.writtenBytes())
                .with("labels", new TreeMap<>(snapshot.labels()))
                .with("holds", new TreeSet<>(snapshot.holds()))
                .with("state", "live"); // Those being deleted are gone for users, and from every list.
    }
}
