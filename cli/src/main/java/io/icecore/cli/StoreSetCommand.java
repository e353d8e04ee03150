package io.icecore.cli;

import io.icecore.volume.ByteSize;
import io.icecore.volume.Catalog;
import io.icecore.volume.StorePolicy;
import io.icecore.volume.WhenFull;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        description = "Says what the store does when it is full. Kept in the store; takes effect at once.",
        footer = {
            "",
            "Example, to keep 20 GiB free by letting the oldest rolling snapshots go:",
            "  icecore store set --store /srv/ice.store --when-full expire --keep-free 20G"
        })
final class StoreSetCommand extends StoreCommand {
    @Mixin
    private StorePolicyOptions options = new StorePolicyOptions();

    @Override
    Access access() {
        return Access.WRITE;
    }

    @Override
    int run(final Catalog catalog) {
        if (!options.given()) {
            throw new CommandException(ExitCode.USAGE, "nothing to set: give --when-full or --keep-free");
        }
        final StorePolicy policy = options.change(catalog.storePolicy());
        catalog.setStorePolicy(policy);
        console().out().println(text(policy, catalog.store().info().sizeBytes()));
        return ExitCode.DONE;
    }

    /** For people. */
    static String text(final StorePolicy policy, final long sizeBytes) {
        final String action = switch (policy.whenFull()) {
            case ERROR -> "writes fail";
            case WAIT -> "writes wait";
            case EXPIRE ->
                "the oldest rolling snapshots go, to keep " + ByteSize.format(policy.keepFreeBytes(sizeBytes))
                        + " free";
        };
        return (policy.whenFull() == WhenFull.EXPIRE ? "when space is short " : "when full ") + action;
    }
}
