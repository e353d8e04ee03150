package io.icecore.cli;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.recovery.check.Finding;
import io.icecore.recovery.repair.RepairReport;
import io.icecore.recovery.repair.StoreRepair;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.device.FileBlockDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        description =
                "Makes a consistent store of what can still be read of a damaged one: with damaged nodes, or with "
                        + "no superblock left. Says exactly what could not be saved. A sound store is not touched.",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:the store is sound, or all of it was saved",
            "6:repaired, but some was lost or may be older, one loss a line",
            "4:the store is in use",
            "1:cannot be repaired; nothing is changed"
        },
        footer = {
            "",
            "Look first (--dry-run), and repair into a new file where there is room for one.",
            "",
            "Example:",
            "  icecore repair --output /srv/saved.store --store /srv/ice.store"
        })
final class RepairCommand extends ConsoleCommand {
    @Option(
            names = {"-s", "--store"},
            paramLabel = "PATH",
            description = "The store: a file or a block device. Default: the variable ICECORE_STORE.")
    private String store;

    @ArgGroup(multiplicity = "1")
    private Way way;

    /** Where the result goes. */
    private static final class Way {
        @Option(
                names = "--output",
                paramLabel = "NEW",
                description = "Repair into a new file; the store stays as it is.")
        private String output;

        @Option(names = "--in-place", description = "Repair the store itself, which nobody may have open.")
        private boolean inPlace;

        @Option(names = "--dry-run", description = "Only say what would be saved and what not.")
        private boolean dryRun;
    }

    @Option(
            names = "--uuid",
            paramLabel = "UUID",
            description = "Which store, where no superblock is left and nodes of several are found.")
    private UUID uuid;

    @Option(names = "--json", description = "One JSON document.")
    private boolean json;

    private Progress progress;

    @Override
    public Integer call() throws IOException {
        final Path path = invocation().session().locate(store).path();
        final RepairReport report;
        try {
            report = repair(path);
        } finally {
            if (progress != null) {
                progress.close();
            }
        }
        console().out().println(json ? json(report) : verdict(report));
        return report.sound() || report.complete() ? ExitCode.DONE : ExitCode.DAMAGE;
    }

    private RepairReport repair(final Path path) throws IOException {
        if (way.inPlace) {
            try (BlockDevice device = FileBlockDevice.open(path)) { // Takes the lock.
                return repairOf(device).inPlace(uuid);
            }
        }
        try (BlockDevice device = FileBlockDevice.openReadOnly(path)) {
            return way.dryRun
                    ? repairOf(device).rehearse(uuid)
                    : into(device, console().resolve(way.output));
        }
    }

    private StoreRepair repairOf(final BlockDevice device) {
        return new StoreRepair(device, console().clock(), (done, total) -> {
            console().requireWanted();
            if (progress == null) {
                progress = new Progress(console(), "scanning", total * BLOCK_LENGTH);
            }
            progress.update(done * BLOCK_LENGTH);
        });
    }

    private RepairReport into(final BlockDevice device, final Path output) throws IOException {
        final BlockDevice[] created = {null};
        boolean done = false;
        try {
            final RepairReport report = repairOf(device).into(uuid, () -> {
                created[0] = FileBlockDevice.create(output, device.length(), false);
                return created[0];
            });
            done = true;
            return report;
        } finally {
            if (created[0] != null) {
                created[0].close();
            }
            if (created[0] != null && !done && Files.isRegularFile(output)) {
                Files.delete(output); // Half a store is no store.
            }
        }
    }

    private String verdict(final RepairReport report) {
        if (report.sound()) {
            return "sound: generation " + report.generation() + ", nothing to repair, nothing changed";
        }
        report.changes().forEach(console().out()::println);
        report.losses().forEach(console().out()::println);
        final String what = (way.dryRun ? "would save " : "saved ") + Words.count(report.extents(), "extent")
                + " of generation " + report.generation();
        return report.complete()
                ? what + ": nothing is lost"
                : what + "; " + Words.count(report.losses().size(), "loss", "losses");
    }

    private Json json(final RepairReport report) {
        return Json.object()
                .with("sound", report.sound())
                .with("complete", report.sound() || report.complete())
                .with("uuid", report.storeId())
                .with("generation", report.generation())
                .with("nodesFound", report.nodes())
                .with("extentsSaved", report.extents())
                .with("changes", report.changes())
                .with(
                        "losses",
                        report.losses().stream().map(RepairCommand::json).toList());
    }

    private static Json json(final Finding loss) {
        return CheckCommand.json(loss);
    }
}
