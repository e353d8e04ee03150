package io.icecore.cli;

import io.icecore.store.StoreInfo;
import io.icecore.volume.ByteSize;
import io.icecore.volume.Catalog;
import io.icecore.volume.StorePolicy;
import io.icecore.volume.VolumeInfo;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        description = "Shows facts about the store, and its space.",
        footer = {"", "Example:", "  icecore store info --store /srv/ice.store"})
final class StoreInfoCommand extends StoreCommand {
    @Option(names = "--json", description = "One JSON document.")
    private boolean json;

    @Override
    int run(final Catalog catalog) {
        final StoreInfo info = catalog.store().info();
        final List<VolumeInfo> volumes = catalog.volumes();
        final int snapshots = volumes.stream().mapToInt(VolumeInfo::snapshots).sum();
        final long reclaimable = catalog.pendingBytes();
        final long heldByClones = catalog.heldByClonesBytes();
        final StorePolicy policy = catalog.storePolicy();
        if (json) {
            console()
                    .out()
                    .println(Json.object()
                            .with("path", info.path())
                            .with("uuid", info.uuid())
                            .with("formatVersion", info.formatVersion())
                            .with("sizeBytes", info.sizeBytes())
                            .with("usedBytes", info.usedBytes())
                            .with("freeBytes", info.freeBytes())
                            .with("reclaimableBytes", reclaimable)
                            .with("generation", info.generation())
                            .with("volumes", volumes.size())
                            .with("snapshots", snapshots)
                            .with("readOnly", info.readOnly())
                            .with("label", info.label())
                            .with("whenFull", policy.whenFull().word())
                            .with("keepFreeBytes", policy.keepFreeBytes(info.sizeBytes()))
                            .with("writableBytes", catalog.freeBytes())
                            .with("heldByClonesBytes", heldByClones)
                            .with("health", info.health()));
            return ExitCode.DONE;
        }
        new Facts()
                .add("store", info.path())
                .add("label", info.label())
                .add("uuid", info.uuid().toString())
                .add("format", "version " + info.formatVersion())
                .add("size", ByteSize.format(info.sizeBytes()))
                .add("used", ByteSize.format(info.usedBytes()) + share(info.usedBytes(), info.sizeBytes()))
                .add("free", ByteSize.format(info.freeBytes()) + share(info.freeBytes(), info.sizeBytes()))
                .add("writable", ByteSize.format(catalog.freeBytes()) + ", the rest is kept for commits and deletions")
                .add("reclaimable", ByteSize.format(reclaimable))
                .add("held by clones", ByteSize.format(heldByClones) + " of deleted snapshots that clones stand on")
                .add("policy", StoreSetCommand.text(policy, info.sizeBytes()))
                .add("generation", String.valueOf(info.generation()))
                .add("volumes", String.valueOf(volumes.size()))
                .add("snapshots", String.valueOf(snapshots))
                .add("health", info.health())
                .print(console());
        return ExitCode.DONE;
    }

    private static String share(final long part, final long whole) {
        return whole == 0 ? "" : String.format(" (%.0f %%)", 100.0 * part / whole);
    }
}
