package io.icecore.cli;

import io.icecore.volume.ByteSize;
import io.icecore.volume.Catalog;
import io.icecore.volume.VolumeInfo;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        description = "Lists the volumes.",
        footer = {"", "Example:", "  icecore volume list --json"})
final class VolumeListCommand extends StoreCommand {
    @Option(names = "--json", description = "One JSON document.")
    private boolean json;

    @Override
    int run(final Catalog catalog) {
        final List<VolumeInfo> volumes = catalog.volumes();
        if (json) {
            Json.printArray(console().out(), volumes, this::json);
            return ExitCode.DONE;
        }
        final Table table = new Table()
                .left("NAME")
                .right("SIZE")
                .right("MAPPED")
                .right("SNAPSHOTS")
                .left("PARENT")
                .left("CREATED");
        for (final VolumeInfo volume : volumes) {
            table.row(
                    volume.name(),
                    ByteSize.format(volume.sizeBytes()),
                    ByteSize.format(volume.mappedBytes()),
                    String.valueOf(volume.snapshots()),
                    volume.parent() == null ? "-" : volume.parent(),
                    console().timeText(volume.created()));
        }
        table.print(console());
        return ExitCode.DONE;
    }

    private Json json(final VolumeInfo volume) {
        return Json.object()
                .with("name", volume.name())
                .with("sizeBytes", volume.sizeBytes())
                .with("mappedBytes", volume.mappedBytes())
                .with("snapshots", volume.snapshots())
                .with("parent", volume.parent())
                .with("created", console().timeJson(volume.created()));
    }
}
