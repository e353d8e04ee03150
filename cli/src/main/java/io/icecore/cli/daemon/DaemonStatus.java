package io.icecore.cli.daemon;

import io.icecore.recovery.point.RollingStatus;
import io.icecore.recovery.scrub.ScrubState;
import io.icecore.store.DamageLog;
import io.icecore.store.StoreInfo;
import io.icecore.store.tree.CacheFigures;
import io.icecore.volume.ReclaimStatus;
import java.time.Instant;
import java.util.List;

/**
 * How the daemon is doing, at the time it was asked.
 *
 * @param health    "ok", or what a person should look at
 * @param listening URIs, without the name of an export
 * @param volumes   what can be exported: their names
 * @param targets   iSCSI names of the volumes; empty where iSCSI is not offered
 * @param writableBytes what can be written before the store is full
 * @param waitingWrites requests of clients that wait for room
 * @param damage    that reads came upon since the daemon was started
 * @param nodeCache since the daemon was started
 * @param scrub     the newest one, which may be under way, stopped or ended; or null
 */
public record DaemonStatus(
        StoreInfo store,
        String health,
        long processId,
        Instant since,
        List<String> listening,
        List<String> volumes,
        List<String> targets,
        List<Client> clients,
        List<RollingStatus> timer,
        ReclaimStatus deletion,
        long writableBytes,
        int waitingWrites,
        List<DamageLog.Damage> damage,
        CacheFigures nodeCache,
        ScrubState scrub) {

    /** A client, and what it did in each of the last few seconds. */
    public record Client(
            ClientFacts client, double requestsPerSecond, double bytesReadPerSecond, double bytesWrittenPerSecond) {}
}
