package io.icecore.volume.iscsi;

/**
 * A session as {@code icecore status} shows it.
 *
 * @param initiator    name of the initiator
 * @param target       name of the target; empty for a discovery session
 * @param peer         address and port of the initiator
 * @param readOnly     the target is a snapshot
 * @param commands     SCSI commands received so far
 * @param bytesRead    bytes sent to the initiator as data
 * @param bytesWritten bytes of data received for commands that succeeded
 */
public record SessionStatus(
        String initiator,
        String target,
        String peer,
        boolean readOnly,
        long commands,
        long bytesRead,
        long bytesWritten) {}
