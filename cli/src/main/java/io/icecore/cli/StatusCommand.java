package io.icecore.cli;

import io.icecore.cli.daemon.ClientFacts;
import io.icecore.cli.daemon.DaemonStatus;
import io.icecore.recovery.point.RollingStatus;
import io.icecore.recovery.scrub.ScrubState;
import io.icecore.store.StoreInfo;
import io.icecore.store.device.BlockDevice;
import io.icecore.store.tree.CacheFigures;
import io.icecore.volume.ByteSize;
import io.icecore.volume.Catalog;
import io.icecore.volume.ReclaimStatus;
import io.icecore.volume.TimeSpan;
import java.time.Duration;
import java.time.Instant;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        description = "How the daemon that holds the store is doing: exports, clients, timer, deletion, health.",
        footer = {"", "Example:", "  icecore status --store /srv/ice.store"})
final class StatusCommand extends StoreCommand {
    @Option(names = "--json", description = "One JSON document.")
    private boolean json;

    @Override
    Access access() {
        return Access.DAEMON;
    }

    @Override
    int run(final Catalog catalog) {
        final DaemonStatus status =
                ((DaemonSession) invocation().session()).daemon().status();
        if (json) {
            console().out().println(json(status));
        } else {
            printFacts(status);
            printDamage(status);
            printClients(status);
            printTimer(status);
        }
        return ExitCode.DONE;
    }

    private void printFacts(final DaemonStatus status) {
        final StoreInfo store = status.store();
        new Facts()
                .add("health", status.health())
                .add("store", store.path() + ", generation " + store.generation())
                .add(
                        "space",
                        ByteSize.format(store.sizeBytes()) + ", " + ByteSize.format(store.usedBytes()) + " used, "
                                + ByteSize.format(store.freeBytes()) + " free, "
                                + ByteSize.format(status.writableBytes()) + " writable")
                .add("waiting", waiting(status.waitingWrites()))
                .add(
                        "daemon",
                        "process " + status.processId() + ", since " + console().timeText(status.since()))
                .add("listening", String.join(" ", status.listening()))
                .add("exports", status.volumes().isEmpty() ? "none" : String.join(" ", status.volumes()))
                .add("targets", status.targets().isEmpty() ? "none" : String.join(" ", status.targets()))
                .add("deletion", deletion(status.deletion()))
                .add("scrub", scrub(status.scrub()))
                .add(
                        "damage",
                        status.damage().isEmpty()
                                ? "none met"
                                : Words.count(status.damage().size(), "place") + " met by reads, see below")
                .add("node cache", nodeCache(status.nodeCache()))
                .add("clients", String.valueOf(status.clients().size()))
                .print(console());
    }

    private static String deletion(final ReclaimStatus deletion) {
        final String done = ByteSize.format(deletion.reclaimedBytes()) + " given back so far";
        if (deletion.records() == 0) {
            return "nothing to do, " + done;
        }
        final String left = "about " + ByteSize.format(deletion.pendingBytes()) + " to come back, " + done;
        if (!deletion.running()) {
            return "gathering, " + left;
        }
        final long whole = deletion.batchBytes() + deletion.pendingBytes();
        return (whole == 0 ? "" : 100 * deletion.batchBytes() / whole + " % done, ")
                + Words.count(deletion.regionsLeft(), "region") + " left, " + left + ", "
                + ByteSize.format(deletion.bytesPerSecond()) + "/s"
                + (deletion.secondsLeft() < 0
                        ? ""
                        : ", " + TimeSpan.format(Duration.ofSeconds(Math.max(1, deletion.secondsLeft()))) + " to go");
    }

    private static String waiting(final int writes) {
        return writes == 0 ? "no writes" : Words.count(writes, "write") + " for room in the full store";
    }

    private static String nodeCache(final CacheFigures cache) {
        return String.format(
                "%.2f %% hits (%d hits, %d misses), %d nodes, capacity %d",
                100 * cache.hitRate(), cache.hits(), cache.misses(), cache.nodes(), cache.capacity());
    }

    private String scrub(final ScrubState scrub) {
        if (scrub == null) {
            return "never";
        }
        final String found = scrub.damage().isEmpty()
                ? "no damage"
                : Words.count(scrub.damage().size(), "damaged chunk");
        return scrub.ended() == null
                ? String.format(
                        "begun %s, %.0f %% done, %s so far",
                        console().timeText(scrub.begun()), 100 * scrub.share(), found)
                : "ended " + console().timeText(scrub.ended()) + ", "
                        + ByteSize.format(scrub.chunksRead() * BlockDevice.BLOCK_LENGTH) + " read, " + found;
    }

    private void printDamage(final DaemonStatus status) {
        if (status.damage().isEmpty()) {
            return;
        }
        final Table table = new Table().left("DAMAGE MET").left("WHAT");
        status.damage().forEach(damage -> table.row(console().timeText(damage.since()), damage.what()));
        console().out().println();
        table.print(console());
    }

