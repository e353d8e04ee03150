package io.icecore.volume.iscsi;

import java.time.Instant;

/**
 * A session as {@code icecore status} shows it.
 *
 * @param initiator    name of the initiator
 * @param target       name of the target; null for a discovery session
 * @param export       {@code volume} or {@code volume@snapshot}; null for a discovery session
 * @param peer         address and port of the initiator
 * @param since        when it logged in
 * @param commands     SCSI commands received so far
 * @param inFlight     commands that are not answered yet
 * @param bytesRead    bytes sent to the initiator as data
 * @param bytesWritten bytes of data received for commands that succeeded
 */
public record SessionStatus(
        String initiator,
        String target,
        String export,
        String peer,
        Instant since,
        long commands,
        int inFlight,
        long bytesRead,
        long bytesWritten) {}
