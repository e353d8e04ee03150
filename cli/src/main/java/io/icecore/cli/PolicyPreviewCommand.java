package io.icecore.cli;

import io.icecore.recovery.point.RetentionPlan;
import io.icecore.recovery.point.RollingPolicy;
import io.icecore.recovery.point.SpaceExpiry;
import io.icecore.volume.ByteSize;
import io.icecore.volume.Catalog;
import io.icecore.volume.Snapshot;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        description = "Shows which snapshots a policy keeps and deletes now, and why. Changes nothing.",
        footer = {
            "",
            "Example: the policy that is set, one that might be, a full store:",
            "  icecore policy preview vm1",
            "  icecore policy preview vm1 --every 5m --keep 48h:1h",
            "  icecore policy preview --when-full 10G"
        })
final class PolicyPreviewCommand extends StoreCommand {
    @Parameters(paramLabel = "VOL", arity = "0..1", description = "The volume.")
    private String volume;

    @Option(
            names = "--when-full",
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description =
                    "Instead, of all volumes: what would go if SIZE were missing and the policy of the store is to "
                            + "expire (store set).")
    private Long missingBytes;

    @Mixin
    private PolicyOptions options = new PolicyOptions();

    @Option(names = "--json", description = "One JSON document.")
    private boolean json;

    @Override
    int run(final Catalog catalog) {
        if ((volume == null) == (missingBytes == null)) {
            throw new CommandException(ExitCode.USAGE, "expected: either a volume or --when-full");
        }
        return missingBytes == null ? previewPolicy(catalog) : previewExpiry(catalog);
    }

    /** What would go, oldest first: that is the order in which it goes. */
    private int previewExpiry(final Catalog catalog) {
        final List<Snapshot> chosen = SpaceExpiry.preview(catalog, missingBytes);
        if (json) {
            Json.printArray(
                    console().out(),
                    chosen,
                    snapshot -> Json.object()
                            .with("volume", snapshot.volume())
                            .with("name", snapshot.name())
                            .with("created", console().timeJson(snapshot.created())));
            return ExitCode.DONE;
        }
        if (!chosen.isEmpty()) {
            final Table table = new Table().left("SNAPSHOT").left("TIME");
            chosen.forEach(snapshot -> table.row(snapshot.spec(), console().timeText(snapshot.created())));
            table.print(console());
        }
        final long freed = catalog.predictFreed(chosen);
        console()
                .out()
                .println("expires " + chosen.size() + " and frees " + ByteSize.format(freed)
                        + (freed < missingBytes ? ", which is not enough: then writes fail" : ""));
        return ExitCode.DONE;
    }

    private int previewPolicy(final Catalog catalog) {
        final RollingPolicy policy = options.given() ? options.policy() : policyOf(catalog);
        final RetentionPlan plan = RetentionPlan.of(
                policy, catalog.snapshots(volume), console().clock().instant());
        if (json) {
            Json.printArray(console().out(), plan.decisions(), this::json);
            return ExitCode.DONE;
        }
        final Table table = new Table()
                .left("SNAPSHOT")
                .left("TIME")
                .right("WRITTEN")
                .left("FATE")
                .left("WHY");
        for (final RetentionPlan.Decision decision : plan.decisions()) {
            final Snapshot snapshot = decision.snapshot();
            table.row(
                    snapshot.spec(),
                    console().timeText(snapshot.created()),
                    ByteSize.format(snapshot.writtenBytes()),
                    decision.kept() ? "keep" : "delete",
                    decision.why());
        }
        table.print(console());
        final List<Snapshot> dropped = plan.dropped();
        console()
                .out()
                .println("keeps " + plan.kept().size() + ", deletes " + dropped.size()
                        + (dropped.isEmpty() ? "" : " and frees " + ByteSize.format(catalog.predictFreed(dropped))));
        return ExitCode.DONE;
    }

    private RollingPolicy policyOf(final Catalog catalog) {
        final String text = catalog.policy(volume)
                .orElseThrow(() -> new CommandException(
                        ExitCode.NO_SUCH, "no policy: " + volume, "give --every and --keep to preview one"));
        return RollingPolicy.decode(text);
    }

    private Json json(final RetentionPlan.Decision decision) {
        return Json.object()
                .with("volume", decision.snapshot().volume())
                .with("name", decision.snapshot().name())
                .with("created", console().timeJson(decision.snapshot().created()))
                .with("kept", decision.kept())
                .with("why", decision.why());
    }
}
