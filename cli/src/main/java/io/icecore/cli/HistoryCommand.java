package io.icecore.cli;

import io.icecore.volume.ByteSize;
import io.icecore.volume.Catalog;
import io.icecore.volume.Snapshot;
import io.icecore.volume.VolumeInfo;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        description = "A volume on a time line, oldest first: its snapshots, the bytes written in each step, and what "
                + "deleting each alone would free.",
        footer = {"", "Example:", "  icecore history vm1 --last 20"})
final class HistoryCommand extends StoreCommand {
    private static final int BAR_LENGTH = 20;
    private static final String EIGHTHS = "▏▎▍▌▋▊▉█";

    @Parameters(paramLabel = "VOL", description = "The volume.")
    private String volume;

    @Option(names = "--last", paramLabel = "N", description = "Only the newest N snapshots.")
    private int last = Integer.MAX_VALUE;

    @Option(names = "--json", description = "One JSON document.")
    private boolean json;

    @Override
    int run(final Catalog catalog) {
        if (last < 1) {
            throw new CommandException(ExitCode.USAGE, "last: " + last + " (expected: 1 or more)");
        }
        final VolumeInfo info = catalog.volume(volume);
        final List<Snapshot> all = catalog.snapshots(volume);
        final List<Snapshot> shown = all.subList(Math.max(0, all.size() - last), all.size());
        if (json) {
            console()
                    .out()
                    .println(Json.document(shown.stream()
                            .map(snapshot -> json(catalog, snapshot))
                            .toList()));
        } else {
            print(catalog, info, shown);
        }
        return ExitCode.DONE;
    }

    private void print(final Catalog catalog, final VolumeInfo info, final List<Snapshot> shown) {
        final long most = shown.stream().mapToLong(Snapshot::writtenBytes).max().orElse(0);
        final Table table = new Table()
                .left("TIME")
                .left("SNAPSHOT")
                .right("WRITTEN")
                .right("FREED IF DELETED")
                .left("");
        for (final Snapshot snapshot : shown) {
            console().requireWanted();
            table.row(
                    console().timeText(snapshot.created()),
                    snapshot.name() + (snapshot.holds().isEmpty() ? "" : " (held)"),
                    ByteSize.format(snapshot.writtenBytes()),
                    ByteSize.format(catalog.predictFreed(List.of(snapshot))),
                    bar(snapshot.writtenBytes(), most));
        }
        table.row("now", "head of " + info.name(), "", "", "");
        table.print(console());
        console()
                .out()
                .println(Words.count(info.snapshots(), "snapshot") + "; the head maps "
                        + ByteSize.format(info.mappedBytes()) + " of " + ByteSize.format(info.sizeBytes()));
    }

    private static String bar(final long bytes, final long most) {
        if (bytes <= 0 || most <= 0) {
            return "";
        }
        final int eighths = Math.max(1, (int) Math.round((double) bytes / most * BAR_LENGTH * 8));
        final int rest = eighths % 8;
        return "█".repeat(eighths / 8) + (rest == 0 ? "" : EIGHTHS.substring(rest - 1, rest));
    }

    private Json json(final Catalog catalog, final Snapshot snapshot) {
        return Json.object()
                .with("volume", snapshot.volume())
                .with("name", snapshot.name())
                .with("epoch", snapshot.epoch())
                .with("created", console().timeJson(snapshot.created()))
                .with("writtenBytes", snapshot.writtenBytes())
                .with("freedIfDeletedBytes", catalog.predictFreed(List.of(snapshot)));
    }
}
