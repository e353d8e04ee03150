package io.icecore.volume.iscsi;

/** A login response (RFC 7143 section 11.13). The last one switches the digests on for what follows. */
record LoginReply(
        LoginStatus status,
        boolean transit,
        int currentStage,
        int nextStage,
        long isid,
        int sessionHandle,
        int initiatorTaskTag,
        byte[] text,
        SessionParameters digestsOf)
        implements Reply {
    private static final int TRANSIT = 0x80;

    @Override
    public boolean encode(final PduEncoder encoder) {
        final int flags = status == LoginStatus.SUCCESS
                ? (transit ? TRANSIT | nextStage : 0) | currentStage << 2
                : currentStage << 2;
        encoder.begin(Opcode.LOGIN_RESPONSE, flags)
                .u64(8, isid << 16 | sessionHandle)
                .u32(16, initiatorTaskTag)
                .statSn(true)
                .u16(36, status.code())
                .end(text);
        if (digestsOf != null) {
            encoder.digests(digestsOf.headerDigest, digestsOf.dataDigest);
        }
        return true;
    }
}
