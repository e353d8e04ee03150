package io.icecore.cli;

import io.icecore.volume.Catalog;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        description = "Takes no more rolling snapshots of a volume, and thins no more. Those it has stay.",
        footer = {"", "Example:", "  icecore policy clear vm1"})
final class PolicyClearCommand extends StoreCommand {
    @Parameters(paramLabel = "VOL", description = "The volume.")
    private String volume;

    @Override
    Access access() {
        return Access.WRITE;
    }

    @Override
    int run(final Catalog catalog) {
        if (catalog.policy(volume).isEmpty()) {
            throw new CommandException(ExitCode.NO_SUCH, "no policy: " + volume);
        }
        catalog.setPolicy(volume, null);
        console().out().println("policy of " + volume + " cleared");
        return ExitCode.DONE;
    }
}
