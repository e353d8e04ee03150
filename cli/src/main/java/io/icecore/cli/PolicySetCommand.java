package io.icecore.cli;

import io.icecore.recovery.point.RollingPolicy;
import io.icecore.volume.Catalog;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        description = "Has the daemon take rolling snapshots of a volume, and thin them as they age. "
                + "Snapshots taken by people, and held ones, are never touched.",
        footer = {"", "Example:", "  icecore policy set vm1 --every 5m --keep 24h:all,7d:1h,30d:1d --keep-last 12"})
final class PolicySetCommand extends StoreCommand {
    @Parameters(paramLabel = "VOL", description = "The volume.")
    private String volume;

    @Mixin
    private PolicyOptions options = new PolicyOptions();

    @Override
    Access access() {
        return Access.WRITE;
    }

    @Override
    int run(final Catalog catalog) {
        final RollingPolicy policy = options.policy();
        catalog.setPolicy(volume, policy.encode());
        console().out().println("policy of " + volume + ": " + policy.encode());
        return ExitCode.DONE;
    }
}
