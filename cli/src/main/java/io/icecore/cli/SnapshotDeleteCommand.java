package io.icecore.cli;

import io.icecore.volume.ByteSize;
import io.icecore.volume.Catalog;
import io.icecore.volume.Snapshot;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        description = "Deletes snapshots, all or none. They are gone at once; the space follows in the background.",
        footer = {"", "Example:", "  icecore snapshot delete vm1@monday..friday --dry-run"})
final class SnapshotDeleteCommand extends StoreCommand {
    @Parameters(paramLabel = "SPEC", arity = "1..*", description = "Snapshots, or ranges of them.")
    private List<String> specs;

    @Option(names = "--dry-run", description = "Say what would go and how much space would come back; delete nothing.")
    private boolean dryRun;

    @Mixin
    private Disconnection disconnection = new Disconnection();

    @Mixin
    private ReclaimWait reclaimWait = new ReclaimWait();

    @Override
    Access access() {
        return dryRun ? Access.READ : Access.WRITE;
    }

    @Override
    int run(final Catalog catalog) {
        final Collection<Snapshot> chosen = choose(catalog);
        if (dryRun) {
            chosen.forEach(snapshot -> console().out().println(snapshot.spec() + held(snapshot)));
            console()
                    .out()
                    .println("would delete " + Words.count(chosen.size(), "snapshot") + " and free "
                            + ByteSize.format(catalog.predictFreed(chosen)));
            return ExitCode.DONE;
        }
        final Set<String> exports = chosen.stream().map(Snapshot::spec).collect(Collectors.toSet());
        disconnection.around(invocation().session(), exports::contains, () -> {
            catalog.deleteSnapshots(chosen);
            return null;
        });
        console().out().println(Words.count(chosen.size(), "snapshot") + " deleted");
        reclaimWait.run(catalog, console());
        return ExitCode.DONE;
    }

    /** A snapshot that two specs name is deleted once. */
    private Collection<Snapshot> choose(final Catalog catalog) {
        final Map<String, Snapshot> chosen = new LinkedHashMap<>();
        for (final String text : specs) {
            catalog.snapshots(spec(text)).forEach(snapshot -> chosen.put(snapshot.spec(), snapshot));
        }
        return chosen.values();
    }

    private static String held(final Snapshot snapshot) {
        return snapshot.holds().isEmpty()
                ? ""
                : "  (held, cannot be deleted: " + String.join(", ", snapshot.holds()) + ")";
    }
}
