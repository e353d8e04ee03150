package io.icecore.cli.daemon;

import io.icecore.volume.iscsi.SessionStatus;
import io.icecore.volume.nbd.NbdClient;
import java.time.Instant;

/**
 * Facts about one client of any protocol, at the time they were asked for.
 *
 * @param protocol     nbd or iscsi
 * @param peer         address and port, or {@code unix:} and the socket's path
 * @param initiator    name of the iSCSI initiator, or null
 * @param export       {@code volume} or {@code volume@snapshot}; null while the client has not chosen, or only looks round
 * @param requests     received since it connected
 * @param bytesRead    sent to the client
 * @param bytesWritten received from the client and written
 * @param inFlight     requests that are not answered yet
 * @param since        when it connected
 */
public record ClientFacts(
        String protocol,
        String peer,
        String initiator,
        String export,
        long requests,
        long bytesRead,
        long bytesWritten,
        int inFlight,
        Instant since) {
    static ClientFacts of(final NbdClient client) {
        return new ClientFacts(
                "nbd",
                client.peer(),
                null,
                client.export(),
                client.requests(),
                client.bytesRead(),
                client.bytesWritten(),
                client.inFlight(),
                client.since());
    }

    static ClientFacts of(final SessionStatus session) {
        return new ClientFacts(
                "iscsi",
                session.peer(),
                session.initiator(),
                session.export(),
                session.commands(),
                session.bytesRead(),
                session.bytesWritten(),
                session.inFlight(),
                session.since());
    }
}
