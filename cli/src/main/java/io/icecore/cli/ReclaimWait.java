package io.icecore.cli;

import io.icecore.volume.ByteSize;
import io.icecore.volume.Catalog;
import io.icecore.volume.ReclaimStatus;
import picocli.CommandLine.Option;

/** The option of deleting commands to stay until the space is back. */
final class ReclaimWait {
    @Option(names = "--wait", description = "Return when the space is back.")
    private boolean wait;

    /** Does the work of the background itself, step by step beside whoever else does it. */
    void run(final Catalog catalog, final Console console) {
        if (!wait) {
            return;
        }
        final long before = catalog.reclaimStatus().reclaimedBytes();
        final long pending = catalog.reclaimStatus().pendingBytes();
        try (Progress progress = new Progress(console, "reclaim", pending)) {
            while (catalog.reclaimStep()) {
                console.requireWanted();
                progress.update(catalog.reclaimStatus().reclaimedBytes() - before);
            }
        }
        final ReclaimStatus status = catalog.reclaimStatus();
        console.out().println(ByteSize.format(Math.max(0, status.reclaimedBytes() - before)) + " reclaimed");
    }
}
