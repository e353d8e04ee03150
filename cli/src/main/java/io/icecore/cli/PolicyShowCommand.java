package io.icecore.cli;

import io.icecore.recovery.point.RollingPolicy;
import io.icecore.volume.Catalog;
import io.icecore.volume.TimeSpan;
import io.icecore.volume.VolumeInfo;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        description = "Shows the policy of a volume, or of all that have one.",
        footer = {"", "Example:", "  icecore policy show"})
final class PolicyShowCommand extends StoreCommand {
    private record VolumePolicy(String volume, RollingPolicy policy) {}

    @Parameters(paramLabel = "VOL", arity = "0..1", description = "The volume.")
    private String volume;

    @Option(names = "--json", description = "One JSON document.")
    private boolean json;

    @Override
    int run(final Catalog catalog) {
        final List<VolumePolicy> policies = policies(catalog);
        if (volume != null && policies.isEmpty()) {
            throw new CommandException(ExitCode.NO_SUCH, "no policy: " + volume);
        }
        if (json) {
            Json.printArray(console().out(), policies, PolicyShowCommand::json);
            return ExitCode.DONE;
        }
        final Table table =
                new Table().left("VOLUME").right("EVERY").right("KEEP LAST").left("KEEP");
        for (final VolumePolicy entry : policies) {
            table.row(
                    entry.volume(),
                    TimeSpan.format(entry.policy().every()),
                    String.valueOf(entry.policy().keepLast()),
                    entry.policy().keepText());
        }
        table.print(console());
        return ExitCode.DONE;
    }

    private List<VolumePolicy> policies(final Catalog catalog) {
        final List<String> volumes = volume != null
                ? List.of(volume)
                : catalog.volumes().stream().map(VolumeInfo::name).toList();
        final List<VolumePolicy> policies = new ArrayList<>();
        for (final String name : volumes) {
            catalog.policy(name).ifPresent(text -> policies.add(new VolumePolicy(name, RollingPolicy.decode(text))));
        }
        return policies;
    }

    private static Json json(final VolumePolicy entry) {
        return Json.object()
                .with("volume", entry.volume())
                .with("everySeconds", entry.policy().every().toSeconds())
                .with("keep", entry.policy().keepText())
                .with("keepLast", entry.policy().keepLast());
    }
}