    private void printClients(final DaemonStatus status) {
        if (status.clients().isEmpty()) {
            return;
        }
        final Table table = new Table()
                .left("PROTOCOL")
                .left("CLIENT")
                .left("EXPORT")
                .left("SINCE")
                .right("REQUESTS/S")
                .right("READ/S")
                .right("WRITTEN/S")
                .right("IN FLIGHT")
                .right("READ")
                .right("WRITTEN");
        for (final DaemonStatus.Client client : status.clients()) {
            table.row(
                    client.client().protocol(),
                    who(client.client()),
                    client.client().export() == null ? "-" : client.client().export(),
                    console().timeText(client.client().since()),
                    String.format("%.0f", client.requestsPerSecond()),
                    ByteSize.format((long) client.bytesReadPerSecond()),
                    ByteSize.format((long) client.bytesWrittenPerSecond()),
                    String.valueOf(client.client().inFlight()),
                    ByteSize.format(client.client().bytesRead()),
                    ByteSize.format(client.client().bytesWritten()));
        }
        console().out().println();
        table.print(console());
    }

    private static String who(final ClientFacts client) {
        return client.initiator() == null ? client.peer() : client.initiator() + " at " + client.peer();
    }

    private void printTimer(final DaemonStatus status) {
        if (status.timer().isEmpty()) {
            return;
        }
        final Table table = new Table()
                .left("ROLLING")
                .right("EVERY")
                .left("LAST")
                .left("NEXT")
                .left("PROBLEM");
        for (final RollingStatus volume : status.timer()) {
            table.row(
                    volume.volume(),
                    volume.every() == null ? "-" : TimeSpan.format(volume.every()),
                    timeOrDash(volume.lastTaken()),
                    timeOrDash(volume.nextDue()),
                    volume.lastError() == null ? "-" : volume.lastError());
        }
        console().out().println();
        table.print(console());
    }

    private String timeOrDash(final Instant time) {
        return time == null ? "-" : console().timeText(time);
    }

    private Json json(final DaemonStatus status) {
        final StoreInfo store = status.store();
        final ReclaimStatus deletion = status.deletion();
        return Json.object()
                .with("health", status.health())
                .with("path", store.path())
                .with("generation", store.generation())
                .with("sizeBytes", store.sizeBytes())
                .with("usedBytes", store.usedBytes())
                .with("freeBytes", store.freeBytes())
                .with("processId", status.processId())
                .with("since", console().timeJson(status.since()))
                .with("listening", status.listening())
                .with("exports", status.volumes())
                .with("targets", status.targets())
                .with("clients", status.clients().stream().map(this::clientJson).toList())
                .with("timer", status.timer().stream().map(this::timerJson).toList())
                .with(
                        "deletion",
                        Json.object()
                                .with("records", deletion.records())
                                .with("regionsLeft", deletion.regionsLeft())
                                .with("reclaimedBytes", deletion.reclaimedBytes())
                                .with("pendingBytes", deletion.pendingBytes())
                                .with("running", deletion.running())
                                .with("batchBytes", deletion.batchBytes())
                                .with("bytesPerSecond", deletion.bytesPerSecond())
                                .with("secondsLeft", deletion.secondsLeft() < 0 ? null : deletion.secondsLeft()))
                .with("writableBytes", status.writableBytes())
                .with("waitingWrites", status.waitingWrites())
                .with(
                        "damage",
                        status.damage().stream()
                                .map(damage -> Json.object()
                                        .with("since", console().timeJson(damage.since()))
                                        .with("what", damage.what()))
                                .toList())
                .with(
                        "nodeCache",
                        Json.object()
                                .with("hits", status.nodeCache().hits())
                                .with("misses", status.nodeCache().misses())
                                .with("nodes", status.nodeCache().nodes())
                                .with("capacity", status.nodeCache().capacity()))
                .with("scrub", status.scrub() == null ? null : scrubJson(status.scrub()));
    }

    private Json scrubJson(final ScrubState scrub) {
        return Json.object()
                .with("begun", console().timeJson(scrub.begun()))
                .with("ended", scrub.ended() == null ? null : console().timeJson(scrub.ended()))
                .with("chunksRead", scrub.chunksRead())
                .with("chunksTotal", scrub.chunksTotal())
                .with("damagedChunks", scrub.damage().size());
    }

    private Json clientJson(final DaemonStatus.Client client) {
        return Json.object()
                .with("protocol", client.client().protocol())
                .with("peer", client.client().peer())
                .with("initiator", client.client().initiator())
                .with("export", client.client().export())
                .with("since", console().timeJson(client.client().since()))
                .with("requests", client.client().requests())
                .with("bytesRead", client.client().bytesRead())
                .with("bytesWritten", client.client().bytesWritten())
                .with("inFlight", client.client().inFlight())
                .with("requestsPerSecond", Math.round(client.requestsPerSecond()))
                .with("bytesReadPerSecond", Math.round(client.bytesReadPerSecond()))
                .with("bytesWrittenPerSecond", Math.round(client.bytesWrittenPerSecond()));
    }

    private Json timerJson(final RollingStatus volume) {
        return Json.object()
                .with("volume", volume.volume())
                .with(
                        "everySeconds",
                        volume.every() == null ? null : volume.every().toSeconds())
                .with("lastTaken", volume.lastTaken() == null ? null : console().timeJson(volume.lastTaken()))
                .with("nextDue", volume.nextDue() == null ? null : console().timeJson(volume.nextDue()))
                .with("lastError", volume.lastError());
    }
}
