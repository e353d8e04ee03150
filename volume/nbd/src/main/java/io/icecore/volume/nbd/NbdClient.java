package io.icecore.volume.nbd;

import java.time.Instant;

/**
 * Facts about one connected client, at the time they were asked for.
 *
 * @param peer         address and port, or {@code unix:} and the socket's path
 * @param export       {@code volume} or {@code volume@snapshot}; null while the client has not chosen
 * @param requests     received since it connected
 * @param bytesRead    sent to the client
 * @param bytesWritten received from the client and written
 * @param inFlight     requests that are not answered yet
 * @param since        when it connected
 */
public record NbdClient(
        String peer, String export, long requests, long bytesRead, long bytesWritten, int inFlight, Instant since) {}
