package io.icecore.cli;

import io.icecore.volume.Catalog;
import io.icecore.volume.Snapshot;
import io.icecore.volume.Spec;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        description = "Takes a volume back to one of its snapshots, at once. All its snapshots stay, and what it was "
                + "before becomes one more, so that this can be undone.",
        footer = {"", "Example:", "  icecore rollback vm1@before-upgrade"})
final class RollbackCommand extends StoreCommand {
    @Parameters(paramLabel = "SPEC", description = "The snapshot.")
    private String spec;

    @Mixin
    private Disconnection disconnection = new Disconnection();

    @Override
    Access access() {
        return Access.WRITE;
    }

    @Override
    int run(final Catalog catalog) {
        final Snapshot chosen = catalog.snapshot(spec(spec));
        final Spec target = spec(chosen.spec()); // What -1h means must not change in between.
        final Snapshot before =
                disconnection.around(invocation().session(), chosen.volume()::equals, () -> catalog.rollback(target));
        console()
                .out()
                .println(chosen.volume() + " rolled back to " + chosen.spec() + "; what it was before is "
                        + before.spec());
        return ExitCode.DONE;
    }
}
