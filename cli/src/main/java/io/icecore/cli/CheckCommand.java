package io.icecore.cli;

import static io.icecore.store.device.BlockDevice.BLOCK_LENGTH;

import io.icecore.recovery.check.CheckProgress;
import io.icecore.recovery.check.CheckReport;
import io.icecore.recovery.check.Finding;
import io.icecore.recovery.check.StoreCheck;
import io.icecore.store.device.BlockDevice;
import io.icecore.volume.ByteSize;
import java.util.List;
import picocli.CommandLine.Command;

@Command(
        description = "Checks that the structures of a store are consistent: every block owned once or free, and all "
                + "that refers to each other fits. Never writes; works beside a daemon. Data is not read: see scrub.",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:consistent", "6:damage found, one finding a line", "1:could not be checked"},
        footer = {"", "Example:", "  icecore check --store /srv/ice.store"})
final class CheckCommand extends DeviceCommand {
    @Override
    int run(final BlockDevice device) {
        final CheckReport report = check(device);
        if (json()) {
            console().out().println(json(report));
        } else {
            report.errors().forEach(console().out()::println);
            console().out().println(verdict(report));
        }
        return report.ok() ? ExitCode.DONE : ExitCode.DAMAGE;
    }

    private CheckReport check(final BlockDevice device) {
        final Progress[] progress = {null};
        final CheckProgress shown = (accounted, total) -> {
            console().requireWanted();
            if (progress[0] == null) {
                progress[0] = new Progress(console(), "checking", total * BLOCK_LENGTH);
            }
            progress[0].update(accounted * BLOCK_LENGTH);
        };
        try (DaemonReading reading = DaemonReading.begin(console(), location())) {
            return new StoreCheck(device, shown, reading::undisturbed).run();
        } finally {
            if (progress[0] != null) {
                progress[0].close();
            }
        }
    }

    private static String verdict(final CheckReport report) {
        final CheckReport.Blocks blocks = report.blocks();
        if (report.ok()) {
            return "consistent: generation " + report.generation() + ", "
                    + ByteSize.format(blocks.allocated() * BLOCK_LENGTH) + " in use, every block with one owner";
        }
        return "damaged: generation " + report.generation() + ", "
                + Words.count(report.errors().size(), "finding")
                + "; " + Words.count(blocks.leaked(), "block") + " leaked, " + blocks.multiplyOwned()
                + " owned more than once";
    }

    private static Json json(final CheckReport report) {
        return json(
                report,
                report.ok(),
                report.chunksRead(),
                report.errors().stream().map(CheckCommand::json).toList());
    }

    /** The document that check and scrub have in common. */
    static Json json(final CheckReport report, final boolean ok, final long chunksRead, final List<Json> errors) {
        final CheckReport.Blocks blocks = report.blocks();
        return Json.object()
                .with("ok", ok)
                .with("generation", report.generation())
                .with(
                        "blocks",
                        Json.object()
                                .with("allocated", blocks.allocated())
                                .with("referenced", blocks.referenced())
                                .with("leaked", blocks.leaked())
                                .with("multiplyOwned", blocks.multiplyOwned()))
                .with("chunksRead", chunksRead)
                .with("errors", errors);
    }

    static Json json(final Finding finding) {
        return Json.object().with("where", finding.where()).with("what", finding.what());
    }
}
