package io.icecore.volume.iscsi;

/**
 * Who wants to log in to what: what a login has established when it is about to end.
 *
 * @param initiatorName lower case, as names compare (RFC 7143 section 4.2.7)
 * @param isid          48 bits
 * @param targetName    null in a discovery session
 * @param discovery     the session serves SendTargets and no commands
 * @param connectionId  CID
 */
record LoginRequest(String initiatorName, long isid, String targetName, boolean discovery, int connectionId) {
    /** Name of the initiator port (RFC 7143 section 4.4.1; SPC-4 section 7.6.4.6). */
    String port() {
        return String.format("%s,i,0x%012x", initiatorName, isid);
    }
}
